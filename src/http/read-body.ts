/** A body that is over the limit is not read to its end, and never held in memory. */

export type BodyRead =
  | { readonly kind: "read"; readonly bytes: Uint8Array }
  | { readonly kind: "too-large" }
  /** The client went away in the middle. */
  | { readonly kind: "cut-off" };

export async function readBody(request: Request, limitBytes: number): Promise<BodyRead> {
  if (Number(request.headers.get("content-length") ?? 0) > limitBytes) return { kind: "too-large" };
  if (request.body === null) return { kind: "read", bytes: new Uint8Array(0) };
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  const reader = request.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      byteCount += value.byteLength;
      if (byteCount > limitBytes) {
        await reader.cancel();
        return { kind: "too-large" };
      }
      chunks.push(value);
    }
  } catch {
    return { kind: "cut-off" };
  }
  return { kind: "read", bytes: Buffer.concat(chunks, byteCount) };
}
