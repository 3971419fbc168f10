/** The errors of Auto Scaling that the model knows, by the codes of the wire, with the HTTP status that each comes with. */
export const ASG_ERRORS = {
  ValidationError: 400,
  AlreadyExists: 400,
  LimitExceeded: 400,
  ResourceContention: 500,
  ResourceInUse: 400,
  ScalingActivityInProgress: 400,
  InvalidNextToken: 400,
  InstanceRefreshInProgress: 400,
  ActiveInstanceRefreshNotFound: 400,
  IdempotentParameterMismatch: 400,
  Throttling: 400,
  InternalFailure: 500,
  ServiceUnavailable: 503,
  AccessDenied: 403,
  InvalidClientTokenId: 403,
  InvalidAction: 400,
} as const;

export type AsgErrorCode = keyof typeof ASG_ERRORS;

/** A call that Auto Scaling refuses. It is thrown inside the model alone: `callAsg` answers it. */
export class AsgRefusal extends Error {
  override readonly name = "AsgRefusal";
  readonly code: AsgErrorCode;

  constructor(code: AsgErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** @throws {AsgRefusal} ValidationError unless it holds. */
export function demand(holds: boolean, message: string): asserts holds {
  if (!holds) throw new AsgRefusal("ValidationError", message);
}

/** @throws {AsgRefusal} ValidationError where it is left out or empty. */
export function demandGiven<Value>(value: Value | undefined, name: string): Value {
  demand(
    value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0),
    `1 validation error detected: Value at '${name}' failed to satisfy constraint: Member must not be null`,
  );
  return value as NonNullable<Value>;
}
