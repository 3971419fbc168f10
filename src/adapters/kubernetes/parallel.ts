/** Calls `work` for every item, at most `CALLS_AT_ONCE_MAX` at a time; the results are in the order of the items. */
const CALLS_AT_ONCE_MAX = 8;

export async function inParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results = new Map<number, Result>();
  const left = items.entries();
  const worker = async (): Promise<void> => {
    for (const [at, item] of left) results.set(at, await work(item));
  };
  await Promise.all(Array.from({ length: Math.min(CALLS_AT_ONCE_MAX, items.length) }, worker));
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
}
