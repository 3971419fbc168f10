/** What its platform vouches for a machine with. */
import type { CheckInRequest } from "../../domain/protocol.ts";
import type { AgentBirth } from "../world/host.ts";

export function identityOf({ identitySecret, signedIdentity, readPodToken }: AgentBirth): CheckInRequest["identity"] {
  if (readPodToken !== undefined) return { kind: "kubernetes", token: readPodToken() };
  if (signedIdentity !== undefined) return { kind: "ec2", document: signedIdentity };
  return { kind: "process", secret: identitySecret };
}
