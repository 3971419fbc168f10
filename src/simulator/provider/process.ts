/**
 * Process machines on one host: there at once and killed at once. What it says of them it reads from their folders and the
 * process table, so its listings neither lag nor lack anything, an id without a folder is positively gone, and there is
 * neither quota nor want of capacity. What ended otherwise than by us is dead, and its folder stays until it is cleared.
 */
import { SECOND_MS } from "../../domain/units.ts";
import type { ProviderNature } from "./provider-world.ts";

const ID_LENGTH = 12;

export const processes: ProviderNature = {
  faultKinds: new Set([
    "provider.terminate-does-not-take",
    "provider.reclaim",
    "provider.marks-lost",
    "host.slow-boot",
    "host.never-boots",
  ]),
  drawProviderId: (chance, machineId) => machineId ?? `m-${chance.token(ID_LENGTH)}`,
  isProviderId: (text) => text.startsWith("m-"),
  bootRange: () => [SECOND_MS, 3 * SECOND_MS],
  endingMs: [0, 0],
  stateOf: ({ startedAtMs, bootMs, end }, nowMs) => {
    if (end !== null) return "dead";
    return bootMs === null || nowMs < startedAtMs + bootMs ? "starting" : "running";
  },
  unknownState: "gone",
  hasFolders: true,
  reportsFailedEnding: true,
  tellsRunnerVersion: true,
};
