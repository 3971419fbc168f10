/** The name of a machine that carries none and has no row: made from what the provider calls it, the same each time. */
import { type MachineId, type ProviderId, parseMachineId } from "./ids.ts";

const TOKEN_LENGTH_MIN = 8;
const TOKEN_LENGTH_MAX = 32;

/** @returns null where the provider's id has too little in it to make a name of. */
export function strayMachineId(providerId: ProviderId): MachineId | null {
  const token = providerId.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  return token.length < TOKEN_LENGTH_MIN ? null : parseMachineId(`m-${token.slice(-TOKEN_LENGTH_MAX)}`);
}
