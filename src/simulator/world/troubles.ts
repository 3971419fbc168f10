/**
 * Lets the scenario's faults that come by themselves come: to our process, to GitHub and to machines. What befalls a provider
 * is its own world's business.
 */
import { SECOND_MS } from "../../domain/units.ts";
import type { FaultOf } from "../scenario/fault.ts";
import type { Attention } from "./attention.ts";
import type { Chance } from "./chance.ts";
import type { WorldDatabase } from "./database.ts";
import type { EventLog } from "./event-log.ts";
import type { Faults } from "./faults.ts";
import type { Host } from "./host.ts";
import type { Installation } from "./installation.ts";
import type { Judge } from "./judge.ts";
import type { Network } from "./network.ts";
import type { ProviderModel } from "./provider.ts";
import type { Remote } from "./remote.ts";
import type { Scheduler } from "./scheduler.ts";

/** A crash strikes in the middle of its next queries as often as between two events. */
const QUERY_CRASH_SHARE = 0.5;
const CRASH_WITHIN_QUERIES = [1, 80] as const;
/** A backup is not made in the middle of a transaction. */
const BACKUP_RETRY_MS = 100;
const SECOND_FOR_MS = [60 * SECOND_MS, 180 * SECOND_MS] as const;

export interface TroubledWorld {
  readonly faults: Faults;
  readonly attention: Attention;
  readonly scheduler: Scheduler;
  readonly log: EventLog;
  readonly judge: Judge;
  readonly network: Network;
  readonly githubRemote: Remote;
  readonly provider: ProviderModel;
  /** Null where another system runs the fleet. */
  readonly installation: Installation | null;
  readonly database: WorldDatabase | null;
  stepClock(byMs: number): void;
}

export function startTroubles(world: TroubledWorld): void {
  troubleGitHub(world);
  troubleHosts(world);
  if (world.installation !== null) troubleInstallation(world, world.installation);
}

function troubleGitHub({ faults, githubRemote, log }: TroubledWorld): void {
  faults.recur<FaultOf<"github.outage">>("github.outage", ({ forMs }, chance) => {
    // What must be found once faults have stopped cannot be found before GitHub is back.
    const durationMs = Math.min(chance.between(forMs), faults.leftMs);
    log.note(`GitHub is out for ${Math.round(durationMs / SECOND_MS)} s`);
    githubRemote.breakDown(durationMs);
  });
}

function troubleHosts({ faults, provider, network, log }: TroubledWorld): void {
  const some = (chance: Chance): readonly [string, Host] | null => {
    const hosts = [...provider.hosts].filter(([, host]) => host.truth().isUp);
    return hosts.length === 0 ? null : chance.pick(hosts);
  };
  const strike = (chance: Chance, what: string, run: (host: Host, id: string) => void): void => {
    const found = some(chance);
    if (found === null) return;
    log.note(what, found[0]);
    run(found[1], found[0]);
  };
  faults.recur<FaultOf<"host.agent-crash">>("host.agent-crash", (_fault, chance) =>
    strike(chance, "the agent crashes", (host) => host.crashAgent()),
  );
  faults.recur<FaultOf<"host.agent-pause">>("host.agent-pause", ({ forMs }, chance) =>
    strike(chance, "the agent stands still", (host) => host.pauseAgent(chance.between(forMs))),
  );
  faults.recur<FaultOf<"host.machine-pause">>("host.machine-pause", ({ forMs }, chance) =>
    strike(chance, "the machine stands still", (host) => host.pauseMachine(chance.between(forMs))),
  );
  faults.recur<FaultOf<"host.dies">>("host.dies", (_fault, chance) =>
    strike(chance, "the machine dies, and nobody says so", (host) => host.end({ by: "fault", kind: "host.dies" })),
  );
  faults.recur<FaultOf<"host.disk-full">>("host.disk-full", ({ forMs }, chance) =>
    strike(chance, "the machine's disk is full", (host) => host.fillDisk(chance.between(forMs))),
  );
  faults.recur<FaultOf<"host.cut-off">>("host.cut-off", ({ from, forMs }, chance) =>
    strike(chance, `the machine is cut off from ${from}`, (_host, id) =>
      network.cutOff(id, from, chance.between(forMs)),
    ),
  );
}

function troubleInstallation(
  { faults, attention, scheduler, database, stepClock, log, judge }: TroubledWorld,
  installation: Installation,
): void {
  faults.recur<FaultOf<"controller.crash">>("controller.crash", (_fault, chance) => {
    attention.interrupt();
    installation.crash(chance.happens(QUERY_CRASH_SHARE) ? chance.whole(CRASH_WITHIN_QUERIES) : null);
  });
  faults.recur<FaultOf<"controller.pause">>("controller.pause", ({ forMs }, chance) => {
    const pauseMs = chance.between(forMs);
    attention.interrupt(pauseMs);
    installation.pause(pauseMs);
  });
  faults.recur<FaultOf<"controller.deploy">>("controller.deploy", () => {
    attention.interrupt();
    installation.deploy();
  });
  faults.recur<FaultOf<"controller.second">>("controller.second", (_fault, chance) =>
    installation.double(chance.between(SECOND_FOR_MS)),
  );
  faults.recur<FaultOf<"controller.replica">>("controller.replica", ({ forMs }, chance) =>
    installation.replicate(chance.between(forMs)),
  );
  faults.recur<FaultOf<"controller.clock-step">>("controller.clock-step", ({ byMs }, chance) => {
    const byOneMs = Math.round(chance.between(byMs));
    attention.interrupt();
    log.note(`the wall clock is set by ${Math.round(byOneMs / SECOND_MS)} s`);
    stepClock(byOneMs);
  });
  for (const { kind, atMs, forMs } of faults.of("controller.down"))
    scheduler.after(atMs, () => {
      faults.count(kind);
      attention.interrupt(forMs[1]);
      installation.shutDown(forMs[1]);
    });
  if (database === null) return;
  for (const { atMs, ageMs } of faults.of("controller.restore"))
    backUpAndRestore({ scheduler, database, installation, faults, attention, judge }, Math.max(0, atMs - ageMs), atMs);
}

function backUpAndRestore(
  world: Pick<TroubledWorld, "scheduler" | "faults" | "attention" | "judge"> & {
    readonly database: WorldDatabase;
    readonly installation: Installation;
  },
  backUpAtMs: number,
  restoreAtMs: number,
): void {
  const { scheduler, database, installation, faults, attention, judge } = world;
  const lagsMs = faults.of("provider.listing-lag").map(({ lagMs: [, maxMs] }) => maxMs);
  const startMs = scheduler.nowMs;
  const backUp = (): void => {
    if (database.isBeingWritten) return void scheduler.after(BACKUP_RETRY_MS, backUp);
    const backup = database.backUp();
    scheduler.at(startMs + restoreAtMs, () => {
      faults.count("controller.restore");
      attention.interrupt();
      judge.storeRestored(Math.max(0, ...lagsMs));
      installation.restore(backup);
    });
  };
  scheduler.at(startMs + backUpAtMs, backUp);
}
