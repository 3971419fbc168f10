/**
 * ClientTokens. A call with a token that took effect is remembered, with its whole request: the identical call is answered
 * again and does nothing, another one under the same token is refused. What was refused is not remembered. The memory lasts
 * until a while after the last of the call's instances has ended; until then a repetition shows the ended ones.
 */
import type { Ec2Action, Ec2Answer } from "./api.ts";
import { demandValue, Ec2Refusal } from "./errors.ts";
import type { Ec2State, RememberedCall } from "./state.ts";

const TOKEN_LENGTH_MAX = 64;
const ASCII = /^[\x21-\x7e]+$/;

interface Tokened {
  readonly ClientToken?: string | undefined;
  readonly DryRun?: boolean | undefined;
}

/**
 * @returns the answer to a repetition; null where the call is new.
 * @throws {Ec2Refusal} IdempotentParameterMismatch for another request under the same token.
 */
export function recall(state: Ec2State, action: Ec2Action, request: Tokened, nowMs: number): Ec2Answer | null {
  const token = request.ClientToken;
  // A dry run is neither a repetition nor repeated.
  if (token === undefined || request.DryRun === true) return null;
  demandValue(token.length <= TOKEN_LENGTH_MAX && ASCII.test(token), `Invalid value '${token}' for clientToken.`);
  const key = `${action}/${token}`;
  const call = state.remembered.get(key);
  if (call === undefined) return null;
  if (nowMs >= forgottenFromMs(state, call)) {
    state.remembered.delete(key);
    return null;
  }
  if (call.text !== textOf(request))
    throw new Ec2Refusal(
      "IdempotentParameterMismatch",
      "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
    );
  return call.answer(nowMs);
}

export function remember(
  state: Ec2State,
  action: Ec2Action,
  request: Tokened,
  made: Omit<RememberedCall, "text">,
): void {
  if (request.ClientToken === undefined) return;
  state.remembered.set(`${action}/${request.ClientToken}`, { ...made, text: textOf(request) });
}

function forgottenFromMs({ instances, options }: Ec2State, { instanceIds, madeAtMs }: RememberedCall): number {
  let lastEndMs = madeAtMs;
  for (const id of instanceIds) {
    const phase = instances.get(id)?.phase;
    if (phase === undefined) continue;
    if (phase.kind !== "terminated") return Number.POSITIVE_INFINITY;
    lastEndMs = Math.max(lastEndMs, phase.sinceMs);
  }
  return lastEndMs + options.times.tokenMs;
}

/** The same for requests that differ in the order of their members alone. */
function textOf(request: object): string {
  return JSON.stringify(request, (_name, value: unknown) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
  });
}
