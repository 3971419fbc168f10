/**
 * The errors of EC2 that the model knows, with the HTTP status that each comes with. `client`: 4xx; the SDK takes 5xx, and
 * throttling by its code, as worth another try.
 */
export const EC2_ERRORS = {
  // There is no room.
  InsufficientInstanceCapacity: 500,
  InsufficientHostCapacity: 500,
  InsufficientCapacityOnHost: 400,
  InsufficientReservedInstanceCapacity: 400,
  UnfulfillableCapacity: 400,
  Unsupported: 400,
  InvalidInstanceType: 400,
  InvalidFleetConfiguration: 400,
  // The account may not have more.
  VcpuLimitExceeded: 400,
  InstanceLimitExceeded: 400,
  MaxSpotInstanceCountExceeded: 400,
  MaxSpotFleetRequestCountExceeded: 400,
  TargetCapacityLimitExceededException: 400,
  ResourceLimitExceeded: 400,
  VolumeLimitExceeded: 400,
  SpotMaxPriceTooLow: 400,
  InsufficientFreeAddressesInSubnet: 400,
  NetworkInterfaceLimitExceeded: 400,
  // Too many calls.
  RequestLimitExceeded: 503,
  Throttling: 400,
  EC2ThrottledException: 400,
  // Nobody knows what became of it.
  InternalError: 500,
  InternalFailure: 500,
  ServiceUnavailable: 503,
  Unavailable: 503,
  // Of an instance.
  "InvalidInstanceID.NotFound": 400,
  "InvalidInstanceID.Malformed": 400,
  IncorrectInstanceState: 400,
  IncorrectState: 400,
  OperationNotPermitted: 400,
  UnsupportedOperation: 400,
  // The request is wrong.
  InvalidParameter: 400,
  InvalidParameterValue: 400,
  InvalidParameterCombination: 400,
  MissingParameter: 400,
  UnknownParameter: 400,
  InvalidAction: 400,
  InvalidNextToken: 400,
  "InvalidUserData.Malformed": 400,
  "InvalidAMIID.NotFound": 400,
  "InvalidAMIID.Malformed": 400,
  "InvalidAMIID.Unavailable": 400,
  "InvalidGroup.NotFound": 400,
  "InvalidSubnetID.NotFound": 400,
  "InvalidHostID.NotFound": 400,
  InvalidID: 400,
  "InvalidVolume.NotFound": 400,
  VolumeInUse: 400,
  "InvalidNetworkInterfaceID.NotFound": 400,
  "InvalidNetworkInterface.InUse": 400,
  "InvalidLaunchTemplateId.Malformed": 400,
  "InvalidLaunchTemplateId.NotFound": 400,
  "InvalidLaunchTemplateId.VersionNotFound": 400,
  "InvalidLaunchTemplateName.NotFoundException": 400,
  "InvalidLaunchTemplateName.AlreadyExistsException": 400,
  IdempotentParameterMismatch: 400,
  TagLimitExceeded: 400,
  // The caller may not.
  UnauthorizedOperation: 403,
  AuthFailure: 401,
  OptInRequired: 401,
  PendingVerification: 400,
  Blocked: 403,
  /** The success of a dry run. */
  DryRunOperation: 412,
} as const;

export type Ec2ErrorCode = keyof typeof EC2_ERRORS;

/** A call that EC2 refuses. It is thrown inside the model alone: `callEc2` answers it. */
export class Ec2Refusal extends Error {
  override readonly name = "Ec2Refusal";
  readonly code: Ec2ErrorCode;

  constructor(code: Ec2ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** @throws {Ec2Refusal} InvalidParameterValue unless it holds. */
export function demandValue(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Ec2Refusal("InvalidParameterValue", message);
}

/** @throws {Ec2Refusal} MissingParameter where it is left out or empty. */
export function demandGiven<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined || value === "" || (Array.isArray(value) && value.length === 0))
    throw new Ec2Refusal("MissingParameter", `The request must contain the parameter ${name}`);
  return value;
}

/** @throws {Ec2Refusal} DryRunOperation where the request only tries whether it would succeed: nothing follows then. */
export function endDryRun({ DryRun }: { readonly DryRun?: boolean | undefined }): void {
  if (DryRun === true) throw new Ec2Refusal("DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
}
