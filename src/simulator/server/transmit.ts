import type { ServerResponse } from "node:http";
import type { Transmission } from "../github/faults.ts";
import type { WireAnswer } from "../github/rest.ts";
import type { Timers } from "./clock.ts";

/** A slow body goes in so many pieces at most. */
const PIECE_COUNT_MAX = 64;
/** A reset overtakes what the caller did not read yet. */
const HALF_READ_MS = 20;

/** Sends the answer over the socket as the transmission says: as a whole, late, slowly, half, or not at all. */
export async function transmit(
  response: ServerResponse,
  answer: WireAnswer,
  transmission: Transmission,
  timers: Timers,
): Promise<void> {
  switch (transmission.kind) {
    case "delay":
      await timers.sleep(transmission.delayMs);
      return writeWhole(response, answer);
    case "whole":
      return writeWhole(response, answer);
    case "answer-lost":
      response.destroy();
      return;
    case "reset":
      response.socket?.resetAndDestroy();
      return;
    case "half-answer":
      return writeHalf(response, answer, timers);
    case "slow-body":
      return writeSlowly(response, answer, transmission.delayMs, timers);
  }
}

/** @returns the body's bytes, once its head is written; null if nobody is there to read. */
function writeHead(response: ServerResponse, { status, headers, text }: WireAnswer): Buffer | null {
  if (response.destroyed || response.headersSent) return null;
  if (text === null) {
    response.writeHead(status, headers);
    return Buffer.alloc(0);
  }
  const body = Buffer.from(text);
  const own = { "content-type": "application/json; charset=utf-8", "content-length": String(body.length) };
  response.writeHead(status, { ...own, ...headers });
  return body;
}

export function writeWhole(response: ServerResponse, answer: WireAnswer): void {
  const body = writeHead(response, answer);
  if (body !== null) response.end(body);
}

async function writeHalf(response: ServerResponse, answer: WireAnswer, timers: Timers): Promise<void> {
  const body = writeHead(response, answer);
  if (body === null) return;
  const half = body.subarray(0, Math.floor(body.length / 2));
  await new Promise<void>((resolve) => response.write(half, () => resolve()));
  await timers.sleep(HALF_READ_MS);
  response.socket?.resetAndDestroy();
}

async function writeSlowly(
  response: ServerResponse,
  answer: WireAnswer,
  durationMs: number,
  timers: Timers,
): Promise<void> {
  const body = writeHead(response, answer);
  if (body === null) return;
  const pieceCount = Math.max(1, Math.min(body.length, PIECE_COUNT_MAX));
  response.flushHeaders();
  for (let index = 0; index < pieceCount && !response.destroyed; index += 1) {
    await timers.sleep(durationMs / pieceCount);
    const [from, to] = [index, index + 1].map((edge) => Math.floor((edge * body.length) / pieceCount));
    response.write(body.subarray(from, to));
  }
  response.end();
}
