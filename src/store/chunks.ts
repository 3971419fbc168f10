/** Values of one `in (…)`; a power of two. */
const CHUNK_COUNT_MAX = 128;

/**
 * Reads the rows of many keys by queries of `in (…)`. The lists are filled up to the next power of two with their last
 * value, which changes no answer, so that there are few texts to prepare.
 */
export async function readInChunks<Value, Row>(
  values: readonly Value[],
  read: (chunk: readonly Value[]) => Promise<readonly Row[]>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let start = 0; start < values.length; start += CHUNK_COUNT_MAX) {
    const chunk = values.slice(start, start + CHUNK_COUNT_MAX);
    const size = 2 ** Math.ceil(Math.log2(chunk.length));
    rows.push(...(await read([...chunk, ...Array<Value>(size - chunk.length).fill(chunk[chunk.length - 1] as Value)])));
  }
  return rows;
}
