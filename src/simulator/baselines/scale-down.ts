/**
 * Scale-down as terraform-aws-github-runner publishes it (`scale-runners/scale-down.ts`, v7.11.0), around the one step in
 * which its variants differ: how a registered runner that is old enough is removed.
 *
 * First the orphans of earlier passes: one whose runner's id is known is asked about once more (404, or offline and busy:
 * ended; else it is no orphan), one without is ended at once, and the first failed call leaves the rest for the next pass.
 * Then every machine, one after the other: registered and older than the minimum (age since its launch, not idleness) is
 * removed if its runner may be; one that GitHub's listing does not show five minutes after its launch becomes an orphan.
 * A failed listing ends the pass.
 */
import { MINUTE_MS } from "../../domain/units.ts";
import type { Scope } from "../github/places.ts";
import { nameOfScope } from "../github/runners.ts";
import type { Fleet, FleetWorld } from "../world/algorithm.ts";
import { Calls } from "./calls.ts";
import { readRunner, readRunnerIds } from "./github-rest.ts";
import { ageOf, type Instance, listInstances, terminateInstance } from "./instances.ts";
import { Launcher } from "./launcher.ts";

/** `runner_boot_time_in_minutes` */
const BOOT_TIME_MS = 5 * MINUTE_MS;

export interface RegisteredInstance extends Instance {
  readonly scope: Scope;
  readonly runnerId: number;
}

/** Removes the runner and ends the machine, or keeps both. */
export type RemoveInstance = (calls: Calls, instance: RegisteredInstance) => Promise<void>;

export function makeScaledFleet(world: FleetWorld, remove: RemoveInstance): Fleet {
  const calls = new Calls(world);
  const { isPersistent } = world.scenario.fleet;
  const launcher = new Launcher(calls, { isPersistent, checksJob: isPersistent });
  const scaleDown = new ScaleDown(calls, launcher, remove);
  calls.repeat(() => scaleDown.pass());
  return {
    onJobEvent: ({ action, jobId, labels, repository }) => {
      if (action === "queued") launcher.order({ jobId, labels, repository, attemptCount: 0 });
    },
    stop: () => calls.stop(),
  };
}

class ScaleDown {
  readonly #calls: Calls;
  readonly #launcher: Launcher;
  readonly #remove: RemoveInstance;
  /** Machines with the tag `ghr:orphan`. */
  readonly #orphans = new Set<string>();

  constructor(calls: Calls, launcher: Launcher, remove: RemoveInstance) {
    this.#calls = calls;
    this.#launcher = launcher;
    this.#remove = remove;
  }

  async pass(): Promise<void> {
    await this.#endOrphans();
    const instances = await listInstances(this.#calls);
    if (instances === null) return;
    const idsByScope = new Map<string, ReadonlyMap<string, number>>();
    for (const instance of instances) {
      const scope = this.#launcher.scopeOf(instance.runnerName);
      if (scope === undefined || this.#orphans.has(instance.providerId)) continue;
      const key = `${scope.kind} ${nameOfScope(scope)}`;
      const ids = idsByScope.get(key) ?? (await readRunnerIds(this.#calls, scope));
      if (ids === null) return;
      idsByScope.set(key, ids);
      await this.#look({ ...instance, scope }, ids.get(instance.runnerName));
    }
  }

  async #look(instance: Omit<RegisteredInstance, "runnerId">, runnerId: number | undefined): Promise<void> {
    const { minimumAgeMs } = this.#calls.world.scenario.fleet;
    const ageMs = ageOf(this.#calls, instance);
    if (runnerId !== undefined && ageMs >= minimumAgeMs) await this.#remove(this.#calls, { ...instance, runnerId });
    if (runnerId === undefined && ageMs >= BOOT_TIME_MS) await this.#tag(instance.providerId, true);
  }

  async #tag(providerId: string, isOrphan: boolean): Promise<void> {
    await this.#calls.ask("provider", "tag", () => {
      if (isOrphan) this.#orphans.add(providerId);
      else this.#orphans.delete(providerId);
    });
  }

  async #endOrphans(): Promise<void> {
    const instances = await listInstances(this.#calls);
    for (const instance of instances ?? []) {
      if (!this.#orphans.has(instance.providerId)) continue;
      const isOrphan = await this.#isStillOrphan(instance);
      if (isOrphan === null) return;
      if (!isOrphan) await this.#tag(instance.providerId, false);
      else if (!(await terminateInstance(this.#calls, instance.providerId, "orphan"))) return;
    }
  }

  /** Null where GitHub did not answer. */
  async #isStillOrphan({ runnerName }: Instance): Promise<boolean | null> {
    const scope = this.#launcher.scopeOf(runnerName);
    const runnerId = this.#launcher.runnerIdOf(runnerName);
    if (scope === undefined || runnerId === undefined) return true;
    const reading = await readRunner(this.#calls, scope, runnerId);
    if (reading === null) return null;
    return reading.kind === "missing" || (!reading.isOnline && reading.isBusy);
  }
}
