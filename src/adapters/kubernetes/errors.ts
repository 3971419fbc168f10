/**
 * The API's refusals as a closed set, by what they ask for. An error is a `Status`: its code and its reason are the API's
 * ("API conventions", Kubernetes), and what 403 is about only its message says.
 */
import { ApiException } from "@kubernetes/client-node";
import { ProviderError, type ProviderErrorCode } from "../../domain/errors.ts";

/**
 * - `quota`: the namespace's ResourceQuota is used up.
 * - `admission`: a webhook, a policy or the Pod Security admission refused the object.
 * - `denied`: our credentials may not.
 * - `settings`: the object is wrong, or names what is not there.
 * - `exists`: there is an object of that name.
 * - `conflict`: the object changed since, or is another than was named.
 * - `absent`: there is no such object, which is no proof that nothing of it runs.
 * - `expired`: the version or page that was asked for is no longer kept.
 * - `throttled`: too many calls; nothing was done.
 * - `unknown`: whether it was done nobody knows.
 */
export type KubernetesTrouble =
  | "quota"
  | "admission"
  | "denied"
  | "settings"
  | "exists"
  | "conflict"
  | "absent"
  | "expired"
  | "throttled"
  | "unknown";

export interface KubernetesFailure {
  readonly trouble: KubernetesTrouble;
  /** Null where nothing answered. */
  readonly status: number | null;
  /** The API's own word: `AlreadyExists`, `Forbidden`; the client's where nothing answered. */
  readonly reason: string;
  readonly message: string;
}

const MESSAGE_LENGTH_MAX = 600;

/** @param status the HTTP status; null where nothing answered. */
export function classify(status: number | null, reason: string, message: string): KubernetesFailure {
  const trouble = troubleOf(status, reason, message);
  return { trouble, status, reason, message: message.slice(0, MESSAGE_LENGTH_MAX) };
}

function troubleOf(status: number | null, reason: string, message: string): KubernetesTrouble {
  if (status === null || status >= 500) return "unknown";
  switch (status) {
    case 401:
      return "denied";
    case 403:
      return troubleOfForbidden(message);
    case 404:
      return /^namespaces? "/.test(message) ? "settings" : "absent";
    case 409:
      // The quota's own object changed while ours was counted: nothing was made, and the same call may do.
      if (message.includes("resourcequotas")) return "throttled";
      return reason === "AlreadyExists" ? "exists" : "conflict";
    case 410:
      return "expired";
    case 429:
      return "throttled";
    default:
      return message.includes("admission webhook") ? "admission" : "settings";
  }
}

function troubleOfForbidden(message: string): KubernetesTrouble {
  if (/exceeded quota|insufficient quota|failed quota/.test(message)) return "quota";
  if (/admission webhook|violates PodSecurity|ValidatingAdmissionPolicy|is being terminated/.test(message))
    return "admission";
  // An object that a limit range or another plug-in refuses is forbidden by its name, a caller as a user.
  return /\bcannot \w+ resource\b/.test(message) || message === "" ? "denied" : "admission";
}

/** Reads what the official client throws: the answer's `Status`, or whatever kept it from coming. */
export function readFailure(error: unknown): KubernetesFailure {
  if (!(error instanceof ApiException)) {
    const { name, message } = error instanceof Error ? withCause(error) : { name: "Unknown", message: String(error) };
    return classify(null, name, message);
  }
  const { reason, message } = readStatus(error.body);
  return classify(error.code, reason ?? `HTTP ${error.code}`, message ?? "");
}

/** `fetch failed` says nothing; what it was caused by does. */
function withCause({ name, message, cause }: Error): { readonly name: string; readonly message: string } {
  return { name, message: cause instanceof Error ? `${message}: ${cause.message}` : message };
}

interface Told {
  readonly reason: string | null;
  readonly message: string | null;
}

function readStatus(body: unknown): Told {
  const status = typeof body === "string" ? parse(body) : body;
  if (typeof status !== "object" || status === null) return { reason: null, message: String(body ?? "") };
  const { reason, message } = status as { readonly reason?: unknown; readonly message?: unknown };
  return {
    reason: typeof reason === "string" && reason !== "" ? reason : null,
    message: typeof message === "string" ? message : null,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** In one line: `Forbidden (exceeded quota: …)`. */
export function describeFailure({ reason, message }: KubernetesFailure): string {
  return message === "" || message === reason ? reason : `${reason} (${message})`;
}

/** What each becomes for whoever asked for a launch, where it is sure that nothing was started. */
const LAUNCH_CODES: Readonly<Record<KubernetesTrouble, ProviderErrorCode>> = {
  quota: "provider-quota",
  admission: "provider-invalid",
  denied: "provider-invalid",
  settings: "provider-invalid",
  exists: "provider-invalid",
  conflict: "provider-unavailable",
  absent: "provider-invalid",
  expired: "provider-unavailable",
  throttled: "provider-unavailable",
  unknown: "provider-unavailable",
};

export function launchCodeOf({ trouble }: KubernetesFailure): ProviderErrorCode {
  return LAUNCH_CODES[trouble];
}

/** The port's error for a call of which only is known that it failed. */
export function toUnavailable(error: unknown, attempted: string): ProviderError {
  return toProviderError("provider-unavailable", error, attempted);
}

export function toProviderError(code: ProviderErrorCode, error: unknown, attempted: string): ProviderError {
  if (error instanceof ProviderError) return error;
  const failure = readFailure(error);
  const cause = plainCause(failure);
  return new ProviderError(code, `${attempted}: ${describeFailure(failure)}`, { cause });
}

/** Of an error of the official client only its word: it carries the request's headers along. */
export function plainCause({ reason, message }: KubernetesFailure): Error {
  const plain = new Error(message);
  plain.name = reason;
  return plain;
}
