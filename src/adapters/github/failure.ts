/** Why an exchange failed, in one line that says it: fetch itself only says "fetch failed". */
const CAUSE_COUNT_MAX = 10;
const MESSAGE_LENGTH_MAX = 300;
const PROXY_REFUSAL = /^Proxy (?:response|Authentication Required) \((\d{3})\)/;

/**
 * @returns an error that says only the last cause, as in `self-signed certificate (DEPTH_ZERO_SELF_SIGNED_CERT)`: what the
 *   system hangs on its errors besides, whole certificates or the proxy's address with its password, has no place in a log.
 */
export function readableFailure(error: unknown): Error {
  const last = lastCause(error);
  if (last === null) return new Error("the exchange failed");
  const refused = PROXY_REFUSAL.exec(last.message);
  if (refused !== null) return new Error(`proxy refused: ${refused[1]}`);
  const code = codeOf(last);
  const said = last.message.replace(/\s+/g, " ").slice(0, MESSAGE_LENGTH_MAX);
  if (code === null || said.includes(code)) return new Error(said);
  return new Error(said === "" ? code : `${said} (${code})`);
}

function lastCause(error: unknown): Error | null {
  let last: Error | null = null;
  let next: unknown = error;
  for (let count = 0; next instanceof Error && count < CAUSE_COUNT_MAX; count += 1) {
    last = next;
    // Several addresses were tried, and all failed: the first tells as much as any.
    next = next instanceof AggregateError && next.message === "" ? next.errors[0] : next.cause;
  }
  return last;
}

function codeOf(error: Error): string | null {
  return "code" in error && typeof error.code === "string" ? error.code : null;
}
