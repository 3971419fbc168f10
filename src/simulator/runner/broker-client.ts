import { PROTOCOL_PREFIX } from "./protocol.ts";

/**
 * Not imported: an import reads every export of the module, among them those that load the whole of `fetch`, and would
 * double the time that a runner takes to start.
 */
const { request } = process.getBuiltinModule("node:http");

/** One call on the stand-in protocol. Core modules only, as everything here: the runner's folder has no packages. */
export interface BrokerCall {
  readonly method: "GET" | "POST" | "DELETE";
  /** Below the prefix. */
  readonly path: string;
  readonly token: string;
  readonly body?: object;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

export interface BrokerAnswer {
  readonly status: number;
  /** Undefined for an empty body. */
  readonly body: unknown;
}

/** As long as the real runner waits: twice a long poll. */
const CALL_TIMEOUT_MS = 100_000;

/** @throws if there was no answer: refused, reset, timed out, aborted. A refusal with a status is an answer. */
export function callBroker(serverUrl: string, call: BrokerCall): Promise<BrokerAnswer> {
  const text = call.body === undefined ? "" : JSON.stringify(call.body);
  const timeout = AbortSignal.timeout(call.timeoutMs ?? CALL_TIMEOUT_MS);
  const options = {
    method: call.method,
    // A connection of its own: a kept one may be dead without our knowing when the simulator was away.
    agent: false,
    headers: {
      authorization: `Bearer ${call.token}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
    },
    signal: call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]),
  } as const;
  return new Promise((resolve, reject) => {
    const outgoing = request(`${serverUrl}${PROTOCOL_PREFIX}${call.path}`, options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const received = Buffer.concat(chunks).toString("utf8");
        resolve({ status: response.statusCode ?? 0, body: received === "" ? undefined : parse(received) });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(text);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whatever stands between may answer in HTML; the status says enough.
    return undefined;
  }
}

/** What a refusal says, for the log. */
export function refusalOf(answer: BrokerAnswer): { readonly errorKind: string; readonly message: string } {
  const body = typeof answer.body === "object" && answer.body !== null ? answer.body : {};
  const errorKind = "errorKind" in body && typeof body.errorKind === "string" ? body.errorKind : "";
  const message = "message" in body && typeof body.message === "string" ? body.message : `HTTP status ${answer.status}`;
  return { errorKind, message };
}
