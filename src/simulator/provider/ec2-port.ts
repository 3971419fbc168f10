/**
 * Holdfast's port to the world's EC2: one call of EC2 after the other, each on its own way. A launch is one call with its id
 * for a token, made as it was drafted: for spot as a fleet, on demand as one type. An id that is not known is taken out of a
 * reading. A launch whose token was used for another request is read by its tag, and so is one that is refused after a call of
 * which nobody heard.
 */
import { HoldfastError, ProviderError } from "../../domain/errors.ts";
import { type ControllerId, type LaunchId, type PoolName, type ProviderId, parseProviderId } from "../../domain/ids.ts";
import type { ObservedMachine, ProviderState } from "../../domain/observed.ts";
import { MachinePermit } from "../../domain/permit.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import type {
  LaunchedMachine,
  LaunchRequest,
  LaunchTenure,
  Provider,
  ProviderAbilities,
} from "../../ports/provider.ts";
import type { Ec2Action, Ec2Answer, Ec2Requests, Filter } from "../ec2/api.ts";
import type { Ec2Result } from "../ec2/call.ts";
import type { Ec2ErrorCode } from "../ec2/errors.ts";
import { isInstanceId } from "../ec2/ids.ts";
import type { Market } from "../ec2/options.ts";
import {
  EC2_SETTINGS,
  type Ec2Order,
  Ec2Orders,
  launchCodeOf,
  type RefusedPlace,
  readOrder,
  writeOrder,
} from "./ec2-orders.ts";
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
  readonly monotonicMs: () => number;
  /** In the order in which they are tried. */
  readonly markets: readonly Market[];
  readonly call: CallEc2;
  /** Told of each launch before its call: which machine an instance will be, who starts it knows alone. */
  readonly announce: (token: string, machines: LaunchRequest["machines"]) => void;
}

const PAGE_SIZE = 1_000;
const PAGE_COUNT_MAX = 100;

/** A filtered listing shows after this what was launched before. */
const LISTING_LAG_MS = 5 * MINUTE_MS;

export function makeEc2Port(asker: Ec2Asker): Provider & ProviderAbilities {
  const orders = new Ec2Orders(asker.monotonicMs, asker.markets);
  const context: PortContext = { ...asker, orders, recoveries: new Map(), untried: new Map() };
  return {
    launch: (request, tenure) => launch(context, request, tenure),
    list: (which) => (which === "all" ? listAll(asker) : lookUp(asker, which)),
    terminate: (permit) => terminate(asker, permit),
    readRunnerVersion: async () => null,
    check: async () => [],
    orders: {
      draftsFor: () => true,
      draft: async ({ launchId, machines }, tenure) => {
        const order = writeOrder(orders.draft());
        if (machines.every(({ mayHaveEnded }) => mayHaveEnded !== true)) context.untried.set(launchId, tenure?.epoch);
        return order;
      },
      readObstacles: () => orders.describe(),
    },
    standby: {
      stop: (permit) => stop(asker, permit),
      start: (providerId) => startAgain(asker, providerId),
    },
    consoles: null,
    hints: null,
    group: null,
  };
}

interface PortContext extends Ec2Asker {
  readonly orders: Ec2Orders;
  /** Since when a launch is being read by its tag, in which tenure. */
  readonly recoveries: Map<LaunchId, { readonly sinceMs: number; readonly epoch: number | undefined }>;
  /** Of launches that were drafted and not called for yet: in which tenure. */
  readonly untried: Map<LaunchId, number | undefined>;
}

async function launch(
  context: PortContext,
  request: LaunchRequest,
  tenure: LaunchTenure | undefined,
): Promise<readonly LaunchedMachine[]> {
  const epoch = tenure?.epoch;
  const { launchId, machines } = request;
  const order = readOrder(request.order);
  context.announce(launchId, machines);
  if (context.recoveries.has(launchId)) return recover(context, request, epoch);
  if (tenure !== undefined && tenure.leftMs() <= 0)
    throw new ProviderError(
      "provider-unavailable",
      `making launch ${launchId} of a pool that is another process's by now`,
    );
  const isFirst = context.untried.has(launchId) && context.untried.get(launchId) === epoch;
  context.untried.delete(launchId);
  const isForSpot = order.market === "spot";
  const result = isForSpot ? await startFleet(context, request, order) : await startSome(context, request, order);
  if (result.kind === "refused" && result.code === "IdempotentParameterMismatch")
    return recover(context, request, epoch);
  if (result.kind === "refused") {
    const { code } = result;
    const at = isForSpot ? order.places.map((place) => ({ code, place })) : refusedAt(code, order);
    const refusal = refuse(context, request, order, at);
    if (isFirst || refusal.code === "provider-unavailable") throw refusal;
    return recover(context, request, epoch);
  }
  const refused = readList(result.answer, "Errors").map(readRefused);
  context.orders.note(order, refused);
  const ids = startedIds(result.answer);
  if (ids.length === 0) throw refuse(context, request, order, refused);
  return bindInOrder(ids, request);
}

/** A call of one type in one subnet says nothing of the others. */
function refusedAt(code: Ec2ErrorCode, { places: [place] }: Ec2Order): readonly RefusedPlace[] {
  return place === undefined ? [] : [{ code, place }];
}

function readRefused({ ErrorCode, LaunchTemplateAndOverrides }: Ec2Answer): RefusedPlace {
  const { Overrides } = LaunchTemplateAndOverrides as Ec2Answer;
  const { InstanceType, SubnetId } = Overrides as Ec2Answer;
  return { code: ErrorCode as Ec2ErrorCode, place: { type: String(InstanceType), subnet: String(SubnetId) } };
}

/** Of several, what a person has to mend comes first; a quota is what it is only where nothing else stood in the way. */
function refuse(
  { orders }: PortContext,
  { machines, pool }: LaunchRequest,
  order: Ec2Order,
  refused: readonly RefusedPlace[],
): ProviderError {
  orders.note(order, refused);
  const codes = new Set(refused.map(({ code }) => launchCodeOf(code)));
  const [only] = codes;
  const isOne = codes.size === 1 && only !== undefined;
  const code = codes.has("provider-invalid") ? "provider-invalid" : isOne ? only : "provider-capacity";
  const said = [...new Set(refused.map((one) => one.code))].join(", ");
  const isOpenElsewhere = (code === "provider-capacity" || code === "provider-quota") && orders.hasOtherWay(order);
  const attempted = `starting ${machines.length} machines of pool ${pool} on ${order.market}: ${said}`;
  return new ProviderError(code, attempted, isOpenElsewhere ? { retryAfterMs: 0 } : {});
}

/** As many as there is room for. */
function startFleet(
  { call, controllerId }: Ec2Asker,
  { launchId, machines, pool }: LaunchRequest,
  { places }: Ec2Order,
): Promise<Ec2Result> {
  const ids = machines.map(({ machineId }) => machineId);
  return call("CreateFleet", {
    Type: "instant",
    ClientToken: launchId,
    LaunchTemplateConfigs: [
      {
        LaunchTemplateSpecification: { LaunchTemplateName: EC2_SETTINGS.template, Version: "$Default" },
        Overrides: places.map(({ type, subnet }) => ({ InstanceType: type, SubnetId: subnet })),
      },
    ],
    TargetCapacitySpecification: { TotalTargetCapacity: ids.length, DefaultTargetCapacityType: "spot" },
    SpotOptions: { AllocationStrategy: "price-capacity-optimized" },
    TagSpecifications: writeMarks(controllerId, pool, launchId, ids),
  });
}

/** In the first place of the order, as many as there is room for. */
function startSome(
  { call, controllerId }: Ec2Asker,
  { launchId, machines, pool }: LaunchRequest,
  { places: [place] }: Ec2Order,
): Promise<Ec2Result> {
  const ids = machines.map(({ machineId }) => machineId);
  return call("RunInstances", {
    ClientToken: launchId,
    MinCount: 1,
    MaxCount: ids.length,
    InstanceType: place?.type,
    LaunchTemplate: { LaunchTemplateName: EC2_SETTINGS.template, Version: "$Default" },
    SubnetId: place?.subnet,
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

/**
 * What carries the launch's tag is what was started, once no listing can lag behind it any more. Instances that have ended
 * are among it.
 */
async function recover(
  context: PortContext,
  request: LaunchRequest,
  epoch: number | undefined,
): Promise<readonly LaunchedMachine[]> {
  const { launchId, machines } = request;
  const { recoveries, monotonicMs } = context;
  const before = recoveries.get(launchId);
  const sinceMs = before !== undefined && before.epoch === epoch ? before.sinceMs : monotonicMs();
  recoveries.set(launchId, { sinceMs, epoch });
  const found = await describeBy(context, [{ Name: `tag:${TAG.launch}`, Values: [launchId] }]);
  const isWhole = found.length >= machines.length;
  if (!isWhole && monotonicMs() - sinceMs < LISTING_LAG_MS)
    throw new ProviderError(
      "provider-unavailable",
      `reading launch ${launchId} by its tag: ${found.length} of ${machines.length} are to be seen`,
      { retryAfterMs: 0 },
    );
  recoveries.delete(launchId);
  return bindInOrder(found.map(idOf), request);
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

function demandPermit({ nowMs }: Ec2Asker, permit: MachinePermit): void {
  if (!MachinePermit.isMade(permit))
    throw new HoldfastError("permit-stale", "ending a machine with what is not a permit");
  if (nowMs() >= permit.expiresAtMs)
    throw new HoldfastError("permit-stale", `ending machine ${permit.machineId} with a permit that has expired`);
}

async function terminate(asker: Ec2Asker, permit: MachinePermit): Promise<void> {
  demandPermit(asker, permit);
  const { call } = asker;
  const result = await call("TerminateInstances", { InstanceIds: [permit.providerId] }, permit);
  // What EC2 does not know was asked for all the same: a reading by id tells what became of it.
  if (result.kind === "answered" || result.code === "InvalidInstanceID.NotFound") return;
  throw new ProviderError("provider-unavailable", `ending machine ${permit.machineId}: ${result.code}`);
}

async function stop(asker: Ec2Asker, permit: MachinePermit): Promise<void> {
  demandPermit(asker, permit);
  const result = await asker.call("StopInstances", { InstanceIds: [permit.providerId] }, permit);
  if (result.kind === "answered" || result.code === "InvalidInstanceID.NotFound") return;
  const code = CANNOT_STOP.has(result.code) ? "provider-invalid" : "provider-unavailable";
  throw new ProviderError(code, `stopping machine ${permit.machineId}: ${result.code}`);
}

/** What is of a kind that cannot. */
const CANNOT_STOP: ReadonlySet<Ec2ErrorCode> = new Set(["Unsupported", "UnsupportedOperation", "InvalidInstanceType"]);

async function startAgain({ call }: Ec2Asker, providerId: ProviderId): Promise<void> {
  const result = await call("StartInstances", { InstanceIds: [providerId] });
  if (result.kind === "answered") return;
  const code = launchCodeOf(result.code);
  throw new ProviderError(
    code === "provider-invalid" ? "provider-unavailable" : code,
    `starting instance ${providerId} again: ${result.code}`,
  );
}

const STATES: Readonly<Record<string, ProviderState>> = {
  pending: "starting",
  running: "running",
  // Something may run there until its system is down.
  stopping: "running",
  stopped: "stopped",
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
