/**
 * The world's EC2: the model of ../ec2 in the world's time, with a host on each of its instances. What ours asks comes as
 * EC2's own calls; what a baseline asks is made into such calls here.
 */
import { ProviderError } from "../../domain/errors.ts";
import type { ControllerId, PoolName } from "../../domain/ids.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import type { Provider, ProviderAbilities } from "../../ports/provider.ts";
import { addFault } from "../aws/faults.ts";
import type { Ec2Action, Ec2Answer, Ec2Requests, InstancesRequest } from "../ec2/api.ts";
import { callEc2, type Ec2Result } from "../ec2/call.ts";
import { calmDown, changeInstance } from "../ec2/control.ts";
import { createEc2 } from "../ec2/create.ts";
import type { Ec2ErrorCode } from "../ec2/errors.ts";
import { interrupt } from "../ec2/life.ts";
import type { Market } from "../ec2/options.ts";
import type { Ec2State } from "../ec2/state.ts";
import type { Chance } from "../world/chance.ts";
import type { Host } from "../world/host.ts";
import type { ListedMachine, ProviderAsker, ProviderModel } from "../world/provider.ts";
import type { Cause } from "../world/witness.ts";
import { ProviderChances } from "./chances.ts";
import { EC2_FAULT_KINDS, Ec2Chances, lagsOf } from "./ec2-chances.ts";
import { Ec2Hosts } from "./ec2-hosts.ts";
import { EC2_SETTINGS, launchCodeOf } from "./ec2-orders.ts";
import { type CallEc2, instancesOf, makeEc2Port, tagsOf } from "./ec2-port.ts";
import { readMarks } from "./ec2-tags.ts";
import type { ProviderModelWorld } from "./provider-world.ts";
import type { MakeHost } from "./roster.ts";

/** Of another installation in the same account; of a family that ours does not use, so that they take none of its quota. */
const FOREIGN = { count: 3, type: "g4dn.xlarge", owner: "somebody-else" } as const;
const IMAGE = "ami-0a1b2c3d4e5f60718";
/** Spot's notice, or none at all: a reclaim may come without it. */
const NOTICES_MS = [0, 2 * MINUTE_MS] as const;
const SPOT_FIRST: readonly Market[] = ["spot", "on-demand"];
/** What is on spot cannot be stopped. */
const ON_DEMAND: readonly Market[] = ["on-demand"];

export class Ec2World implements ProviderModel {
  readonly #world: ProviderModelWorld;
  readonly #chances: ProviderChances;
  readonly #state: Ec2State;
  readonly #troubles: Ec2Chances;
  readonly #hosts: Ec2Hosts;
  readonly #reclaims: Chance;
  readonly #foreign = new Set<string>();
  readonly #touched = new Set<string>();
  readonly #denied = new Set<string>();
  #isCalm = false;

  constructor(world: ProviderModelWorld) {
    this.#world = world;
    this.#chances = new ProviderChances(world, {
      faultKinds: EC2_FAULT_KINDS,
      bootRange: ({ bootMs }) => bootMs,
      endingMs: [0, 0],
    });
    this.#state = createEc2({ chance: world.chance.fork("ec2"), lags: lagsOf(this.#chances) });
    this.#prepare();
    const [chances, state, foreign] = [this.#chances, this.#state, this.#foreign];
    this.#troubles = new Ec2Chances(world, chances, state);
    this.#hosts = new Ec2Hosts({ world, chances, state, troubles: this.#troubles, foreign });
    this.#reclaims = world.chance.fork("reclaims");
    for (const { everyMs } of chances.active("provider.reclaim")) this.#expectReclaim(everyMs);
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
  }

  get hosts(): ReadonlyMap<string, Host> {
    return this.#hosts.hosts;
  }

  get stoppedIds(): readonly string[] {
    return this.#hosts.stoppedIds;
  }

  get deniedIds(): readonly string[] {
    return [...this.#denied].filter((id) => this.hosts.has(id));
  }

  get startedCount(): number {
    return this.#hosts.startedCount;
  }

  get foreignTouchedCount(): number {
    return this.#touched.size;
  }

  paidMs(): number {
    return this.#hosts.paidMs();
  }

  forPool(
    controllerId: ControllerId,
    pool: PoolName,
    { nowMs = () => this.#world.scheduler.nowMs, line = async (_operation, effect) => effect() }: ProviderAsker = {},
  ): Provider & ProviderAbilities {
    const call: CallEc2 = (action, request, permit) =>
      line(action, () => {
        const act = () => this.#call(action, request);
        if (permit === undefined) return act();
        return this.#end(permit.providerId, { by: "controller", proof: permit.proof }, controllerId, act);
      });
    return makeEc2Port({
      controllerId,
      pool,
      nowMs,
      monotonicMs: () => this.#world.scheduler.nowMs,
      markets: this.#marketsOf(pool),
      call,
      announce: (token, machines) => this.#hosts.announce(token, machines),
    });
  }

  quotaOf(pool: PoolName): number {
    return this.#troubles.quotaOf(this.#marketsOf(pool));
  }

  #marketsOf(pool: PoolName): readonly Market[] {
    return this.#world.standbyPools.has(pool) ? ON_DEMAND : SPOT_FIRST;
  }

  #call<Action extends Ec2Action>(action: Action, request: Ec2Requests[Action]): Ec2Result {
    const { nowMs } = this.#world.scheduler;
    this.#calm();
    const outcome = this.#troubles.drawOutcome(action);
    const takeBack = outcome === null ? null : addFault(this.#state.faults, action, outcome);
    if (action === "DescribeInstances") this.#hideSome();
    if (action === "TerminateInstances") this.#resistSome(request as InstancesRequest);
    const { result } = callEc2(this.#state, action, request, nowMs);
    takeBack?.();
    if (outcome?.effect === "done" && isDenial(action, outcome.code)) this.#noteDenied();
    this.#hosts.follow();
    return result;
  }

  /** What the call started, by the word that it started nothing. */
  #noteDenied(): void {
    for (const id of this.#state.changedInstanceIds) {
      const phase = this.#state.known.get(id)?.phase;
      if (phase?.kind === "pending") this.#denied.add(id);
    }
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
      if (!this.hosts.has(id) || !this.#chances.isEndingIgnored()) continue;
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
    return this.#hosts.because(providerId, cause, act);
  }

  start(tags: Readonly<Record<string, string>>, make: MakeHost): string | null {
    const known = new Set(this.hosts.keys());
    this.#hosts.making(make, () => {
      const isSpotFull = this.#tryStart(tags, { InstanceMarketOptions: { MarketType: "spot" } }).kind === "refused";
      if (isSpotFull) this.#tryStart(tags, {});
    });
    return [...this.hosts.keys()].find((id) => !known.has(id)) ?? null;
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
    if (interrupt(this.#state, providerId, scheduler.nowMs, noticeMs)) {
      this.#hosts.doom(providerId, { by: "fault", kind });
      if (noticeMs > 0) this.hosts.get(providerId)?.wantBack();
    }
    this.#hosts.follow();
  }

  #expectReclaim(everyMs: number): void {
    const { scheduler, witness, log } = this.#world;
    scheduler.after(this.#reclaims.wait(everyMs), () => {
      if (!this.#world.isFaulty()) return;
      const onSpot = [...this.hosts.keys()].filter((id) => this.#state.known.get(id)?.market === "spot");
      if (onSpot.length > 0) {
        const id = this.#reclaims.pick(onSpot);
        witness.faultHappened("provider.reclaim");
        log.note("spot takes it back", id);
        this.reclaim(id, "provider.reclaim");
      }
      this.#expectReclaim(everyMs);
    });
  }
}

/** What says of a launch that nothing was started by it, ever. */
function isDenial(action: Ec2Action, code: Ec2ErrorCode): boolean {
  const isLaunch = action === "CreateFleet" || action === "RunInstances";
  return isLaunch && launchCodeOf(code) !== "provider-unavailable" && code !== "IdempotentParameterMismatch";
}

/** What is not up counts as ended, whatever may become of it. */
function showListed(instance: Ec2Answer): ListedMachine {
  const { Name } = instance.State as Ec2Answer;
  const state = Name === "pending" || Name === "running" ? Name : "terminated";
  const launchedAtMs = Date.parse(String(instance.LaunchTime));
  return { providerId: String(instance.InstanceId), state, launchedAtMs, tags: Object.fromEntries(tagsOf(instance)) };
}
