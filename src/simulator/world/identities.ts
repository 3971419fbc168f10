/**
 * Who vouches for the world's instances: one signer for all worlds of a process. Its key differs from run to run, and nothing
 * that happens in a world depends on it.
 */
import type { InstanceAuthority } from "../../http/agents/instance-identity.ts";
import { createIdentitySigner, type IdentitySigner } from "../server/ec2/identity-signer.ts";

const REGION = "eu-west-1";
const ACCOUNT = "123456789012";

let signer: IdentitySigner | null = null;

function theSigner(): IdentitySigner {
  signer ??= createIdentitySigner();
  return signer;
}

export function instanceAuthority(): InstanceAuthority {
  return { region: REGION, certificates: [theSigner().rsaCertificate] };
}

export function signIdentity(instanceId: string, nowMs: number): string {
  return theSigner().sign(JSON.stringify({ instanceId, region: REGION, accountId: ACCOUNT }), nowMs).rsa2048;
}
