/** What the API server answers where it does not do what was asked: a `Status`, in its own words. */

/** The reasons that this model gives, each with the HTTP status that it comes with. */
export const REASONS = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const;

export type Reason = keyof typeof REASONS;

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly Cause[];
  readonly retryAfterSeconds?: number;
}

export interface Status {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly metadata: { readonly continue?: string };
  readonly status: "Success" | "Failure";
  readonly message?: string;
  readonly reason?: Reason;
  readonly details?: StatusDetails;
  readonly code?: number;
}

/** A call that is refused. It is thrown inside the model alone: `callKubernetes` answers it. */
export class KubernetesRefusal extends Error {
  override readonly name = "KubernetesRefusal";
  readonly reason: Reason;
  readonly details: StatusDetails | undefined;
  /** Where a listing can go on, out of one that expired. */
  readonly continueToken: string | undefined;

  constructor(reason: Reason, message: string, details?: StatusDetails, continueToken?: string) {
    super(message);
    this.reason = reason;
    this.details = details;
    this.continueToken = continueToken;
  }
}

export function failureStatus(
  reason: Reason,
  message: string,
  details?: StatusDetails,
  continueToken?: string,
): Status {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: continueToken === undefined ? {} : { continue: continueToken },
    status: "Failure",
    message,
    reason,
    ...(details === undefined ? {} : { details }),
    code: REASONS[reason],
  };
}

/** Of one member of what was given: 422 names each. */
export interface FieldError {
  readonly kind: keyof typeof FIELD_REASONS;
  readonly field: string;
  /** What comes after the field's name and the colon. */
  readonly message: string;
}

const FIELD_REASONS = {
  required: "FieldValueRequired",
  invalid: "FieldValueInvalid",
  duplicate: "FieldValueDuplicate",
  forbidden: "FieldValueForbidden",
  unsupported: "FieldValueNotSupported",
} as const;

/** @param subject the kind, as `Pod`; of a group, with it. */
export function invalid(
  subject: { readonly kind: string; readonly group: string },
  name: string,
  errors: readonly FieldError[],
): KubernetesRefusal {
  const { kind, group } = subject;
  const causes = errors.map(({ kind, field, message }) => ({ reason: FIELD_REASONS[kind], message, field }));
  const lines = errors.map(({ field, message }) => `${field}: ${message}`);
  const text = lines.length === 1 ? lines.join("") : `[${lines.join(", ")}]`;
  const title = group === "" ? kind : `${kind}.${group}`;
  return new KubernetesRefusal("Invalid", `${title} "${name}" is invalid: ${text}`, {
    name,
    ...(group === "" ? {} : { group }),
    kind,
    causes,
  });
}

interface Named {
  readonly name: string;
  readonly group: string;
}

function detailsOf({ name: kind, group }: Named, name: string): StatusDetails {
  return { name, ...(group === "" ? {} : { group }), kind };
}

function titleOf({ name, group }: Named): string {
  return group === "" ? name : `${name}.${group}`;
}

export function notFound(resource: Named, name: string): KubernetesRefusal {
  return new KubernetesRefusal("NotFound", `${titleOf(resource)} "${name}" not found`, detailsOf(resource, name));
}

export function alreadyExists(resource: Named, name: string): KubernetesRefusal {
  const message = `${titleOf(resource)} "${name}" already exists`;
  return new KubernetesRefusal("AlreadyExists", message, detailsOf(resource, name));
}

export function conflict(resource: Named, name: string, why: string): KubernetesRefusal {
  const message = `Operation cannot be fulfilled on ${titleOf(resource)} "${name}": ${why}`;
  return new KubernetesRefusal("Conflict", message, detailsOf(resource, name));
}

export function forbidden(resource: Named, name: string, why: string): KubernetesRefusal {
  const subject = name === "" ? titleOf(resource) : `${titleOf(resource)} "${name}"`;
  const details = { ...(name === "" ? {} : { name }), ...(resource.group === "" ? {} : { group: resource.group }) };
  return new KubernetesRefusal("Forbidden", `${subject} is forbidden: ${why}`, { ...details, kind: resource.name });
}
