/** By which name an agent speaks before the controller has told it one: its machine's, or one made of its platform's id. */
import { type MachineId, parseProviderId } from "../../domain/ids.ts";
import { invariant } from "../../domain/invariant.ts";
import { strayMachineId } from "../../domain/stray.ts";
import type { AgentBirth } from "../world/host.ts";

export function ownNameOf({ machineId, providerId, signedIdentity }: AgentBirth): MachineId {
  if (signedIdentity === undefined) return machineId;
  const name = strayMachineId(parseProviderId(providerId));
  invariant(name !== null, "a platform's id has enough in it to make a name of");
  return name;
}
