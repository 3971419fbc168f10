/**
 * A cloud in general: machines take part of a minute to boot, fresh ones may be missing from every reading for a while,
 * launches are refused for capacity or quota, and ended ones stay listed for an hour (as EC2's do).
 */
import { HOUR_MS, SECOND_MS } from "../../domain/units.ts";
import type { ProviderNature } from "./provider-world.ts";

/** From the launch on it is "pending". */
const PENDING_MS = 5 * SECOND_MS;
/** An ended machine is listed for so long, then nobody knows its id. */
const LISTED_AFTER_END_MS = HOUR_MS;
const ID_LENGTH = 17;

export const cloud: ProviderNature = {
  faultKinds: new Set([
    "provider.listing-lag",
    "provider.missing-from-listing",
    "provider.no-capacity",
    "provider.quota",
    "provider.terminate-does-not-take",
    "provider.reclaim",
    "provider.marks-lost",
    "host.slow-boot",
    "host.never-boots",
  ]),
  drawProviderId: (chance) => `i-${chance.token(ID_LENGTH)}`,
  isProviderId: (text) => text.startsWith("i-"),
  bootRange: ({ bootMs }) => bootMs,
  endingMs: [2 * SECOND_MS, 10 * SECOND_MS],
  stateOf: ({ startedAtMs, end }, nowMs) => {
    if (end !== null && nowMs >= end.shownFromMs + LISTED_AFTER_END_MS) return null;
    if (end !== null && nowMs >= end.shownFromMs) return "gone";
    return nowMs < startedAtMs + PENDING_MS ? "starting" : "running";
  },
  unknownState: "not-found",
  hasFolders: false,
  reportsFailedEnding: false,
  tellsRunnerVersion: false,
};
