import { describe, expect, it } from "vitest";
import {
  classify,
  describeFailure,
  type Ec2Trouble,
  launchCodeOf,
  namedInstances,
  plainCause,
  readFailure,
} from "../../../src/adapters/aws/errors.ts";
import type { ProviderErrorCode } from "../../../src/domain/errors.ts";
import { ec2Error } from "../ec2/fake-client.ts";

type Row = readonly [code: string, trouble: Ec2Trouble, launchCode: ProviderErrorCode];

const ROWS: readonly Row[] = [
  ["InsufficientInstanceCapacity", "capacity", "provider-capacity"],
  ["UnfulfillableCapacity", "capacity", "provider-capacity"],
  ["InsufficientHostCapacity", "capacity", "provider-capacity"],
  ["InsufficientCapacityOnHost", "capacity", "provider-capacity"],
  ["InsufficientReservedInstanceCapacity", "capacity", "provider-capacity"],
  ["Unsupported", "unsupported", "provider-capacity"],
  ["InvalidInstanceType", "unsupported", "provider-capacity"],
  ["VcpuLimitExceeded", "family-quota", "provider-quota"],
  ["InstanceLimitExceeded", "family-quota", "provider-quota"],
  ["MaxSpotInstanceCountExceeded", "family-quota", "provider-quota"],
  ["MaxSpotFleetRequestCountExceeded", "account-quota", "provider-quota"],
  ["TargetCapacityLimitExceededException", "account-quota", "provider-quota"],
  ["ResourceLimitExceeded", "account-quota", "provider-quota"],
  ["VolumeLimitExceeded", "account-quota", "provider-quota"],
  ["SpotMaxPriceTooLow", "price", "provider-capacity"],
  ["InsufficientFreeAddressesInSubnet", "subnet-full", "provider-capacity"],
  ["NetworkInterfaceLimitExceeded", "account-quota", "provider-quota"],
  ["RequestLimitExceeded", "throttled", "provider-unavailable"],
  ["Throttling", "throttled", "provider-unavailable"],
  ["EC2ThrottledException", "throttled", "provider-unavailable"],
  ["InternalError", "unknown", "provider-unavailable"],
  ["InternalFailure", "unknown", "provider-unavailable"],
  ["ServiceUnavailable", "unknown", "provider-unavailable"],
  ["Unavailable", "unknown", "provider-unavailable"],
  ["InvalidInstanceID.NotFound", "absent", "provider-unavailable"],
  ["InvalidInstanceID.Malformed", "settings", "provider-invalid"],
  ["InvalidParameterValue", "settings", "provider-invalid"],
  ["InvalidParameterCombination", "settings", "provider-invalid"],
  ["InvalidAMIID.NotFound", "settings", "provider-invalid"],
  ["InvalidAMIID.Malformed", "settings", "provider-invalid"],
  ["InvalidGroup.NotFound", "settings", "provider-invalid"],
  ["InvalidSubnetID.NotFound", "settings", "provider-invalid"],
  ["InvalidLaunchTemplateId.NotFound", "settings", "provider-invalid"],
  ["InvalidLaunchTemplateName.NotFoundException", "settings", "provider-invalid"],
  ["UnauthorizedOperation", "denied", "provider-invalid"],
  ["AuthFailure", "denied", "provider-invalid"],
  ["OptInRequired", "denied", "provider-invalid"],
  ["PendingVerification", "denied", "provider-invalid"],
  ["Blocked", "denied", "provider-invalid"],
  ["IdempotentParameterMismatch", "token-used", "provider-unavailable"],
  ["IdempotentInstanceTerminated", "token-used", "provider-unavailable"],
  ["IncorrectInstanceState", "state", "provider-unavailable"],
  ["OperationNotPermitted", "protected", "provider-invalid"],
  ["DryRunOperation", "permitted", "provider-invalid"],
];

describe("what EC2 says", () => {
  it.each(ROWS)("%s is %s, and for a launch %s", (code, trouble, launchCode) => {
    const failure = readFailure(ec2Error(code));
    expect(failure.trouble).toBe(trouble);
    expect(launchCodeOf(failure)).toBe(launchCode);
    expect(classify(code, "", null).trouble).toBe(trouble);
  });

  it.each<readonly [string, unknown, Ec2Trouble]>([
    ["a code that nobody knows, refused", ec2Error("SomethingNew"), "settings"],
    ["a code that nobody knows, with EC2's own failure", ec2Error("SomethingNew", "", 503), "unknown"],
    ["a name that every object has", ec2Error("constructor"), "settings"],
    ["a socket that was reset", Object.assign(new Error("reset"), { code: "ECONNRESET" }), "unknown"],
    ["a time that ran out", Object.assign(new Error("timeout"), { name: "TimeoutError" }), "unknown"],
    ["what is no error", "gone", "unknown"],
  ])("%s", (_name, error, trouble) => {
    expect(readFailure(error).trouble).toBe(trouble);
  });

  it("is told in one line, and bounded", () => {
    expect(describeFailure(readFailure(ec2Error("Unsupported", "not here")))).toBe("Unsupported (not here)");
    expect(describeFailure(classify("Unsupported", "", null))).toBe("Unsupported");
    expect(classify("X", "m".repeat(5_000), 400).message.length).toBeLessThan(1_000);
  });

  it("is chained without the request that it came from", () => {
    const error = Object.assign(ec2Error("AuthFailure", "no"), { $response: { headers: "a signature" } });
    const plain = plainCause(error);
    expect([plain.name, plain.message]).toEqual(["AuthFailure", "no"]);
    expect(Object.keys(plain)).toEqual(["name"]);
  });

  it("names the instances that it means", () => {
    const message = "The instance IDs 'i-0123456789abcdef0, i-0fedcba9' do not exist";
    expect([...namedInstances(message)]).toEqual(["i-0123456789abcdef0", "i-0fedcba9"]);
  });
});
