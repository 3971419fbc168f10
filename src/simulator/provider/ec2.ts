/**
 * The world's EC2: the model of ../ec2 in the world's time, with a host on each of its instances. What ours asks comes as
 * EC2's own calls; what a baseline asks is made into such calls here.
 */
import { ProviderError } from "../../domain/errors.ts";
import type { ControllerId, PoolName } from "../../domain/ids.ts";
import { invariant } from "../../domain/invariant.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import type { LaunchRequest, Provider } from "../../ports/provider.ts";
import type { Ec2Action, Ec2Answer, Ec2Requests, InstancesRequest } from "../ec2/api.ts";
import { callEc2, type Ec2Result } from "../ec2/call.ts";
import { calmDown, changeInstance } from "../ec2/control.ts";
import { createEc2 } from "../ec2/create.ts";
import { addEc2Fault } from "../ec2/faults.ts";
import { advance, interrupt, nextDueMs, powerOff } from "../ec2/life.ts";
import type { Ec2State, Instance } from "../ec2/state.ts";
import type { Host } from "../world/host.ts";
import type { ListedMachine, ProviderModel } from "../world/provider.ts";
import type { ProviderLine } from "../world/provider-port.ts";
import type { Cause } from "../world/witness.ts";
import { ProviderChances } from "./chances.ts";
import { EC2_FAULT_KINDS, Ec2Chances, lagsOf } from "./ec2-chances.ts";
import { bindInOrder, type CallEc2, EC2_SETTINGS, instancesOf, makeEc2Port, tagsOf } from "./ec2-port.ts";
import { readMarks } from "./ec2-tags.ts";
import type { ProviderModelWorld } from "./provider-world.ts";
import type { MakeHost } from "./roster.ts";

/** Of another installation in the same account; of a family that ours does not use, so that they take none of its quota. */
const FOREIGN = { count: 3, type: "g4dn.xlarge", owner: "somebody-else" } as const;
const IMAGE = "ami-0a1b2c3d4e5f60718";
/** Spot's notice, or none at all: a reclaim may come without it. */
const NOTICES_MS = [0, 2 * MINUTE_MS] as const;
const BY_ITSELF: Cause = { by: "itself" };

interface Standing {
  readonly host: Host;
  readonly sinceMs: number;
}

export class Ec2World implements ProviderModel {
  readonly #world: ProviderModelWorld;
  readonly #chances: ProviderChances;
  readonly #state: Ec2State;
  readonly #troubles: Ec2Chances;
  readonly #hosts = new Map<string, Host>();
  readonly #standing = new Map<string, Standing>();
  readonly #announced = new Map<string, LaunchRequest["machines"]>();
  /** Why an instance ends, where it is known before it does. */
  readonly #causes = new Map<string, Cause>();
  readonly #foreign = new Set<string>();
  readonly #touched = new Set<string>();
  #makeNext: MakeHost | null = null;
  #startedCount = 0;
  #paidMs = 0;
  #isCalm = false;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(world: ProviderModelWorld) {
    this.#world = world;
    this.#chances = new ProviderChances(world, {
      faultKinds: EC2_FAULT_KINDS,
      bootRange: ({ bootMs }) => bootMs,
      endingMs: [0, 0],
    });
    this.#state = createEc2({ chance: world.chance.fork("ec2"), lags: lagsOf(this.#chances) });
    this.#prepare();
    this.#troubles = new Ec2Chances(world, this.#chances, this.#state);
    // Other accounts' calls do not count on ours.
    this.#state.callCounts.clear();
  }

  #prepare(): void {
    const { nowMs } = this.#world.scheduler;
    callEc2(
      this.#state,
      "CreateLaunchTemplate",
      {
        LaunchTemplateName: EC2_SETTINGS.template,
        LaunchTemplateData: {
          ImageId: IMAGE,
          InstanceType: EC2_SETTINGS.instanceTypes[0],
          InstanceInitiatedShutdownBehavior: "terminate",
          MetadataOptions: { HttpTokens: "required" },
        },
      },
      nowMs,
    );
    callEc2(
      this.#state,
      "RunInstances",
      {
        ImageId: IMAGE,
        InstanceType: FOREIGN.type,
        MinCount: FOREIGN.count,
        MaxCount: FOREIGN.count,
        TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: "owner", Value: FOREIGN.owner }] }],
      },
      nowMs,
    );
    for (const id of this.#state.instances.keys()) this.#foreign.add(id);
    this.#state.changedInstanceIds.clear();
    this.#watchTime();
  }

  get hosts(): ReadonlyMap<string, Host> {
    return this.#hosts;
  }

  get startedCount(): number {
    return this.#startedCount;
  }

  get foreignTouchedCount(): number {
    return this.#touched.size;
  }

  paidMs(): number {
    let livingMs = 0;
    for (const { sinceMs } of this.#standing.values()) livingMs += this.#world.scheduler.nowMs - sinceMs;
    return this.#paidMs + livingMs;
  }

  forPool(
    controllerId: ControllerId,
    pool: PoolName,
    nowMs: () => number = () => this.#world.scheduler.nowMs,
    line: ProviderLine = async (_operation, effect) => effect(),
  ): Provider {
    const call: CallEc2 = (action, request, permit) =>
      line(action, () => {
        const act = () => this.#call(action, request);
        if (permit === undefined) return act();
        return this.#end(permit.providerId, { by: "controller", proof: permit.proof }, controllerId, act);
      });
    const announce = (token: string, machines: LaunchRequest["machines"]) => void this.#announced.set(token, machines);
    return makeEc2Port({ controllerId, pool, nowMs, call, announce });
  }

  #call<Action extends Ec2Action>(action: Action, request: Ec2Requests[Action]): Ec2Result {
    const { nowMs } = this.#world.scheduler;
    this.#calm();
    const outcome = this.#troubles.drawOutcome(action);
    const takeBack = outcome === null ? null : addEc2Fault(this.#state.faults, action, outcome);
    if (action === "DescribeInstances") this.#hideSome();
    if (action === "TerminateInstances") this.#resistSome(request as InstancesRequest);
    const { result } = callEc2(this.#state, action, request, nowMs);
    takeBack?.();
    this.#follow();
    return result;
  }

  /** Once faults have stopped nothing lags and nothing is short. */
  #calm(): void {
    if (this.#isCalm || this.#world.isFaulty()) return;
    this.#isCalm = true;
    calmDown(this.#state, this.#world.scheduler.nowMs);
  }

  #hideSome(): void {
    if (this.#isCalm) return;
    for (const instance of this.#state.known.values())
      instance.hiddenFrom = this.#chances.isMissing() ? "listings" : "nobody";
  }

  #resistSome({ InstanceIds = [] }: InstancesRequest): void {
    for (const id of InstanceIds) {
      if (!this.#hosts.has(id) || !this.#chances.isEndingIgnored()) continue;
      this.#world.log.note("its ending was asked for and does not take", id);
      changeInstance(this.#state, id, { ignoredEndingCount: 1 });
    }
  }

  /** What asks for an ending is the cause of it, where it takes. */
  #end<Answer>(providerId: string, cause: Cause, asker: ControllerId | null, act: () => Answer): Answer {
    const instance = this.#state.known.get(providerId);
    const owner = instance === undefined ? asker : readMarks(instance.tags).controllerId;
    // Ours that lost its marks is still ours: the store knows its id.
    const isAnothers = owner !== null && asker !== null && owner !== asker;
    if (this.#foreign.has(providerId) || isAnothers) this.#touched.add(providerId);
    const before = this.#causes.get(providerId);
    this.#causes.set(providerId, cause);
    const answer = act();
    if (before === undefined) this.#causes.delete(providerId);
    else this.#causes.set(providerId, before);
    return answer;
  }

  /** Lets hosts follow their instances. */
  #follow(): void {
    const changed = [...this.#state.changedInstanceIds];
    this.#state.changedInstanceIds.clear();
    const fresh = changed.filter((id) => !this.#standing.has(id)).flatMap((id) => this.#state.instances.get(id) ?? []);
    this.#startHosts(fresh.filter(({ id, phase }) => phase.kind === "pending" && !this.#foreign.has(id)));
    for (const id of changed) {
      const kind = this.#state.instances.get(id)?.phase.kind;
      if (kind === "shutting-down" || kind === "terminated") this.#endHost(id);
    }
    this.#watchTime();
  }

  #startHosts(fresh: readonly Instance[]): void {
    const launches = Map.groupBy(fresh, ({ clientToken }) => clientToken);
    for (const [token, instances] of launches) {
      const machines = token === null ? undefined : this.#announced.get(token);
      const bound = bindInOrder(
        instances.map(({ id }) => id),
        { machines: machines ?? [] },
      );
      for (const instance of instances) {
        const machineId = bound.find(({ providerId }) => providerId === instance.id)?.machineId;
        const machine = machines?.find((one) => one.machineId === machineId);
        const make = machine === undefined ? this.#makeNext : this.#makerOf(machine);
        invariant(make !== null, "whoever starts an instance says what runs on it");
        this.#startHost(instance, make);
      }
    }
  }

  #makerOf({ machineId, identitySecret }: LaunchRequest["machines"][number]): MakeHost {
    return (providerId, onGone, bootMs) =>
      this.#world.makeAgentHost({ providerId, bootMs, onGone, machineId, identitySecret });
  }

  #startHost(instance: Instance, make: MakeHost): void {
    const { scheduler, witness, log } = this.#world;
    const { id } = instance;
    const { bootMs, marksLost } = this.#chances.drawFate(id);
    instance.isDoomed = this.#troubles.drawDoom(id);
    if (instance.isDoomed) this.#causes.set(id, { by: "fault", kind: "ec2.pending-fails" });
    const host = make(id, () => this.#leave(id), bootMs);
    this.#hosts.set(id, host);
    this.#standing.set(id, { host, sinceMs: scheduler.nowMs });
    this.#startedCount += 1;
    log.note("the provider started it", id);
    witness.machineStarted(host.truth());
    if (marksLost === null) return;
    scheduler.after(marksLost.afterMs, () => this.#loseMarks(id, marksLost.which));
  }

  #loseMarks(id: string, which: "machine" | "all"): void {
    const instance = this.#state.known.get(id);
    if (instance === undefined || !this.#hosts.has(id) || !this.#world.isFaulty()) return;
    for (const key of [...instance.tags.keys()])
      if (which === "all" || key.endsWith(":machine") || key.endsWith(":launch")) instance.tags.delete(key);
    this.#world.witness.faultHappened("provider.marks-lost");
    this.#world.log.note("its marks are lost", id);
  }

  /** It powered itself off, or broke. */
  #leave(id: string): void {
    this.#forget(id);
    powerOff(this.#state, id, this.#world.scheduler.nowMs);
    this.#follow();
  }

  #endHost(id: string): void {
    const standing = this.#standing.get(id);
    if (standing === undefined) return;
    standing.host.end(this.#causes.get(id) ?? BY_ITSELF);
    this.#forget(id);
  }

  #forget(id: string): void {
    const standing = this.#standing.get(id);
    if (standing === undefined) return;
    this.#paidMs += this.#world.scheduler.nowMs - standing.sinceMs;
    this.#standing.delete(id);
    this.#hosts.delete(id);
    this.#world.log.note("nothing runs on it any more", id);
  }

  /** Wakes when the next thing happens by itself. */
  #watchTime(): void {
    const { scheduler } = this.#world;
    const dueMs = nextDueMs(this.#state);
    if (dueMs === null || dueMs >= this.#dueMs) return;
    this.#dueMs = dueMs;
    scheduler.at(Math.max(dueMs, scheduler.nowMs), () => {
      if (this.#dueMs === dueMs) this.#dueMs = Number.POSITIVE_INFINITY;
      advance(this.#state, scheduler.nowMs);
      this.#follow();
    });
  }

  start(tags: Readonly<Record<string, string>>, make: MakeHost): string | null {
    const known = new Set(this.#hosts.keys());
    this.#makeNext = make;
    const isSpotFull = this.#tryStart(tags, { InstanceMarketOptions: { MarketType: "spot" } }).kind === "refused";
    if (isSpotFull) this.#tryStart(tags, {});
    this.#makeNext = null;
    return [...this.#hosts.keys()].find((id) => !known.has(id)) ?? null;
  }

  #tryStart(tags: Readonly<Record<string, string>>, more: Ec2Requests["RunInstances"]): Ec2Result {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    return this.#call("RunInstances", {
      MinCount: 1,
      MaxCount: 1,
      LaunchTemplate: { LaunchTemplateName: EC2_SETTINGS.template },
      SubnetId: EC2_SETTINGS.subnets[0],
      TagSpecifications: [{ ResourceType: "instance", Tags }],
      ...more,
    });
  }

  listTagged(tag: string, value: string): readonly ListedMachine[] {
    const result = this.#call("DescribeInstances", { Filters: [{ Name: `tag:${tag}`, Values: [value] }] });
    if (result.kind === "refused") throw new ProviderError("provider-unavailable", `listing instances: ${result.code}`);
    return instancesOf(result.answer).map(showListed);
  }

  terminate(providerId: string, cause: Cause): boolean {
    const act = () => this.#call("TerminateInstances", { InstanceIds: [providerId] });
    return this.#end(providerId, cause, null, act).kind === "answered";
  }

  reclaim(providerId: string, kind: string): void {
    const { scheduler, chance } = this.#world;
    const noticeMs = chance.fork(`notice/${providerId}`).pick(NOTICES_MS);
    // What is not spot's it cannot take back.
    if (interrupt(this.#state, providerId, scheduler.nowMs, noticeMs))
      this.#causes.set(providerId, { by: "fault", kind });
    this.#follow();
  }
}

/** What is not up counts as ended, whatever may become of it. */
function showListed(instance: Ec2Answer): ListedMachine {
  const { Name } = instance.State as Ec2Answer;
  const state = Name === "pending" || Name === "running" ? Name : "terminated";
  const launchedAtMs = Date.parse(String(instance.LaunchTime));
  return { providerId: String(instance.InstanceId), state, launchedAtMs, tags: Object.fromEntries(tagsOf(instance)) };
}
