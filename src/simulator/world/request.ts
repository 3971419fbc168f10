/**
 * A request as the surfaces of Holdfast read it: method, URL, headers, the body as a stream, and whether its caller is still
 * there. A real `Request` costs more to make than all that is done with it, and a world makes one for each report.
 */

/** All that the surfaces and their router ask of a `Request`; whatever else they would ask for is not there. */
type Read = Pick<Request, "method" | "url" | "signal"> & {
  readonly headers: Pick<Headers, "get">;
  readonly body: { getReader(): Reader };
};

interface Reader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array }>;
  cancel(): Promise<void>;
}

const NEVER_ABORTED = new AbortController().signal;
const ENCODER = new TextEncoder();

/** @param signal null for a caller that never goes away. */
export function requestOf(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal | null,
): Request {
  const byName = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const request: Read = {
    method: "POST",
    url,
    signal: signal ?? NEVER_ABORTED,
    headers: { get: (name) => byName.get(name.toLowerCase()) ?? null },
    body: { getReader: () => readerOf(body) },
  };
  return request as unknown as Request;
}

function readerOf(body: string): Reader {
  let isRead = false;
  return {
    read: async () => {
      if (isRead) return { done: true };
      isRead = true;
      return { done: false, value: ENCODER.encode(body) };
    },
    cancel: async () => {
      isRead = true;
    },
  };
}
