/**
 * The world's Auto Scaling groups, one for each pool: the models of ../asg and ../ec2 in the world's time, with a host on each
 * instance. Ours asks through the product's own adapter; what a baseline asks is made into calls here.
 */
import type { ControllerId, PoolName } from "../../domain/ids.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { AsgAction, AsgRequests } from "../asg/api.ts";
import { callAsg, isAsgAction } from "../asg/call.ts";
import { calmDown as calmGroups } from "../asg/control.ts";
import { createAsg } from "../asg/create.ts";
import { launchMember } from "../asg/join.ts";
import { advance } from "../asg/life.ts";
import type { AsgState, Group, Member } from "../asg/state.ts";
import type { AwsAnswer } from "../aws/answer.ts";
import { type AwsResult, addFault } from "../aws/faults.ts";
import type { Ec2Action, Ec2Requests } from "../ec2/api.ts";
import { callEc2, isEc2Action } from "../ec2/call.ts";
import { calmDown as calmEc2 } from "../ec2/control.ts";
import { createEc2 } from "../ec2/create.ts";
import type { Instance } from "../ec2/state.ts";
import type { Chance, Range } from "../world/chance.ts";
import type { Host } from "../world/host.ts";
import type { GroupSide, ListedMachine, ProviderAsker, ProviderModel, Remains } from "../world/provider.ts";
import { PROVIDER_FAILURES, type ProviderLine } from "../world/provider-port.ts";
import type { Cause } from "../world/witness.ts";
import { ASG_FAULT_KINDS, AsgChances } from "./asg-chances.ts";
import { AsgHosts } from "./asg-hosts.ts";
import { countedIds, remainsOf, unmarkedIds } from "./asg-remains.ts";
import { BOOT_HOOK, createGroups, DRAIN_HOOK, FOREIGN_GROUP, groupNameOf } from "./asg-setup.ts";
import { AsgTroubles } from "./asg-troubles.ts";
import { ProviderChances } from "./chances.ts";
import { lagsOf } from "./ec2-chances.ts";
import type { GroupService, MakeGroupPort } from "./group-port.ts";
import type { WorldProvider } from "./pod-port.ts";
import type { ProviderModelWorld } from "./provider-world.ts";
import type { MakeHost } from "./roster.ts";

/** Somebody else's word to the launch hook. */
const BOOT_WORD_MS: Range = [SECOND_MS, MINUTE_MS];
const BOOT_ABANDONED_SHARE = 0.03;
/** Calls by which a machine comes to its end. */
const ENDING: ReadonlySet<string> = new Set([
  "TerminateInstanceInAutoScalingGroup",
  "CompleteLifecycleAction",
  "TerminateInstances",
  "StopInstances",
]);

const EC2_THROTTLED = { kind: "error", code: "RequestLimitExceeded", effect: "none" } as const;

type Answer = AwsResult<string, AwsAnswer>;

export class AsgWorld implements ProviderModel {
  readonly #world: ProviderModelWorld;
  readonly #makePort: MakeGroupPort;
  readonly #state: AsgState;
  readonly #chances: AsgChances;
  readonly #hosts: AsgHosts;
  readonly #troubles: AsgTroubles;
  readonly #groups: readonly Group[];
  readonly #words: Chance;
  readonly #touched = new Set<string>();
  /**
   * Groups whose desired capacity we lowered by its number, which the contract forbids, and from where: whom they end until
   * it is back there, we ended.
   */
  readonly #lowered = new Map<Group, number>();
  #isCalm = false;
  readonly #waitListeners: ((providerId: string) => void)[] = [];
  readonly earlierIds: ReadonlySet<string>;
  readonly group: GroupSide = {
    onWaiting: (listener) => this.#waitListeners.push(listener),
    isWaiting: (providerId) => this.#memberOf(providerId)?.state.endsWith("Terminating:Wait") === true,
    complete: (providerId, cause) => this.#say("CompleteLifecycleAction", providerId, cause),
    heartbeat: (providerId) => this.#say("RecordLifecycleActionHeartbeat", providerId, null),
  };

  constructor(world: ProviderModelWorld, makePort: MakeGroupPort) {
    this.#world = world;
    this.#makePort = makePort;
    this.#words = world.chance.fork("words");
    const chances = new ProviderChances(world, {
      faultKinds: ASG_FAULT_KINDS,
      bootRange: ({ bootMs }) => bootMs,
      endingMs: [0, 0],
    });
    this.#chances = new AsgChances(world, chances);
    this.#state = createAsg(createEc2({ chance: world.chance.fork("ec2"), lags: lagsOf(chances) }));
    const state = this.#state;
    this.#groups = createGroups(state, world);
    this.earlierIds = new Set(this.#groups.flatMap(({ members }) => [...members.keys()]));
    this.#hosts = new AsgHosts({
      world,
      chances,
      state,
      isForeign: (instance) => this.#isForeign(instance),
      onMoved: (group, member) => this.#noteMove(group, member),
    });
    this.#troubles = new AsgTroubles({
      world,
      chances,
      troubles: this.#chances,
      state,
      hosts: this.#hosts,
      groups: this.#groups,
      onResized: (group) => this.#lowered.delete(group),
    });
    world.scheduler.after(0, () => this.#hosts.follow());
  }

  get #nowMs(): number {
    return this.#world.scheduler.nowMs;
  }

  get hosts(): ReadonlyMap<string, Host> {
    return this.#hosts.hosts;
  }

  get stoppedIds(): readonly string[] {
    return [...this.#state.ec2.known.values()]
      .filter((one) => one.phase.kind === "stopped" && !this.#isForeign(one) && !this.hosts.has(one.id))
      .map(({ id }) => id);
  }

  get deniedIds(): readonly string[] {
    return [];
  }

  get extraIds(): readonly string[] {
    const counted = countedIds(this.#groups);
    return [...this.hosts.keys(), ...this.stoppedIds].filter((id) => !counted.has(id));
  }

  get unmarkedIds(): readonly string[] {
    return unmarkedIds(this.#state).filter((id) => this.hosts.has(id));
  }

  remains(): Remains {
    const { group, pools } = this.#world;
    const warmCountOf = (name: string) => {
      const own = pools.filter((pool) => groupNameOf(pool.name) === name);
      return own.reduce((sum, pool) => sum + pool.warmParkedCount + pool.warmRegisteredCount, 0);
    };
    return remainsOf(this.#groups, group.scaling, warmCountOf);
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

  forPool(controllerId: ControllerId, pool: PoolName, asker: ProviderAsker = {}): WorldProvider {
    const { scheduler, group: plan, pools } = this.#world;
    const { line = async (_operation, effect) => effect() }: { readonly line?: ProviderLine } = asker;
    if (asker.process === undefined) throw new Error("who asks for a group is a process, with a clock of its own");
    const { clock } = asker.process;
    /** By which proof each machine is being ended. */
    const proofs = new Map<string, string>();
    const port = this.#makePort({
      controllerId,
      pool,
      group: groupNameOf(pool),
      region: this.#state.ec2.options.region,
      scaling: plan.scaling,
      machineCountMax: pools.find(({ name }) => name === pool)?.machineCountMax ?? 0,
      clock,
      aheadMs: () => scheduler.nowMs - clock.nowMs(),
      call: async (service, action, request) => {
        const { result, isHeard } = await line(action, () => this.#ask(proofs, service, action, request));
        if (isHeard) return result;
        throw PROVIDER_FAILURES.unanswered(`${action} at ${scheduler.nowMs}`);
      },
    });
    return {
      ...port,
      terminate: async (permit) => {
        proofs.set(permit.providerId, permit.proof);
        await port.terminate(permit);
      },
    };
  }

  #ask(
    proofs: ReadonlyMap<string, string>,
    service: GroupService,
    action: string,
    request: object,
  ): { readonly result: Answer; readonly isHeard: boolean } {
    this.#calm();
    advance(this.#state, this.#nowMs);
    this.#hosts.follow();
    const ids = idsOf(request);
    this.#noteTouched(action, request, ids);
    const before = new Map(ids.map((id) => [id, this.#situationOf(id)]));
    const sizes = this.#groups.map(({ desired }) => desired);
    const outcome = service === "ec2" ? this.#callEc2(action, request) : this.#callGroup(action, request);
    advance(this.#state, this.#nowMs);
    if (ENDING.has(action))
      for (const id of ids)
        if (before.get(id) !== this.#situationOf(id))
          this.#hosts.doom(id, { by: "controller", proof: proofs.get(id) ?? "none" });
    if (action === "SetDesiredCapacity")
      for (const [index, group] of this.#groups.entries()) this.#noteSet(group, sizes[index] ?? 0);
    this.#hosts.follow();
    return outcome;
  }

  #noteSet(group: Group, priorCount: number): void {
    const fromCount = Math.max(priorCount, this.#lowered.get(group) ?? 0);
    if (group.desired < fromCount) this.#lowered.set(group, fromCount);
    else this.#lowered.delete(group);
  }

  #callEc2(action: string, request: object) {
    if (!isEc2Action(action)) throw new Error(`${action}, which the model of EC2 does not know`);
    const { ec2 } = this.#state;
    const takeBack = this.#chances.isEc2Throttled() ? addFault(ec2.faults, action, EC2_THROTTLED) : null;
    const { result, transmission } = callEc2(ec2, action, request as Ec2Requests[Ec2Action], this.#nowMs);
    takeBack?.();
    return { result, isHeard: transmission.kind === "whole" };
  }

  #callGroup(action: string, request: object) {
    if (!isAsgAction(action)) throw new Error(`${action}, which the model of Auto Scaling does not know`);
    this.#chances.ageReading(this.#state);
    const drawn = this.#chances.drawOutcome(action);
    const takeBack = drawn === null ? null : addFault(this.#state.faults, action, drawn);
    const { result, transmission } = callAsg(this.#state, action, request as AsgRequests[AsgAction], this.#nowMs);
    takeBack?.();
    return { result, isHeard: transmission.kind === "whole" };
  }

  /** Once faults have stopped nothing lags and nothing is short, and who sizes a group lets it grow for what waits. */
  #calm(): void {
    if (this.#isCalm || this.#world.isFaulty()) return;
    this.#isCalm = true;
    calmEc2(this.#state.ec2, this.#nowMs);
    calmGroups(this.#state, this.#nowMs);
    if (this.#world.group.scaling !== "external") return;
    for (const group of this.#groups) this.#troubles.resizeToMax(group);
  }

  /** What an ending would change of it. */
  #situationOf(id: string): string {
    const member = this.#memberOf(id);
    const phase = this.#state.ec2.known.get(id)?.phase.kind;
    return `${member?.state} ${member?.actions.length} ${phase}`;
  }

  #memberOf(id: string): Member | undefined {
    return this.#groups.map(({ members }) => members.get(id)).find((member) => member !== undefined);
  }

  #isForeign({ tags }: Instance): boolean {
    return tags.get("aws:autoscaling:groupName") === FOREIGN_GROUP;
  }

  #noteTouched(action: string, request: object, ids: readonly string[]): void {
    if (action.startsWith("Describe") || action.startsWith("Get")) return;
    for (const id of ids) {
      const instance = this.#state.ec2.known.get(id);
      if (instance !== undefined && this.#isForeign(instance)) this.#touched.add(id);
    }
    const { AutoScalingGroupName: name } = request as { readonly AutoScalingGroupName?: string };
    if (name === FOREIGN_GROUP) this.#touched.add(name);
  }

  #noteMove(group: Group, member: Member): void {
    const { instanceId, state } = member;
    const isLeaving = state === "Terminating" || (state === "Warmed:Pending" && member.transition === "terminating");
    if (isLeaving && this.#lowered.has(group))
      this.#hosts.doom(instanceId, { by: "controller", proof: "desired-capacity-lowered" });
    if (state.endsWith("Terminating:Wait")) for (const listener of this.#waitListeners) listener(instanceId);
    if (member.transition === "launching" && state.endsWith(":Wait")) this.#expectBootWord(group, instanceId);
  }

  /** Somebody else's automation, which now and then finds that the machine is of no use. */
  #expectBootWord({ name }: Group, instanceId: string): void {
    const { scheduler } = this.#world;
    const isFine = !this.#world.isFaulty() || !this.#words.happens(BOOT_ABANDONED_SHARE);
    scheduler.after(this.#words.whole(BOOT_WORD_MS), () => {
      const word = { LifecycleHookName: BOOT_HOOK, LifecycleActionResult: isFine ? "CONTINUE" : "ABANDON" };
      const request = { AutoScalingGroupName: name, InstanceId: instanceId, ...word };
      callAsg(this.#state, "CompleteLifecycleAction", request, this.#nowMs);
      this.#hosts.follow();
    });
  }

  #say(action: "CompleteLifecycleAction" | "RecordLifecycleActionHeartbeat", id: string, cause: Cause | null): void {
    const group = this.#groups.find(({ members }) => members.has(id));
    if (group === undefined) return;
    if (cause !== null) this.#hosts.doom(id, cause);
    const request = { AutoScalingGroupName: group.name, LifecycleHookName: DRAIN_HOOK, InstanceId: id };
    const word = cause === null ? {} : { LifecycleActionResult: "CONTINUE" };
    callAsg(this.#state, action, { ...request, ...word }, this.#nowMs);
    this.#hosts.follow();
  }

  start(tags: Readonly<Record<string, string>>, make: MakeHost): string | null {
    const [group] = this.#groups;
    if (group === undefined || group.desired >= group.maxSize - this.#world.group.beyondMaxCount) return null;
    const place = { state: this.#state, group, nowMs: this.#nowMs };
    group.desired += 1;
    const member = launchMember(place, { into: "service", cause: "its launcher asked for it.", zone: null });
    if (member === null) return null;
    for (const [key, value] of Object.entries(tags)) this.#state.ec2.known.get(member.instanceId)?.tags.set(key, value);
    this.#hosts.make = make;
    this.#hosts.follow();
    this.#hosts.make = null;
    return member.instanceId;
  }

  listTagged(tag: string, value: string): readonly ListedMachine[] {
    return [...this.#state.ec2.known.values()].filter(({ tags }) => tags.get(tag) === value).map(showListed);
  }

  terminate(providerId: string, cause: Cause): boolean {
    const request = { InstanceId: providerId, ShouldDecrementDesiredCapacity: true };
    const { result } = callAsg(this.#state, "TerminateInstanceInAutoScalingGroup", request, this.#nowMs);
    if (result.kind === "answered") this.#hosts.doom(providerId, cause);
    this.#hosts.follow();
    return result.kind === "answered";
  }

  reclaim(providerId: string, kind: string): void {
    this.#troubles.reclaim(providerId, kind);
  }
}

/** Whom a call is about. */
function idsOf(request: object): readonly string[] {
  const { InstanceId, InstanceIds = [] } = request as {
    readonly InstanceId?: string;
    readonly InstanceIds?: readonly string[];
  };
  return InstanceId === undefined ? InstanceIds : [InstanceId, ...InstanceIds];
}

function showListed({ id, phase, launchedAtMs, tags }: Instance): ListedMachine {
  const state = phase.kind === "pending" || phase.kind === "running" ? phase.kind : "terminated";
  return { providerId: id, state, launchedAtMs, tags: Object.fromEntries(tags) };
}
