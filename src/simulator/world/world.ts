/** Puts one world together: GitHub, a provider, machines, the network, the system under test, its troubles and the judge. */
import { type ControllerId, type MachineId, parseConnectionName, parseControllerId } from "../../domain/ids.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import { SECOND_MS } from "../../domain/units.ts";
import { readExplanation } from "../../http/operators/read-explanation.ts";
import { makeFleet } from "../baselines/make-fleet.ts";
import { createGitHub } from "../github/create.ts";
import { createSeededIds } from "../github/ids.ts";
import { ensureRepository } from "../github/repositories.ts";
import { makeAgentHost } from "../host/agent-host.ts";
import { makeBareHost } from "../host/bare-host.ts";
import { Disk } from "../host/disk.ts";
import { type AdapterPorts, makeProvider } from "../provider/make-provider.ts";
import type { ProviderModelWorld } from "../provider/provider-world.ts";
import { PLAIN_GROUP } from "../scenario/group-plan.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { Fleet } from "./algorithm.ts";
import { Attention } from "./attention.ts";
import { Chance, randomOf } from "./chance.ts";
import { WorldDatabase } from "./database.ts";
import { EventLog, type WorldEvent } from "./event-log.ts";
import { Faults } from "./faults.ts";
import { ForeignRunners } from "./foreign-runners.ts";
import { findUnfindable, nameOfRow } from "./forgotten.ts";
import { createGitHubPort, GITHUB_FAILURES } from "./github-port.ts";
import { GitHubWorld } from "./github-world.ts";
import type { AgentBirth, Host, HostWorld, JobFate, RunnerFate } from "./host.ts";
import { instanceAuthority, signIdentity } from "./identities.ts";
import { Installation } from "./installation.ts";
import { Judge } from "./judge.ts";
import { Lies } from "./lies.ts";
import { loseRowLater } from "./lost-rows.ts";
import { Network } from "./network.ts";
import type { WorldProcess } from "./process.ts";
import type { ProviderModel } from "./provider.ts";
import { lineOf, PROVIDER_FAILURES } from "./provider-port.ts";
import { Remote } from "./remote.ts";
import { Scheduler } from "./scheduler.ts";
import { createWorldTelemetry, type WorldFigures, type WorldTelemetry } from "./telemetry.ts";
import { Webhooks } from "./webhooks.ts";
import { Workload } from "./workload.ts";

const CONTROLLER_ID = parseControllerId("world");
/** How long a host's runner that is fated to end without a job lives. */
const EXIT_AFTER_MS = [500, 30 * SECOND_MS] as const;
/** 1: it failed; 2: a passing failure; 3 and 4: to update itself; 7: the session was somebody else's. */
const EXIT_CODES = [1, 2, 3, 4, 7] as const;
const FATE_WITHIN_MS = [SECOND_MS, 600 * SECOND_MS] as const;
/** Those of others in each organization, by how their names begin: one is of a Holdfast whose id begins with ours. */
const FOREIGN_PREFIXES = ["gha-other-", "gha-other-", `hf-${CONTROLLER_ID}-two-`] as const;

export interface World {
  readonly scenario: Scenario;
  readonly scheduler: Scheduler;
  readonly log: EventLog;
  readonly chance: Chance;
  readonly faults: Faults;
  readonly attention: Attention;
  readonly github: GitHubWorld;
  readonly githubRemote: Remote;
  readonly providerRemote: Remote;
  readonly provider: ProviderModel;
  readonly network: Network;
  readonly workload: Workload;
  readonly judge: Judge;
  readonly webhooks: Webhooks;
  readonly telemetry: WorldTelemetry;
  /** Null where a baseline runs the fleet. */
  readonly installation: Installation | null;
  readonly database: WorldDatabase | null;
  readonly fleet: Fleet | null;
  /** By the provider's ids. */
  readonly machineIds: ReadonlyMap<string, MachineId>;
  isOurs(runnerName: string): boolean;
  stepClock(byMs: number): void;
}

export interface WorldMeans extends AdapterPorts {
  readonly figures?: WorldFigures | null;
}

/** @param seed determines, with the scenario, everything that happens. */
export function createWorld(
  scenario: Scenario,
  seed: number,
  onEvent: ((event: WorldEvent) => void) | null,
  { figures = null, ...adapters }: WorldMeans = {},
): World {
  const scheduler = new Scheduler(scenario.startMs);
  const chance = new Chance(seed).fork(scenario.name);
  const log = new EventLog(scenario.startMs, () => scheduler.nowMs, onEvent);
  const faults = new Faults(scenario.faults, chance.fork("faults"), scheduler, scenario.faultsEndMs ?? Infinity);
  const foundation = { scenario, scheduler, chance, log, faults };
  const isHoldfast = scenario.algorithm === "holdfast";
  const known = new Map<string, MachineId>();
  const late: { world: World | null } = { world: null };
  const get = (): World => {
    if (late.world === null) throw new Error("the world is not whole yet");
    return late.world;
  };
  const { github, foreign } = createGitHubSide(foundation, seed);
  // By who registered it, and never by the product's own reading of names: a guard that is broken there must show here.
  const isOurs = (name: string) => !foreign.owns(name);
  const githubRemote = new Remote("github", scheduler, faults, chance.fork("github-calls"), GITHUB_FAILURES);
  const providerRemote = new Remote("provider", scheduler, faults, chance.fork("provider-calls"), PROVIDER_FAILURES);
  const workload = new Workload({ ...foundation, chance: chance.fork("workload"), github, foreign });
  const judge = createJudge(foundation, github, workload, isOurs, known, get);
  const telemetry = createWorldTelemetry(
    (message) => judge.violate("I6", `an invariant of its own broke: ${message}`, {}),
    figures,
  );
  const network = new Network(scheduler, chance.fork("network"), {
    receive: (...call) => get().installation?.receive(...call) ?? false,
  });
  const hostWorld = hostWorldOf(foundation, { github, workload, judge, network });
  const model = providerWorldOf(foundation, judge, makeHosts(hostWorld, known));
  const provider = makeProvider(scenario.provider, model, adapters);
  let wallOffsetMs = 0;
  const base = {
    ...foundation,
    attention: new Attention(scheduler),
    github,
    githubRemote,
    providerRemote,
    provider,
    network,
    workload,
    judge,
    telemetry,
    machineIds: known,
    isOurs,
    stepClock: (byMs: number) => {
      wallOffsetMs += byMs;
    },
  };
  const side = isHoldfast ? createOurSide(base, () => wallOffsetMs) : createBaselineSide(base, hostWorld);
  const webhooks = new Webhooks({ ...base, ...side });
  const world: World = { ...base, ...side, webhooks };
  late.world = world;
  return world;
}

function providerWorldOf(
  { scenario, scheduler, chance, log, faults }: Foundation,
  judge: Judge,
  makeAgentHost: ProviderModelWorld["makeAgentHost"],
): ProviderModelWorld {
  return {
    scheduler,
    log,
    faults: scenario.faults,
    chance: chance.fork("provider"),
    witness: judge,
    isFaulty: () => faults.isOn,
    bootMs: scenario.bootMs,
    pools: scenario.pools,
    group: scenario.group ?? PLAIN_GROUP,
    runnerVersion: RUNNER_VERSION,
    makeAgentHost,
    signIdentity: (providerId) => signIdentity(providerId, scheduler.nowMs),
    standbyPools: new Set(scenario.pools.filter((pool) => pool.warmStoppedCount > 0).map(({ name }) => name)),
  };
}

/** Each boot of a machine draws from a stream of its own, and all of them have one disk. */
function makeHosts(world: HostWorld, known: Map<string, MachineId>): (birth: AgentBirth) => Host {
  const disks = new Map<string, { readonly disk: Disk; bootCount: number }>();
  return (birth) => {
    const { providerId, machineId } = birth;
    known.set(providerId, machineId);
    const before = disks.get(providerId);
    const { disk, bootCount } = before ?? { disk: new Disk(), bootCount: 0 };
    disks.set(providerId, { disk: before === undefined ? disk : disk.reboot(), bootCount: bootCount + 1 });
    const stream = bootCount === 0 ? `host/${providerId}` : `host/${providerId}/${bootCount}`;
    return makeAgentHost(birth, { ...world, chance: world.chance.fork(stream) }, { heartbeatMs: HEARTBEAT_MS }, disk);
  };
}

/** Half as often as in life, and well inside the minute in which an agent must be heard. */
const HEARTBEAT_MS = 30 * SECOND_MS;
const RUNNER_VERSION = "2.336.0";

type Foundation = Pick<World, "scenario" | "scheduler" | "chance" | "log" | "faults">;

function createGitHubSide({ scenario, scheduler, chance }: Foundation, seed: number) {
  const choice: { foreign: ForeignRunners | null } = { foreign: null };
  const state = createGitHub({
    ids: createSeededIds(seed),
    // Nobody measured what a listener may still acquire: the answer under which a DELETE can kill.
    isAcquireAllowedAfterDelete: true,
    chooseRunner: (candidates, job) => {
      const [first] = candidates;
      if (first === undefined) throw new Error("choosing a runner without candidates");
      return choice.foreign?.choose(candidates, job) ?? first;
    },
  });
  const github = new GitHubWorld(state, scheduler);
  const foreign = new ForeignRunners(github, scheduler, chance.fork("foreign"));
  choice.foreign = foreign;
  const { jobs, arrivals } = scenario.workload;
  for (const name of [...jobs.map(({ repository }) => repository), ...(arrivals?.repositories ?? [])])
    ensureRepository(state, name);
  for (const { scope } of scenario.pools)
    if (scope.kind === "organization")
      for (const prefix of FOREIGN_PREFIXES) foreign.register(scope.organization, prefix);
  return { github, foreign };
}

function createJudge(
  { scheduler, log, scenario, faults, chance }: Foundation,
  github: GitHubWorld,
  workload: Workload,
  isOurs: (name: string) => boolean,
  machineIds: ReadonlyMap<string, MachineId>,
  get: () => World,
): Judge {
  const lies = new Lies(github, scheduler, chance.fork("lies"), workload);
  return new Judge({
    scheduler,
    log,
    github: github.state,
    startMs: scenario.startMs,
    jobName: (id) => workload.nameOf(id),
    isOurs,
    hosts: () => [...get().provider.hosts.values()].map((host) => host.truth()),
    hostCount: () => get().provider.hosts.size + get().provider.stoppedIds.length,
    unfindable: () => [...findUnfindable(get()), ...get().provider.deniedIds, ...(get().provider.extraIds ?? [])],
    hostCountMax: scenario.pools.reduce((sum, pool) => sum + pool.machineCountMax, 0),
    forcedAfterMs: Math.min(...scenario.pools.map(({ deadlines }) => deadlines.unknownMs)),
    machineName: (providerId) => {
      const { installation, database } = get();
      const adoptedAs = installation?.current == null ? null : nameOfRow({ database }, providerId);
      return adoptedAs ?? machineIds.get(providerId) ?? providerId;
    },
    explain: (subject, tell) => explain(get(), subject, tell),
    onAcquired: (jobId) => {
      lies.noteAcquired(jobId);
      loseRowLater(get(), jobId);
    },
    onFinished: (jobId, runner) => {
      if (runner !== undefined) lies.noteFinished(jobId, runner);
    },
    onFault: (kind) => faults.count(kind as Parameters<Faults["count"]>[0]),
  });
}

/** As `holdfast explain` would say it now; nothing where nobody is there to be asked. */
function explain(world: World, subject: string, tell: (sentences: readonly string[]) => void): void {
  const running = world.installation?.current ?? null;
  if (running === null) return;
  world.scheduler.after(0, () =>
    running.process.deliver(() => {
      readExplanation(running.sources, subject).then(
        (answer) => {
          if (answer === null) return;
          tell([
            ...answer.verdict.sentences,
            ...answer.timeline.map(({ at, source, fact }) => `${at} ${source}: ${fact}`),
          ]);
        },
        () => {},
      );
    }),
  );
}

interface HostSide {
  readonly github: GitHubWorld;
  readonly workload: Workload;
  readonly judge: Judge;
  readonly network: Network;
}

function hostWorldOf({ scheduler, chance, log, faults }: Foundation, side: HostSide): HostWorld {
  const { github, workload, judge, network } = side;
  const fates = chance.fork("fates");
  return {
    scheduler,
    chance,
    github,
    log,
    witness: judge,
    line: network,
    controllerId: CONTROLLER_ID,
    reachesGitHub: (providerId) => network.reaches(providerId, "github"),
    drawRunnerFate: () => drawRunnerFate(faults, fates),
    drawJobFate: () => drawJobFate(faults, fates),
    jobDurationMs: (jobId) => workload.durationMs(jobId),
    refusesAcquire: (jobId) => workload.strikes("github.acquire-refused", jobId) !== null,
    noteFenceBeginning: (runnerId) => workload.sendBeforeFence(runnerId),
    noteFenceClosing: (runnerId) => workload.sendIntoFence(runnerId),
    runnerVersion: RUNNER_VERSION,
  };
}

function drawRunnerFate(faults: Faults, chance: Chance): RunnerFate {
  if (faults.strikes("host.runner-never-online", ({ perTicket }) => perTicket) !== null)
    return { kind: "never-online" };
  if (faults.strikes("host.runner-exits", ({ perTicket }) => perTicket) === null) return { kind: "well" };
  return { kind: "exits", code: chance.pick(EXIT_CODES), afterMs: chance.between(EXIT_AFTER_MS) };
}

function drawJobFate(faults: Faults, chance: Chance): JobFate {
  const afterMs = chance.between(FATE_WITHIN_MS);
  if (faults.strikes("host.runner-dies", ({ perJob }) => perJob) !== null) return { kind: "dies", afterMs };
  if (faults.strikes("host.runner-hangs", ({ perJob }) => perJob) !== null) return { kind: "hangs", afterMs };
  if (faults.strikes("host.orphan-worker", ({ perJob }) => perJob) !== null) return { kind: "orphan", afterMs };
  return { kind: "well" };
}

type Base = Omit<World, "installation" | "database" | "fleet" | "webhooks">;
type Side = Pick<World, "installation" | "database" | "fleet">;

function createOurSide(base: Base, wallOffsetMs: () => number): Side {
  const { scheduler, faults, chance, log } = base;
  const database = new WorldDatabase(scheduler, {
    delayMs: () => {
      const slow = faults.strikes("controller.slow-store", ({ probability }) => probability);
      return slow === null ? 0 : chance.between(slow.delayMs);
    },
  });
  const installation = new Installation({
    scheduler,
    database,
    log,
    controllerId: CONTROLLER_ID,
    wallOffsetMs,
    optionsFor: (process) => optionsFor(base, process),
  });
  return { installation, database, fleet: null };
}

function optionsFor(base: Base, process: WorldProcess) {
  const { scenario, scheduler, faults, github, githubRemote, providerRemote, provider, judge, telemetry, chance } =
    base;
  const connection = parseConnectionName(scenario.pools[0]?.connection ?? "main");
  const ports = createGitHubPort({
    github,
    remote: githubRemote,
    process,
    faults,
    connection,
    nowMs: () => scheduler.nowMs,
    onDelete: (runner, proof) => judge.registrationDeleted(runner, proof),
  });
  return {
    controllerId: CONTROLLER_ID satisfies ControllerId,
    connection,
    pools: scenario.group?.scaling === "external" ? scenario.pools.map(sizedByOthers) : scenario.pools,
    ...ports,
    telemetry,
    chance: chance.fork(process.name),
    pace: scenario.pace,
    authorities: scenario.provider === "ec2" || scenario.provider === "asg" ? [instanceAuthority()] : [],
    provider: (pool: (typeof scenario.pools)[number]["name"]) =>
      provider.forPool(CONTROLLER_ID, pool, {
        nowMs: process.clock.nowMs,
        line: lineOf(providerRemote, process),
        process: {
          clock: process.clock,
          random: randomOf(chance.fork(`provider/${process.name}`)),
          deliver: (run) => process.deliver(run),
          isDead: () => process.isDead,
        },
      }),
  };
}

function sizedByOthers(pool: PoolPolicy): PoolPolicy {
  return { ...pool, sizing: "external" };
}

function createBaselineSide(base: Base, hostWorld: HostWorld): Side {
  const { scenario, scheduler, chance, github, provider, log, githubRemote, providerRemote } = base;
  if (scenario.algorithm === "holdfast") throw new Error("Holdfast is no baseline");
  const fleet = makeFleet(scenario.algorithm, {
    scenario,
    scheduler,
    chance: chance.fork("fleet"),
    github,
    provider,
    log,
    makeBareHost: (birth) => makeBareHost(birth, { ...hostWorld, chance: chance.fork(`host/${birth.providerId}`) }),
    call: (to, operation, effect, onAnswer) =>
      (to === "github" ? githubRemote : providerRemote).send(operation, effect, (outcome) =>
        onAnswer(outcome.kind === "answered" ? outcome.answer : null),
      ),
    cause: (what) => ({ by: "controller", proof: what }),
  });
  return { installation: null, database: null, fleet };
}
