/**
 * Auto Scaling's errors as a closed set, by what they ask for. Its codes are few, and most refusals are a
 * `ValidationError` that only its text tells apart ("Common errors" and the errors of each action, Auto Scaling API
 * reference). No code and no text ever counts as a proof that a machine is dead.
 */
import { ProviderError, type ProviderErrorCode } from "../../domain/errors.ts";
import { readFailure } from "../aws/errors.ts";

/**
 * - `contention`: another call has the group; nothing was done.
 * - `in-progress`: the group is about something with it already; nothing was done.
 * - `throttled`: too many calls; nothing was done.
 * - `no-action`: nothing of that hook waits for this instance, any more or yet, or there is no such hook.
 * - `at-minimum`: the group would become smaller than its minimum.
 * - `no-member`: the instance is not in the group.
 * - `validation`: the request does not fit what the group is now.
 * - `denied`: our credentials may not.
 * - `unknown`: whether it was done nobody knows.
 */
export type GroupTrouble =
  | "contention"
  | "in-progress"
  | "throttled"
  | "no-action"
  | "at-minimum"
  | "no-member"
  | "validation"
  | "denied"
  | "unknown";

export interface GroupFailure {
  readonly trouble: GroupTrouble;
  readonly code: string;
  readonly message: string;
}

const TROUBLES: Readonly<Record<string, GroupTrouble>> = {
  ResourceContention: "contention",
  ResourceInUse: "contention",
  ScalingActivityInProgress: "in-progress",
  InstanceRefreshInProgress: "in-progress",
  AccessDenied: "denied",
  AccessDeniedException: "denied",
  NotAuthorized: "denied",
  MissingAuthenticationToken: "denied",
  IncompleteSignature: "denied",
  UnrecognizedClientException: "denied",
  RequestThrottled: "throttled",
  LimitExceeded: "throttled",
};

const VALIDATIONS: readonly (readonly [GroupTrouble, RegExp])[] = [
  ["no-action", /no active lifecycle action|no lifecycle hook found/i],
  ["at-minimum", /min(?:imum)?[ -]?size/i],
  ["no-member", /no managed instance|instance id not found|not (?:a )?(?:part|member) of/i],
];

export function readGroupFailure(error: unknown): GroupFailure {
  const { code, message, trouble } = readFailure(error);
  return { trouble: troubleOf(code.replace(/Fault$/, ""), message, trouble), code, message };
}

function troubleOf(code: string, message: string, elsewhere: string): GroupTrouble {
  const known = Object.hasOwn(TROUBLES, code) ? TROUBLES[code] : undefined;
  if (known !== undefined) return known;
  if (elsewhere === "throttled" || elsewhere === "denied" || elsewhere === "unknown") return elsewhere;
  return VALIDATIONS.find(([, pattern]) => pattern.test(message))?.[0] ?? "validation";
}

/** In one line: `ScalingActivityInProgress (…)`. */
export function describeGroupFailure({ code, message }: Pick<GroupFailure, "code" | "message">): string {
  return message === "" || message === code ? code : `${code} (${message})`;
}

/** The port's error for a call to the group. */
export function toGroupError(
  error: unknown,
  attempted: string,
  code: ProviderErrorCode = "provider-unavailable",
): ProviderError {
  if (error instanceof ProviderError) return error;
  const failure = readGroupFailure(error);
  const mend =
    failure.trouble === "denied" ? ": the credentials may not; `holdfast check --iam` prints what they need" : "";
  return new ProviderError(code, `${attempted}${mend}: ${describeGroupFailure(failure)}`, { cause: plain(failure) });
}

/** Its word, and nothing of the request and the connection that the official client's error carries along. */
function plain({ code, message }: GroupFailure): Error {
  const cause = new Error(message);
  cause.name = code;
  return cause;
}
