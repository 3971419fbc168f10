/**
 * The hosts on the instances of the world's groups: each boots with its instance and ends with it, is told what its group
 * leads it to, and is stopped, put to sleep and woken as its warm pool does it.
 */
import { parseProviderId } from "../../domain/ids.ts";
import { invariant } from "../../domain/invariant.ts";
import { strayMachineId } from "../../domain/stray.ts";
import { HOUR_MS } from "../../domain/units.ts";
import { takeChanges } from "../asg/control.ts";
import { advance, nextDueMs } from "../asg/life.ts";
import type { AsgState, Group, Member } from "../asg/state.ts";
import { powerOff } from "../ec2/life.ts";
import type { Instance } from "../ec2/state.ts";
import type { Host } from "../world/host.ts";
import { type Cause, GROUP_GOES_ON } from "../world/witness.ts";
import type { ProviderChances } from "./chances.ts";
import { DueWatch } from "./due-watch.ts";
import type { ProviderModelWorld } from "./provider-world.ts";
import type { MakeHost } from "./roster.ts";

const HIBERNATES = "Client.UserInitiatedHibernate";
/**
 * A heartbeat timeout of that length outlasts every outage and standstill of a random world: who still lets it run out has
 * forgotten the machine.
 */
const OUTLASTING_MS = HOUR_MS;

interface Standing {
  readonly host: Host;
  readonly sinceMs: number;
  isAsleep: boolean;
  /** What it was last told. */
  target: string | null;
  /** Until it was in service nobody may give it a job; nobody promised that of a baseline's. */
  hasServed: boolean;
}

export interface AsgHostsParts {
  readonly world: ProviderModelWorld;
  readonly chances: ProviderChances;
  readonly state: AsgState;
  /** Instances of others: nothing of this world runs on them. */
  isForeign(instance: Instance): boolean;
  /** Called whenever a member came to another state. */
  onMoved(group: Group, member: Member): void;
}

export class AsgHosts {
  readonly #parts: AsgHostsParts;
  readonly #due: DueWatch;
  readonly hosts = new Map<string, Host>();
  readonly #standing = new Map<string, Standing>();
  readonly #bootCounts = new Map<string, number>();
  /** Why an instance ends, where somebody's word has decided that it does. */
  readonly #causes = new Map<string, Cause>();
  /** Who makes the hosts of a baseline's members; null: they are ours. */
  make: MakeHost | null = null;
  startedCount = 0;
  #paidMs = 0;

  constructor(parts: AsgHostsParts) {
    this.#parts = parts;
    const { state } = parts;
    this.#due = new DueWatch(parts.world.scheduler, {
      nextDueMs: () => nextDueMs(state),
      goOn: (nowMs) => {
        advance(state, nowMs);
        this.follow();
      },
    });
  }

  paidMs(): number {
    let livingMs = 0;
    for (const { sinceMs } of this.#standing.values()) livingMs += this.#parts.world.scheduler.nowMs - sinceMs;
    return this.#paidMs + livingMs;
  }

  /** Whatever ends it from now on, it ends for this cause: the first word counts. */
  doom(instanceId: string, cause: Cause): void {
    if (!this.#causes.has(instanceId)) this.#causes.set(instanceId, cause);
  }

  /** Lets hosts follow their instances and their groups. */
  follow(): void {
    const { state, onMoved } = this.#parts;
    const { ec2 } = state;
    const changed = [...ec2.changedInstanceIds].flatMap((id) => ec2.instances.get(id) ?? []);
    ec2.changedInstanceIds.clear();
    const moves = takeChanges(state);
    for (const instance of changed) if (!this.#parts.isForeign(instance)) this.#followInstance(instance);
    for (const { groupName, instanceId } of moves) {
      this.#lead(instanceId);
      const group = state.groups.get(groupName);
      const member = group?.members.get(instanceId);
      if (member?.state === "InService") this.#noteServing(instanceId);
      if (group !== undefined && member !== undefined) onMoved(group, member);
    }
    this.#due.watch();
  }

  #followInstance(instance: Instance): void {
    const { id, phase, stateReason } = instance;
    const standing = this.#standing.get(id);
    switch (phase.kind) {
      case "pending":
        if (standing === undefined) this.#startHost(instance);
        return;
      case "running":
        if (standing?.isAsleep === true) this.#wake(id, standing);
        else if (standing === undefined) this.#startHost(instance);
        return;
      case "stopping":
        if (standing === undefined) return;
        if (stateReason?.code === HIBERNATES) this.#putToSleep(id, standing);
        // Its system shuts down in order; EC2 waits for that no longer than it likes.
        else standing.host.askToStop();
        return;
      case "stopped":
        if (standing?.isAsleep === false) this.#endHost(id);
        return;
      case "shutting-down":
      case "terminated":
        this.#endHost(id);
    }
  }

  #startHost({ id }: Instance): void {
    const { world, chances } = this.#parts;
    const count = (this.#bootCounts.get(id) ?? 0) + 1;
    this.#bootCounts.set(id, count);
    this.#causes.delete(id);
    const isFirst = count === 1;
    const { bootMs, marksLost } = chances.drawFate(isFirst ? id : `${id}/${count}`);
    const make = this.make ?? this.#makeOurs;
    const host = make(id, () => this.#leave(id), bootMs);
    this.hosts.set(id, host);
    const hasServed = this.make !== null;
    this.#standing.set(id, { host, sinceMs: world.scheduler.nowMs, isAsleep: false, target: null, hasServed });
    if (isFirst) this.startedCount += 1;
    world.log.note(isFirst ? "the group started it" : "the group started it again", id);
    world.witness.machineStarted(host.truth());
    this.#lead(id);
    if (isFirst && marksLost !== null) world.scheduler.after(marksLost.afterMs, () => this.#loseMarks(id));
  }

  readonly #makeOurs: MakeHost = (providerId, onGone, bootMs) => {
    const { world } = this.#parts;
    const machineId = strayMachineId(parseProviderId(providerId));
    invariant(machineId !== null, "an instance's id has enough in it to make a name of");
    const signedIdentity = world.signIdentity(providerId);
    return world.makeAgentHost({
      providerId,
      bootMs,
      onGone,
      machineId,
      identitySecret: "",
      signedIdentity,
      isMember: true,
    });
  };

  #putToSleep(id: string, standing: Standing): void {
    standing.isAsleep = true;
    standing.host.sleep(this.#causeOf(id));
  }

  #wake(id: string, standing: Standing): void {
    standing.isAsleep = false;
    this.#causes.delete(id);
    this.#parts.world.log.note("the group wakes it", id);
    standing.host.wake();
  }

  /** Tells it what its group leads it to, where that has changed. */
  #lead(id: string): void {
    const standing = this.#standing.get(id);
    const target = this.#parts.state.ec2.instances.get(id)?.targetLifecycleState ?? null;
    if (standing === undefined || target === null || standing.target === target) return;
    standing.target = target;
    standing.host.leadTo(target);
  }

  #noteServing(id: string): void {
    const standing = this.#standing.get(id);
    if (standing !== undefined) standing.hasServed = true;
  }

  #loseMarks(id: string): void {
    const { state, world } = this.#parts;
    const instance = state.ec2.known.get(id);
    if (instance === undefined || !this.hosts.has(id) || !world.isFaulty()) return;
    for (const key of [...instance.tags.keys()]) if (key.startsWith("holdfast:")) instance.tags.delete(key);
    world.witness.faultHappened("provider.marks-lost");
    world.log.note("its marks are lost", id);
  }

  /** It powered itself off, or broke. */
  #leave(id: string): void {
    const { state, world } = this.#parts;
    this.#forget(id);
    powerOff(state.ec2, id, world.scheduler.nowMs);
    this.follow();
  }

  #endHost(id: string): void {
    const standing = this.#standing.get(id);
    if (standing === undefined) return;
    standing.host.end(this.#causeOf(id));
    this.#forget(id);
  }

  /**
   * Ours where it was our word, where we let a hook run out that we could have renewed, or where we gave it a ticket before
   * it was in service; else the group's own.
   */
  #causeOf(id: string): Cause {
    const known = this.#causes.get(id);
    if (known !== undefined) return known;
    const standing = this.#standing.get(id);
    if (standing?.hasServed === false && standing.host.truth().runner !== null)
      return { by: "controller", proof: "not-in-service" };
    for (const group of this.#parts.state.groups.values()) {
      const expired = group.members.get(id)?.expiredBy;
      if (expired?.deadline === "heartbeat" && expired.hook.heartbeatTimeoutMs >= OUTLASTING_MS)
        return { by: "controller", proof: "hook-forgotten" };
    }
    return { by: "fault", kind: GROUP_GOES_ON };
  }

  #forget(id: string): void {
    const standing = this.#standing.get(id);
    if (standing === undefined) return;
    const { scheduler, log } = this.#parts.world;
    this.#paidMs += scheduler.nowMs - standing.sinceMs;
    this.#standing.delete(id);
    this.hosts.delete(id);
    log.note("nothing runs on it any more", id);
  }
}
