/**
 * Why an order is refused where it would have been carried out on a quicker machine: something that has to be ready within
 * seconds was not, or another test's process was just starting. Nothing was killed; the controller asks anew.
 */
import type { FenceRefusal } from "../../src/domain/protocol.ts";

/** The fence was closed and its look clean, which is written down; then this process got no turn for seconds. */
export const WATCHDOG_FIRST = "the fence was opened again before the kill was decided";

const SLOW = [
  WATCHDOG_FIRST,
  "the watchdog could not be started",
  "the watchdog was not there in time",
  "the watchdog of an earlier fence has not ended",
  "not every task of the listener stops",
];
/** Between its fork and its exec a process says neither whose it is nor where it comes from. */
const STARTING = /^process \d+ is a (listener|worker) of nobody knows whom$/;

export function isOfSlowness({ why }: FenceRefusal): boolean {
  return SLOW.includes(why) || STARTING.test(why);
}
