/**
 * Waits for all of them, and only then lets the first failure through: an activation is over when all that it began is, so
 * that no second one runs beside its remains.
 */
export async function settleAll(works: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(works);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}
