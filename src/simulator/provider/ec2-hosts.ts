/**
 * The hosts on the world's instances: each starts with its instance, ends with it, stops with it and boots again on its disk
 * where it is started again.
 */

import { invariant } from "../../domain/invariant.ts";
import type { LaunchRequest } from "../../ports/provider.ts";
import { advance, nextDueMs, powerOff } from "../ec2/life.ts";
import type { Ec2State, Instance } from "../ec2/state.ts";
import type { Host } from "../world/host.ts";
import type { Cause } from "../world/witness.ts";
import type { ProviderChances } from "./chances.ts";
import { DueWatch } from "./due-watch.ts";
import type { Ec2Chances } from "./ec2-chances.ts";
import { bindInOrder } from "./ec2-port.ts";
import type { ProviderModelWorld } from "./provider-world.ts";
import type { MakeHost } from "./roster.ts";

type PlannedMachine = LaunchRequest["machines"][number];

const BY_ITSELF: Cause = { by: "itself" };

interface Standing {
  readonly host: Host;
  readonly sinceMs: number;
}

export interface Ec2HostsParts {
  readonly world: ProviderModelWorld;
  readonly chances: ProviderChances;
  readonly state: Ec2State;
  readonly troubles: Ec2Chances;
  /** Instances of others: nothing of this world runs on them. */
  readonly foreign: ReadonlySet<string>;
}

export class Ec2Hosts {
  readonly #parts: Ec2HostsParts;
  readonly #due: DueWatch;
  readonly hosts = new Map<string, Host>();
  readonly #standing = new Map<string, Standing>();
  readonly #announced = new Map<string, LaunchRequest["machines"]>();
  /** Who makes the hosts of an instance, at each of its boots, and how often it has. */
  readonly #boots = new Map<string, { readonly make: MakeHost; count: number }>();
  /** Why an instance ends, where it is known before it does. */
  readonly #causes = new Map<string, Cause>();
  #makeNext: MakeHost | null = null;
  startedCount = 0;
  #paidMs = 0;

  constructor(parts: Ec2HostsParts) {
    this.#parts = parts;
    const { state } = parts;
    this.#due = new DueWatch(parts.world.scheduler, {
      nextDueMs: () => nextDueMs(state),
      goOn: (nowMs) => {
        advance(state, nowMs);
        this.follow();
      },
    });
    this.#due.watch();
  }

  get stoppedIds(): readonly string[] {
    const { state, foreign } = this.#parts;
    return [...state.known.values()]
      .filter(({ id, phase }) => (phase.kind === "stopping" || phase.kind === "stopped") && !foreign.has(id))
      .map(({ id }) => id);
  }

  paidMs(): number {
    let livingMs = 0;
    for (const { sinceMs } of this.#standing.values()) livingMs += this.#parts.world.scheduler.nowMs - sinceMs;
    return this.#paidMs + livingMs;
  }

  /** Which machines a launch is to start, by its token. */
  announce(token: string, machines: LaunchRequest["machines"]): void {
    this.#announced.set(token, machines);
  }

  /** Instances that are started meanwhile get such hosts. */
  making<Answer>(make: MakeHost, act: () => Answer): Answer {
    this.#makeNext = make;
    const answer = act();
    this.#makeNext = null;
    return answer;
  }

  /** What happens to the instance meanwhile has this cause. */
  because<Answer>(instanceId: string, cause: Cause, act: () => Answer): Answer {
    const before = this.#causes.get(instanceId);
    this.#causes.set(instanceId, cause);
    const answer = act();
    if (before === undefined) this.#causes.delete(instanceId);
    else this.#causes.set(instanceId, before);
    return answer;
  }

  /** It will end for this cause, unless something else ends it before. */
  doom(instanceId: string, cause: Cause): void {
    this.#causes.set(instanceId, cause);
  }

  /** Lets hosts follow their instances. */
  follow(): void {
    const { state, foreign } = this.#parts;
    const changed = [...state.changedInstanceIds];
    state.changedInstanceIds.clear();
    const fresh = changed.filter((id) => !this.#standing.has(id)).flatMap((id) => state.instances.get(id) ?? []);
    this.#startHosts(fresh.filter(({ id, phase }) => phase.kind === "pending" && !foreign.has(id)));
    for (const id of changed) {
      const kind = state.instances.get(id)?.phase.kind;
      if (kind !== undefined && kind !== "pending" && kind !== "running") this.#endHost(id);
    }
    this.#due.watch();
  }

  #startHosts(starting: readonly Instance[]): void {
    const isAgain = ({ id }: Instance) => this.#boots.has(id);
    for (const instance of starting.filter(isAgain)) this.#startHost(instance);
    const launches = Map.groupBy(
      starting.filter((instance) => !isAgain(instance)),
      ({ clientToken }) => clientToken,
    );
    for (const [token, instances] of launches) {
      const machines = (token === null ? undefined : this.#announced.get(token)) ?? [];
      const bound = bindInOrder(
        instances.map(({ id }) => id),
        { machines },
      );
      for (const instance of instances) {
        const machineId = bound.find(({ providerId }) => providerId === instance.id)?.machineId;
        const machine = machines.find((one) => one.machineId === machineId);
        const make = machine === undefined ? this.#makeNext : this.#makerOf(machine);
        invariant(make !== null, "whoever starts an instance says what runs on it");
        this.#boots.set(instance.id, { make, count: 0 });
        this.#startHost(instance);
      }
    }
  }

  #makerOf({ machineId, identitySecret }: PlannedMachine): MakeHost {
    const { world } = this.#parts;
    return (providerId, onGone, bootMs) => {
      const signedIdentity = world.signIdentity(providerId);
      return world.makeAgentHost({ providerId, bootMs, onGone, machineId, identitySecret, signedIdentity });
    };
  }

  #startHost(instance: Instance): void {
    const { world, chances, troubles } = this.#parts;
    const { scheduler, witness, log } = world;
    const { id } = instance;
    const boots = this.#boots.get(id);
    invariant(boots !== undefined, "an instance that starts has somebody who makes its host");
    boots.count += 1;
    const isFirst = boots.count === 1;
    const { bootMs, marksLost } = chances.drawFate(isFirst ? id : `${id}/${boots.count}`);
    instance.isDoomed = isFirst && troubles.drawDoom(id);
    if (instance.isDoomed) this.#causes.set(id, { by: "fault", kind: "ec2.pending-fails" });
    const host = boots.make(id, () => this.#leave(id), bootMs);
    this.hosts.set(id, host);
    this.#standing.set(id, { host, sinceMs: scheduler.nowMs });
    if (isFirst) this.startedCount += 1;
    log.note(isFirst ? "the provider started it" : "the provider started it again", id);
    witness.machineStarted(host.truth());
    if (!isFirst || marksLost === null) return;
    scheduler.after(marksLost.afterMs, () => this.#loseMarks(id, marksLost.which));
  }

  #loseMarks(id: string, which: "machine" | "all"): void {
    const { state, world } = this.#parts;
    const instance = state.known.get(id);
    if (instance === undefined || !this.hosts.has(id) || !world.isFaulty()) return;
    for (const key of [...instance.tags.keys()])
      if (which === "all" || key.endsWith(":machine") || key.endsWith(":launch")) instance.tags.delete(key);
    world.witness.faultHappened("provider.marks-lost");
    world.log.note("its marks are lost", id);
  }

  /** It powered itself off, or broke. */
  #leave(id: string): void {
    const { state, world } = this.#parts;
    this.#forget(id);
    powerOff(state, id, world.scheduler.nowMs);
    this.follow();
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
    const { scheduler, log } = this.#parts.world;
    this.#paidMs += scheduler.nowMs - standing.sinceMs;
    this.#standing.delete(id);
    this.hosts.delete(id);
    log.note("nothing runs on it any more", id);
  }
}
