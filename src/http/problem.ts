/** Every refusal over HTTP has this one shape, from the one catalogue of error codes. */
import { ERRORS, type ErrorCode, HoldfastError } from "../domain/errors.ts";
import type { Telemetry } from "../ports/telemetry.ts";

export interface Problem {
  readonly code: ErrorCode;
  /** What was attempted and what went wrong with it. */
  readonly message: string;
  readonly mend: string;
}

/** Codes that are not here are failures of ours: 500. */
const STATUS_BY_CODE: { readonly [Code in ErrorCode]?: number } = {
  "payload-invalid": 400,
  "protocol-unsupported": 400,
  unauthorized: 401,
  forbidden: 403,
  "not-found": 404,
  "force-needed": 400,
  ambiguous: 409,
  "machine-held": 409,
  "pool-frozen": 409,
  "pool-observes": 409,
  "job-not-over": 409,
  "job-succeeded": 409,
  "job-not-ours": 409,
  "run-deleted": 409,
  "run-not-over": 409,
  "rerun-too-old": 409,
  "rerun-too-often": 409,
  "github-not-connected": 409,
  "machine-gone": 409,
  "machine-ending": 409,
  "payload-too-large": 413,
  overloaded: 503,
  "provider-unavailable": 503,
  "store-unavailable": 503,
  "lease-lost": 503,
};

export interface ProblemOptions {
  /** Where another status says more than the code's own: 415 for a content type. */
  readonly status?: number;
  /** Instead of the catalogue's, where the mend is particular to this call. */
  readonly mend?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** @param attempted what was being done, as in "recording the delivery 1234". */
function describeProblem(code: ErrorCode, attempted: string, mend: string = ERRORS[code].mend): Problem {
  return { code, message: `${attempted}: ${ERRORS[code].sentence}`, mend };
}

export function statusOf(code: ErrorCode): number {
  return STATUS_BY_CODE[code] ?? 500;
}

/** @example return problem("not-found", "explaining m-12345678"); */
export function problem(code: ErrorCode, attempted: string, options: ProblemOptions = {}): Response {
  return Response.json(describeProblem(code, attempted, options.mend), {
    status: options.status ?? statusOf(code),
    headers: { "cache-control": "no-store", ...options.headers },
  });
}

/**
 * For `app.onError`: an error with a code keeps it, anything else is a failure of the store or a bug. The caller learns
 * no more than the code; the log has the whole chain of causes.
 */
export function answerError(telemetry: Telemetry): (error: Error) => Response {
  return (error) => {
    if (error instanceof HoldfastError && statusOf(error.code) < 500) return problem(error.code, error.message);
    telemetry.error("answering a request failed", error);
    if (error instanceof HoldfastError) return problem(error.code, error.message);
    return problem("internal", "answering the request");
  };
}
