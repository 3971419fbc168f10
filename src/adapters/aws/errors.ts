/**
 * EC2's errors as a closed set, by what they ask for. The codes are those of the EC2 API reference, "Error codes", and of
 * `CreateFleet`, which reports some of them per override in an answer of its own.
 */
import { ProviderError, type ProviderErrorCode } from "../../domain/errors.ts";

/**
 * - `capacity`: no room for this type, in this zone, on this market, now.
 * - `unsupported`: this zone does not have the type at all.
 * - `subnet-full`: the subnet has no address left.
 * - `price`: the spot price is above what the pool pays.
 * - `family-quota`: the account may have no more of this family on this market.
 * - `account-quota`: the account may have no more of something that every machine needs.
 * - `throttled`: too many calls; nothing was done.
 * - `unknown`: whether it was done nobody knows.
 * - `absent`: EC2 does not know the instance, which is no proof that it is gone.
 * - `token-used`: a request with this token was made before, and was another.
 * - `protected`: somebody protected the instance against its end.
 * - `denied`: our credentials may not.
 * - `settings`: the pool's settings are wrong.
 * - `state`: not in the state that the instance is in.
 * - `permitted`: a dry run would have succeeded.
 */
export type Ec2Trouble =
  | "capacity"
  | "unsupported"
  | "subnet-full"
  | "price"
  | "family-quota"
  | "account-quota"
  | "throttled"
  | "unknown"
  | "absent"
  | "token-used"
  | "protected"
  | "denied"
  | "settings"
  | "state"
  | "permitted";

const TROUBLES: Readonly<Record<string, Ec2Trouble>> = {
  InsufficientInstanceCapacity: "capacity",
  UnfulfillableCapacity: "capacity",
  InsufficientHostCapacity: "capacity",
  InsufficientCapacityOnHost: "capacity",
  InsufficientReservedInstanceCapacity: "capacity",
  InsufficientCapacity: "capacity",
  InsufficientReservedCapacity: "capacity",
  Unsupported: "unsupported",
  UnsupportedOperation: "unsupported",
  InvalidInstanceType: "unsupported",
  UnsupportedHostConfiguration: "unsupported",
  InsufficientFreeAddressesInSubnet: "subnet-full",
  SpotMaxPriceTooLow: "price",
  VcpuLimitExceeded: "family-quota",
  InstanceLimitExceeded: "family-quota",
  MaxSpotInstanceCountExceeded: "family-quota",
  HostLimitExceeded: "family-quota",
  MaxSpotFleetRequestCountExceeded: "account-quota",
  TargetCapacityLimitExceededException: "account-quota",
  ResourceLimitExceeded: "account-quota",
  VolumeLimitExceeded: "account-quota",
  MaxIOPSLimitExceeded: "account-quota",
  NetworkInterfaceLimitExceeded: "account-quota",
  AddressLimitExceeded: "account-quota",
  RequestLimitExceeded: "throttled",
  Throttling: "throttled",
  ThrottlingException: "throttled",
  EC2ThrottledException: "throttled",
  InternalError: "unknown",
  InternalFailure: "unknown",
  ServiceUnavailable: "unknown",
  Unavailable: "unknown",
  ClientInternalError: "unknown",
  InvalidInstanceID: "absent",
  "InvalidInstanceID.NotFound": "absent",
  // Made by an earlier call whose answer was lost, and not to be seen everywhere yet.
  "InvalidLaunchTemplateName.AlreadyExistsException": "unknown",
  IdempotentParameterMismatch: "token-used",
  IdempotentInstanceTerminated: "token-used",
  InvalidClientToken: "token-used",
  OperationNotPermitted: "protected",
  UnauthorizedOperation: "denied",
  AuthFailure: "denied",
  Blocked: "denied",
  OptInRequired: "denied",
  PendingVerification: "denied",
  SignatureDoesNotMatch: "denied",
  InvalidClientTokenId: "denied",
  ExpiredToken: "denied",
  RequestExpired: "denied",
  CredentialsProviderError: "denied",
  IncorrectInstanceState: "state",
  IncorrectState: "state",
  DryRunOperation: "permitted",
};

/** A failed call: what the official client threw, or what EC2 reported inside an answer. */
export interface Ec2Failure {
  readonly trouble: Ec2Trouble;
  /** EC2's own word, or the client's where nothing answered. */
  readonly code: string;
  readonly message: string;
}

const MESSAGE_LENGTH_MAX = 600;

/** @param httpStatus null where nothing answered, and for what is reported inside an answer. */
export function classify(code: string, message: string, httpStatus: number | null): Ec2Failure {
  return { trouble: troubleOf(code, httpStatus), code, message: message.slice(0, MESSAGE_LENGTH_MAX) };
}

/** A code that the table does not have was still an answer: EC2 refused the request, unless it failed itself. */
function troubleOf(code: string, httpStatus: number | null): Ec2Trouble {
  const known = Object.hasOwn(TROUBLES, code) ? TROUBLES[code] : undefined;
  if (known !== undefined) return known;
  if (httpStatus === null) return isReported(code) ? "settings" : "unknown";
  return httpStatus >= 500 ? "unknown" : "settings";
}

/** Codes of refusals that come inside an answer, and so without a status of their own. */
function isReported(code: string): boolean {
  return /^(?:Invalid|Missing|Unknown|Malformed)/.test(code);
}

/** Reads what the official client throws: EC2's code is the error's name, the status is in its metadata. */
export function readFailure(error: unknown): Ec2Failure {
  if (!(error instanceof Error)) return classify("Unknown", String(error), 500);
  const { $metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } };
  const status = "$fault" in error ? ($metadata?.httpStatusCode ?? null) : null;
  return classify(error.name, error.message, status);
}

/**
 * What is chained of an error of the official client: its word, and nothing of the request and the connection that it
 * carries along.
 */
export function plainCause(error: unknown): Error {
  const { code, message } = readFailure(error);
  const plain = new Error(message);
  plain.name = code;
  return plain;
}

/** In one line: `InsufficientInstanceCapacity (We currently do not have …)`. */
export function describeFailure({ code, message }: Ec2Failure): string {
  return message === "" || message === code ? code : `${code} (${message})`;
}

/** What each becomes for whoever asked for a launch. */
const LAUNCH_CODES: Readonly<Record<Ec2Trouble, ProviderErrorCode>> = {
  capacity: "provider-capacity",
  unsupported: "provider-capacity",
  "subnet-full": "provider-capacity",
  price: "provider-capacity",
  "family-quota": "provider-quota",
  "account-quota": "provider-quota",
  throttled: "provider-unavailable",
  unknown: "provider-unavailable",
  // Not the machine's own id is meant but that of something that was made a moment ago, and may not be seen everywhere yet.
  absent: "provider-unavailable",
  "token-used": "provider-unavailable",
  protected: "provider-invalid",
  denied: "provider-invalid",
  settings: "provider-invalid",
  state: "provider-unavailable",
  permitted: "provider-invalid",
};

export function launchCodeOf({ trouble }: Ec2Failure): ProviderErrorCode {
  return LAUNCH_CODES[trouble];
}

/** The port's error for a call that a launch needs. */
export function toLaunchError(error: unknown, attempted: string): ProviderError {
  if (error instanceof ProviderError) return error;
  const failure = readFailure(error);
  return new ProviderError(launchCodeOf(failure), `${attempted}: ${describeFailure(failure)}`, {
    cause: plainCause(error),
  });
}

/** The port's error for a call of which only is known that it failed. */
export function toUnavailable(error: unknown, attempted: string): ProviderError {
  if (error instanceof ProviderError) return error;
  const failure = readFailure(error);
  return new ProviderError("provider-unavailable", `${attempted}: ${describeFailure(failure)}`, {
    cause: plainCause(error),
  });
}

const INSTANCE_ID = /\bi-[0-9a-f]{8,17}\b/g;

/** The instances that a message names: EC2 refuses a batch as a whole for one of them. */
export function namedInstances(message: string): ReadonlySet<string> {
  return new Set(message.match(INSTANCE_ID) ?? []);
}
