/** What happens to the world's groups now and then: AWS's own doings, a policy's, a person's. */
import type { AsgAction, AsgRequests } from "../asg/api.ts";
import { callAsg } from "../asg/call.ts";
import { changeGroup, scaleByPolicy, scaleIn } from "../asg/control.ts";
import { countMembers, isOfPool, listMembers } from "../asg/counts.ts";
import type { AsgState, Group, Member } from "../asg/state.ts";
import { setRoom } from "../ec2/control.ts";
import { interrupt } from "../ec2/life.ts";
import type { FaultOf, GroupEnding } from "../scenario/fault.ts";
import type { Chance, Range } from "../world/chance.ts";
import type { AsgChances } from "./asg-chances.ts";
import type { AsgHosts } from "./asg-hosts.ts";
import type { ProviderChances } from "./chances.ts";
import type { ProviderModelWorld } from "./provider-world.ts";

const MOMENTARY = [
  "provider.reclaim",
  "asg.resized",
  "asg.unprotected",
  "asg.unhealthy",
  "asg.refresh",
  "asg.detached",
  "asg.warm-pool-resized",
] as const;
const LASTING = ["provider.no-capacity", "ec2.throttled", "asg.throttled", "asg.one-zone", "asg.standby"] as const;
type MomentaryKind = (typeof MOMENTARY)[number];
type LastingKind = (typeof LASTING)[number];

/** Spot's notice, or none at all. */
const NOTICES_MS = [0, 120_000] as const;
const PROTECTED_CHOICES = ["Refresh", "Ignore", "Wait"] as const;
const STANDBY_CHOICES = ["Terminate", "Ignore", "Wait"] as const;

export interface AsgTroublesParts {
  readonly world: ProviderModelWorld;
  readonly chances: ProviderChances;
  readonly troubles: AsgChances;
  readonly state: AsgState;
  readonly hosts: AsgHosts;
  /** Ours. */
  readonly groups: readonly Group[];
  /** Others than Holdfast have sized it. */
  onResized(group: Group): void;
}

export class AsgTroubles {
  readonly #parts: AsgTroublesParts;
  readonly #spells: Chance;
  readonly #picks: Chance;

  constructor(parts: AsgTroublesParts) {
    this.#parts = parts;
    const { chance, scheduler } = parts.world;
    this.#spells = chance.fork("spells");
    this.#picks = chance.fork("picks");
    for (const kind of MOMENTARY) for (const fault of parts.chances.active(kind)) this.#expect(fault);
    for (const kind of LASTING) for (const fault of parts.chances.active(kind)) this.#expectSpell(fault);
    for (const { kind, atMs, why } of parts.chances.active("asg.ends-one"))
      scheduler.after(atMs, () => this.#endOne(kind, why));
  }

  #expect(fault: FaultOf<MomentaryKind>): void {
    const { world, hosts } = this.#parts;
    world.scheduler.after(this.#spells.wait(fault.everyMs), () => {
      if (!world.isFaulty()) return;
      if (this.#happen(fault.kind)) world.witness.faultHappened(fault.kind);
      hosts.follow();
      this.#expect(fault);
    });
  }

  /** @returns whether there was anything that it could befall. */
  #happen(kind: MomentaryKind): boolean {
    const group = this.#picks.pick(this.#parts.groups);
    switch (kind) {
      case "provider.reclaim":
        return this.#reclaimOne();
      case "asg.resized":
        this.resize(group, this.#picks.whole([group.minSize, this.#heededMax(group)]));
        return true;
      case "asg.unprotected":
        return this.#unprotect(group);
      case "asg.unhealthy": {
        const member = this.#pickServing(group);
        return member !== null && this.#declareUnhealthy(member);
      }
      case "asg.refresh":
        return this.#act("StartInstanceRefresh", {
          AutoScalingGroupName: group.name,
          Preferences: {
            ScaleInProtectedInstances: this.#picks.pick(PROTECTED_CHOICES),
            StandbyInstances: this.#picks.pick(STANDBY_CHOICES),
          },
        });
      case "asg.detached": {
        const member = this.#pickServing(group);
        return member !== null && this.#leave("DetachInstances", group, member);
      }
      case "asg.warm-pool-resized":
        return this.#resizePool(group);
    }
  }

  /** People and policies keep to `machines.max`, whatever room the group has: what is beyond that is Holdfast's. */
  #heededMax(group: Group): number {
    return group.maxSize - this.#parts.world.group.beyondMaxCount;
  }

  /** As a policy, a schedule or a person does it. */
  resize(group: Group, wanted: number): void {
    const { state, world, onResized } = this.#parts;
    world.log.note(`somebody sizes ${group.name} to ${wanted}`);
    onResized(group);
    scaleByPolicy(state, group.name, wanted, world.scheduler.nowMs);
  }

  resizeToMax(group: Group): void {
    this.resize(group, this.#heededMax(group));
  }

  #reclaimOne(): boolean {
    const ids = [...this.#parts.hosts.hosts.keys()].filter((id) => this.#market(id) === "spot");
    if (ids.length === 0) return false;
    this.reclaim(this.#picks.pick(ids), "provider.reclaim");
    return true;
  }

  #market(id: string): string | undefined {
    return this.#parts.state.ec2.known.get(id)?.market;
  }

  reclaim(id: string, kind: string): void {
    const { state, world, hosts } = this.#parts;
    const noticeMs = this.#picks.pick(NOTICES_MS);
    if (!interrupt(state.ec2, id, world.scheduler.nowMs, noticeMs)) return;
    world.log.note("spot takes it back", id);
    hosts.doom(id, { by: "fault", kind });
    if (noticeMs > 0) hosts.hosts.get(id)?.wantBack();
    hosts.follow();
  }

  #unprotect(group: Group): boolean {
    const members = listMembers(group, ({ state }) => state === "InService");
    const chosen = members.filter(() => this.#picks.happens(0.5)).map(({ instanceId }) => instanceId);
    if (chosen.length === 0) return false;
    return this.#act("SetInstanceProtection", {
      AutoScalingGroupName: group.name,
      InstanceIds: chosen,
      ProtectedFromScaleIn: false,
    });
  }

  #pickServing(group: Group): Member | null {
    const members = listMembers(group, ({ state }) => state === "InService");
    return members.length === 0 ? null : this.#picks.pick(members);
  }

  #declareUnhealthy({ instanceId: InstanceId }: Member): boolean {
    this.#parts.world.log.note("somebody says that it is unhealthy", InstanceId);
    return this.#act("SetInstanceHealth", {
      InstanceId,
      HealthStatus: "Unhealthy",
      ShouldRespectGracePeriod: false,
    });
  }

  /** With a smaller capacity where the group's least allows it, else replaced. */
  #leave(action: "EnterStandby" | "DetachInstances", group: Group, { instanceId }: Member): boolean {
    this.#parts.world.log.note(`somebody: ${action}`, instanceId);
    const request = { AutoScalingGroupName: group.name, InstanceIds: [instanceId] };
    return (
      this.#act(action, { ...request, ShouldDecrementDesiredCapacity: this.#picks.happens(0.5) }) ||
      this.#act(action, { ...request, ShouldDecrementDesiredCapacity: false })
    );
  }

  #resizePool(group: Group): boolean {
    const { state, world } = this.#parts;
    if (group.warmPool === null) return false;
    const maxPreparedCount = this.#picks.whole([0, this.#heededMax(group)]);
    world.log.note(`somebody sizes the warm pool of ${group.name} by ${maxPreparedCount}`);
    changeGroup(state, group.name, { warmPool: { ...group.warmPool, maxPreparedCount } }, world.scheduler.nowMs);
    return true;
  }

  #expectSpell(fault: FaultOf<LastingKind>): void {
    const { world, hosts } = this.#parts;
    const { scheduler, witness, log } = world;
    scheduler.after(this.#spells.wait(fault.everyMs), () => {
      if (!world.isFaulty()) return;
      const end = this.#begin(fault.kind);
      if (end === null) return this.#expectSpell(fault);
      witness.faultHappened(fault.kind);
      log.note(`${fault.kind} begins`);
      scheduler.after(this.#spells.whole(fault.forMs satisfies Range), () => {
        log.note(`${fault.kind} ends`);
        end();
        hosts.follow();
        this.#expectSpell(fault);
      });
      hosts.follow();
    });
  }

  /** @returns what ends it; null where there is nothing that it could befall. */
  #begin(kind: LastingKind): (() => void) | null {
    const { troubles, groups } = this.#parts;
    const group = this.#picks.pick(groups);
    switch (kind) {
      case "asg.throttled":
        troubles.throttledCount += 1;
        return () => {
          troubles.throttledCount -= 1;
        };
      case "ec2.throttled":
        troubles.ec2ThrottledCount += 1;
        return () => {
          troubles.ec2ThrottledCount -= 1;
        };
      case "provider.no-capacity":
        this.#setRoom(this.#zones(), 0);
        return () => this.#setRoom(this.#zones(), null);
      case "asg.one-zone": {
        const [kept, ...others] = this.#zones();
        this.#setRoom(kept === undefined ? [] : others, 0);
        return () => this.#setRoom(others, null);
      }
      case "asg.standby":
        return this.#putAside(group);
    }
  }

  #zones(): readonly string[] {
    return this.#parts.state.ec2.options.zones;
  }

  #setRoom(zones: readonly string[], free: number | null): void {
    const { ec2 } = this.#parts.state;
    for (const { name: type } of ec2.options.instanceTypes)
      for (const zone of zones)
        for (const market of ["spot", "on-demand"] as const) setRoom(ec2, { type, zone, market }, free);
  }

  #putAside(group: Group): (() => void) | null {
    const member = this.#pickServing(group);
    if (member === null || !this.#leave("EnterStandby", group, member)) return null;
    const back = (): void => {
      const request = { AutoScalingGroupName: group.name, InstanceIds: [member.instanceId] };
      const isBack = group.desired < this.#heededMax(group) && this.#act("ExitStandby", request);
      // A full group takes nobody back: the person ends it then.
      if (isBack || group.members.get(member.instanceId)?.state !== "Standby") return;
      this.#act("TerminateInstanceInAutoScalingGroup", {
        InstanceId: member.instanceId,
        ShouldDecrementDesiredCapacity: false,
      });
    };
    return back;
  }

  #endOne(kind: "asg.ends-one", why: GroupEnding): void {
    const { world, hosts, groups, state } = this.#parts;
    const { nowMs } = world.scheduler;
    const isBusy = ({ instanceId }: Member) =>
      (hosts.hosts.get(instanceId)?.truth().runner?.acquiredJobId ?? null) !== null;
    const serving = groups.flatMap((group) =>
      listMembers(group, (member) => member.state === "InService").map((member) => ({ group, member })),
    );
    const chosen = serving.find(({ member }) => isBusy(member)) ?? serving[0];
    world.witness.faultHappened(kind);
    if (why === "trim") for (const { name, warmPool } of groups) this.#trim(name, warmPool);
    else if (chosen === undefined) return;
    else if (why === "unhealthy") this.#declareUnhealthy(chosen.member);
    else {
      world.log.note("its group chooses it for scale-in", chosen.member.instanceId);
      scaleIn(state, chosen.group.name, chosen.member.instanceId, nowMs);
    }
    hosts.follow();
  }

  #trim(name: string, warmPool: Group["warmPool"]): void {
    const { state, world } = this.#parts;
    if (warmPool === null) return;
    const group = state.groups.get(name);
    const count = group === undefined ? 0 : countMembers(group, isOfPool) + group.desired;
    const smaller = { ...warmPool, minSize: 0, maxPreparedCount: Math.max(0, count - 1) };
    changeGroup(state, name, { warmPool: smaller }, world.scheduler.nowMs);
  }

  /** @returns whether it was answered. */
  #act<Action extends AsgAction>(action: Action, request: AsgRequests[Action]): boolean {
    const { state, world } = this.#parts;
    return callAsg(state, action, request, world.scheduler.nowMs).result.kind === "answered";
  }
}
