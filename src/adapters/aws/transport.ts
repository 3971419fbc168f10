/** How the official clients reach AWS: with limits on how long they wait, whatever is asked. */
import { SECOND_MS } from "../../domain/units.ts";

/** Less than the least that is left of a lease when a machine's end is asked for. */
export const ANSWER_TIMEOUT_MS = 10 * SECOND_MS;
/** Readings are repeated by the client; what changes something is repeated by us, as it is. */
export const READ_TRIES_MAX = 3;
export const WRITE_TRIES_MAX = 1;
const CONNECTION_TIMEOUT_MS = 5 * SECOND_MS;
const SOCKETS_MAX = 50;

export function transport(answerTimeoutMs: number) {
  return {
    requestTimeout: answerTimeoutMs,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    throwOnRequestTimeout: true,
    httpsAgent: { maxSockets: SOCKETS_MAX },
    httpAgent: { maxSockets: SOCKETS_MAX },
  };
}
