/**
 * Holdfast's port to the world's EC2: one call of EC2 after the other, each on its own way. A launch is one call with its id
 * for a token: by its id it goes to spot as a fleet, or on demand as one type; the whole of it or nothing. An id that is
 * not known is taken out of a reading; a token that was used for another request is read by its tag.
 */
import { HoldfastError, ProviderError, type ProviderErrorCode } from "../../domain/errors.ts";
import { type ControllerId, type PoolName, type ProviderId, parseProviderId } from "../../domain/ids.ts";
import type { ObservedMachine, ProviderState } from "../../domain/observed.ts";
import { MachinePermit } from "../../domain/permit.ts";
import type { LaunchedMachine, LaunchRequest, Provider } from "../../ports/provider.ts";
import type { Ec2Action, Ec2Answer, Ec2Requests, Filter } from "../ec2/api.ts";
import type { Ec2Result } from "../ec2/call.ts";
import type { Ec2ErrorCode } from "../ec2/errors.ts";
import { isInstanceId } from "../ec2/ids.ts";
import { readMarks, TAG, writeMarks } from "./ec2-tags.ts";

/** One call of EC2's. @throws {ProviderError} where nothing was heard of it. */
export type CallEc2 = <Action extends Ec2Action>(
  action: Action,
  request: Ec2Requests[Action],
  cause?: MachinePermit,
) => Promise<Ec2Result>;

export interface Ec2Asker {
  readonly controllerId: ControllerId;
  readonly pool: PoolName;
  readonly nowMs: () => number;
  readonly call: CallEc2;
  /** Told of each launch before its call: which machine an instance will be, who starts it knows alone. */
  readonly announce: (token: string, machines: LaunchRequest["machines"]) => void;
}

/** What the world's pools are started from. */
export const EC2_SETTINGS = {
  template: "holdfast",
  instanceTypes: ["c5.xlarge", "m5.xlarge"],
  subnets: ["subnet-0a1b2c3d4e5f60710", "subnet-0a1b2c3d4e5f60711"],
} as const;

const PAGE_SIZE = 1_000;
const PAGE_COUNT_MAX = 100;

const REFUSALS: Readonly<Partial<Record<Ec2ErrorCode, ProviderErrorCode>>> = {
  InsufficientInstanceCapacity: "provider-capacity",
  InsufficientHostCapacity: "provider-capacity",
  InsufficientCapacityOnHost: "provider-capacity",
  InsufficientReservedInstanceCapacity: "provider-capacity",
  UnfulfillableCapacity: "provider-capacity",
  Unsupported: "provider-capacity",
  InvalidInstanceType: "provider-capacity",
  InvalidFleetConfiguration: "provider-capacity",
  VcpuLimitExceeded: "provider-capacity",
  InstanceLimitExceeded: "provider-capacity",
  MaxSpotInstanceCountExceeded: "provider-capacity",
  MaxSpotFleetRequestCountExceeded: "provider-capacity",
  TargetCapacityLimitExceededException: "provider-capacity",
  ResourceLimitExceeded: "provider-capacity",
  VolumeLimitExceeded: "provider-capacity",
  SpotMaxPriceTooLow: "provider-capacity",
  InsufficientFreeAddressesInSubnet: "provider-capacity",
  NetworkInterfaceLimitExceeded: "provider-capacity",
  RequestLimitExceeded: "provider-unavailable",
  Throttling: "provider-unavailable",
  EC2ThrottledException: "provider-unavailable",
  InternalError: "provider-unavailable",
  InternalFailure: "provider-unavailable",
  ServiceUnavailable: "provider-unavailable",
  Unavailable: "provider-unavailable",
  "InvalidLaunchTemplateId.NotFound": "provider-unavailable",
  "InvalidLaunchTemplateName.NotFoundException": "provider-unavailable",
  "InvalidInstanceID.NotFound": "provider-unavailable",
};

export function makeEc2Port(asker: Ec2Asker): Provider {
  return {
    launch: (request) => launch(asker, request),
    list: (which) => (which === "all" ? listAll(asker) : lookUp(asker, which)),
    terminate: (permit) => terminate(asker, permit),
    readRunnerVersion: async () => null,
    check: async () => [],
  };
}

async function launch(asker: Ec2Asker, request: LaunchRequest): Promise<readonly LaunchedMachine[]> {
  const { launchId, machines, pool } = request;
  const attempted = `starting ${machines.length} machines of pool ${pool}`;
  asker.announce(launchId, machines);
  const result = isForSpot(launchId) ? await startFleet(asker, request) : await startOne(asker, request);
  if (result.kind === "refused" && result.code === "IdempotentParameterMismatch") return recover(asker, request);
  if (result.kind === "refused")
    throw new ProviderError(REFUSALS[result.code] ?? "provider-invalid", `${attempted}: ${result.code}`);
  const errors = readList(result.answer, "Errors").map(({ ErrorCode }) => String(ErrorCode));
  const ids = startedIds(result.answer);
  if (ids.length > 0) return bindInOrder(ids, request);
  throw new ProviderError("provider-capacity", `${attempted}: ${errors.join(", ")}`);
}

/** Which way a launch goes has to be the same in every repetition. */
function isForSpot(launchId: string): boolean {
  return [...launchId].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 2 === 0;
}

function startFleet({ call, controllerId }: Ec2Asker, { launchId, machines, pool }: LaunchRequest): Promise<Ec2Result> {
  const ids = machines.map(({ machineId }) => machineId);
  const [InstanceType] = EC2_SETTINGS.instanceTypes;
  return call("CreateFleet", {
    Type: "instant",
    ClientToken: launchId,
    LaunchTemplateConfigs: [
      {
        LaunchTemplateSpecification: { LaunchTemplateName: EC2_SETTINGS.template, Version: "$Default" },
        Overrides: EC2_SETTINGS.subnets.map((SubnetId) => ({ InstanceType, SubnetId })),
      },
    ],
    TargetCapacitySpecification: { TotalTargetCapacity: ids.length, DefaultTargetCapacityType: "spot" },
    SpotOptions: { AllocationStrategy: "price-capacity-optimized", MinTargetCapacity: ids.length },
    TagSpecifications: writeMarks(controllerId, pool, launchId, ids),
  });
}

function startOne({ call, controllerId }: Ec2Asker, { launchId, machines, pool }: LaunchRequest): Promise<Ec2Result> {
  const ids = machines.map(({ machineId }) => machineId);
  return call("RunInstances", {
    ClientToken: launchId,
    MinCount: ids.length,
    MaxCount: ids.length,
    LaunchTemplate: { LaunchTemplateName: EC2_SETTINGS.template, Version: "$Default" },
    SubnetId: EC2_SETTINGS.subnets[0],
    TagSpecifications: writeMarks(controllerId, pool, launchId, ids),
  });
}

/** The machines of one call are interchangeable: any binding will do that every repetition makes again. */
export function bindInOrder(
  instanceIds: readonly string[],
  { machines }: Pick<LaunchRequest, "machines">,
): LaunchedMachine[] {
  const sorted = [...instanceIds].sort();
  return machines.flatMap(({ machineId }, index) => {
    const id = sorted[index];
    return id === undefined ? [] : [{ machineId, providerId: parseProviderId(id) }];
  });
}

async function recover(asker: Ec2Asker, request: LaunchRequest): Promise<readonly LaunchedMachine[]> {
  const { launchId, machines } = request;
  const found = await describeBy(asker, [{ Name: `tag:${TAG.launch}`, Values: [launchId] }]);
  if (found.length >= machines.length) return bindInOrder(found.map(idOf), request);
  throw new ProviderError(
    "provider-unavailable",
    `reading launch ${launchId} by its tag: ${found.length} are to be seen`,
  );
}

async function listAll(asker: Ec2Asker): Promise<readonly ObservedMachine[]> {
  const { controllerId, pool } = asker;
  const found = await describeBy(asker, [
    { Name: `tag:${TAG.controller}`, Values: [controllerId] },
    { Name: `tag:${TAG.pool}`, Values: [pool] },
  ]);
  return found.map((instance) => observe(asker, instance));
}

async function describeBy({ call }: Ec2Asker, Filters: readonly Filter[]): Promise<readonly Ec2Answer[]> {
  const found: Ec2Answer[] = [];
  let NextToken: string | undefined;
  for (let page = 0; page < PAGE_COUNT_MAX; page += 1) {
    const result = await call("DescribeInstances", { Filters, MaxResults: PAGE_SIZE, NextToken });
    if (result.kind === "refused") throw new ProviderError("provider-unavailable", `listing instances: ${result.code}`);
    found.push(...instancesOf(result.answer));
    NextToken = result.answer.NextToken as string | undefined;
    if (NextToken === undefined) return found;
  }
  throw new ProviderError("provider-unavailable", `listing instances: more than ${PAGE_COUNT_MAX} pages`);
}

async function lookUp(asker: Ec2Asker, ids: readonly ProviderId[]): Promise<readonly ObservedMachine[]> {
  const odd = ids.find((id) => !isInstanceId(id));
  if (odd !== undefined)
    throw new ProviderError("provider-unavailable", `looking for ${odd}, which is no id of this provider`);
  const found = new Map((await describeKnown(asker, ids)).map((instance) => [idOf(instance), instance]));
  return ids.map((providerId) => {
    const instance = found.get(providerId);
    const owner = instance === undefined ? null : readMarks(tagsOf(instance)).controllerId;
    if (instance !== undefined && (owner === null || owner === asker.controllerId)) return observe(asker, instance);
    const unknown = { machineId: null, launchId: null, pool: null, state: "not-found" } as const;
    return { providerId, ...unknown, observedAtMs: asker.nowMs() };
  });
}

/** One id that EC2 does not know fails a call as a whole: it is taken out, and the others are asked for again. */
async function describeKnown({ call }: Ec2Asker, ids: readonly string[]): Promise<readonly Ec2Answer[]> {
  let InstanceIds = [...new Set(ids)];
  while (InstanceIds.length > 0) {
    const result = await call("DescribeInstances", { InstanceIds });
    if (result.kind === "answered") return instancesOf(result.answer);
    const known = InstanceIds.filter((id) => !result.message.includes(id));
    if (result.code !== "InvalidInstanceID.NotFound" || known.length === InstanceIds.length)
      throw new ProviderError("provider-unavailable", `reading ${InstanceIds.length} instances: ${result.code}`);
    InstanceIds = known;
  }
  return [];
}

async function terminate({ call, nowMs }: Ec2Asker, permit: MachinePermit): Promise<void> {
  if (!MachinePermit.isMade(permit))
    throw new HoldfastError("permit-stale", "ending a machine with what is not a permit");
  if (nowMs() >= permit.expiresAtMs)
    throw new HoldfastError("permit-stale", `ending machine ${permit.machineId} with a permit that has expired`);
  const result = await call("TerminateInstances", { InstanceIds: [permit.providerId] }, permit);
  // What EC2 does not know was asked for all the same: a reading by id tells what became of it.
  if (result.kind === "answered" || result.code === "InvalidInstanceID.NotFound") return;
  throw new ProviderError("provider-unavailable", `ending machine ${permit.machineId}: ${result.code}`);
}

const STATES: Readonly<Record<string, ProviderState>> = {
  pending: "starting",
  running: "running",
  "shutting-down": "dead",
  terminated: "gone",
};

function observe({ nowMs }: Ec2Asker, instance: Ec2Answer): ObservedMachine {
  const { machineId, launchId, pool } = readMarks(tagsOf(instance));
  const state = STATES[String((instance.State as Ec2Answer).Name)] ?? "running";
  return { providerId: parseProviderId(idOf(instance)), machineId, launchId, pool, state, observedAtMs: nowMs() };
}

export function tagsOf(instance: Ec2Answer): ReadonlyMap<string, string> {
  return new Map(readList(instance, "Tags").map(({ Key, Value }) => [String(Key), String(Value)]));
}

function idOf({ InstanceId }: Ec2Answer): string {
  return String(InstanceId);
}

function startedIds(answer: Ec2Answer): readonly string[] {
  return readList(answer, "Instances").flatMap(({ InstanceId, InstanceIds }) =>
    Array.isArray(InstanceIds) ? InstanceIds.map(String) : [String(InstanceId)],
  );
}

export function instancesOf(answer: Ec2Answer): readonly Ec2Answer[] {
  return readList(answer, "Reservations").flatMap((reservation) => readList(reservation, "Instances"));
}

function readList(answer: Ec2Answer, member: string): readonly Ec2Answer[] {
  return (answer[member] ?? []) as readonly Ec2Answer[];
}
