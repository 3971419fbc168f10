/** Which of the places in which a pool has or had machines were listed since this process took it. */
import type { PoolContext } from "./context.ts";

/** Whether all that is where settings put machines was listed. */
export function isPlaceListed(
  { pool, memory }: PoolContext,
  { settingsHash }: { readonly settingsHash: string },
): boolean {
  return settingsHash === pool.settingsHash || !memory.isFormerFleetUnlisted;
}
