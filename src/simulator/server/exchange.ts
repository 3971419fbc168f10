import type { IncomingMessage, ServerResponse } from "node:http";
import type { RestRequest } from "../github/rest-answer.ts";
import { writeWhole } from "./transmit.ts";

/** One HTTP request as read, and the ways to answer it. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  readonly ifNoneMatch: string | null;
  readonly body: RestRequest["body"];
  /** The body as it came. */
  readonly text: string;
  /** Aborts when the caller is gone. */
  readonly gone: AbortSignal;
  answer(status: number, body: object | null, headers?: { readonly [name: string]: string }): void;
  /** For an answer that is to go wrong on its way. */
  readonly response: ServerResponse;
}

const BODY_BYTES_MAX = 1_048_576;

/** Reads the request, or answers it itself (400, 413) and returns null. */
export async function readExchange(request: IncomingMessage, response: ServerResponse): Promise<Exchange | null> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const answer: Exchange["answer"] = (status, body, headers = {}) =>
    writeWhole(response, { status, headers, text: body === null ? null : JSON.stringify(body) });
  const url = parseUrl(request.url ?? "/");
  if (url === null) {
    answer(400, { message: "Bad Request" });
    return null;
  }
  const text = await readBody(request);
  if (text === "too-large" || text === "gone") {
    if (text === "too-large") answer(413, { message: "Payload Too Large" }, { connection: "close" });
    return null;
  }
  return {
    method: request.method ?? "GET",
    path: url.pathname,
    query: url.searchParams,
    authorization: request.headers.authorization,
    ifNoneMatch: request.headers["if-none-match"] ?? null,
    body: parseBody(text),
    text,
    gone: gone.signal,
    answer,
    response,
  };
}

function parseUrl(target: string): URL | null {
  // A target with two slashes in front would be read as a host.
  return URL.parse(target.replace(/^\/+/, "/"), "http://simulator.invalid");
}

async function readBody(request: IncomingMessage): Promise<string | "too-large" | "gone"> {
  const chunks: Buffer[] = [];
  let byteCount = 0;
  try {
    // Not destroyed when it is too large, because the socket is still needed for the refusal.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      byteCount += chunk.length;
      if (byteCount > BODY_BYTES_MAX) return "too-large";
      chunks.push(chunk);
    }
  } catch {
    // The caller hung up in the middle of its own request: nobody is there to be told.
    return "gone";
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseBody(text: string): RestRequest["body"] {
  if (text === "") return { kind: "none" };
  try {
    return { kind: "json", value: JSON.parse(text) };
  } catch (error) {
    if (error instanceof SyntaxError) return { kind: "malformed" };
    throw error;
  }
}
