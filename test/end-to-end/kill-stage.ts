/** Carries a plan of kills out: waves of jobs, and beside them one lane of kills of the controller and one of agents. */
import { type House, until } from "./house.ts";
import { explainHanging } from "./kill-explain.ts";
import { type Agent, findAgents, isAlive, listLeft, phaseOfMachine } from "./kill-hosts.ts";
import { Ledger } from "./kill-ledger.ts";
import { type Aim, type PlannedJob, type PlannedKill, planBait, type Wave } from "./kill-plan.ts";
import { type Sign, Signs } from "./kill-signs.ts";
import { StoreReader } from "./kill-store.ts";
import { KillTally } from "./kill-tally.ts";

/** A kill waits so long for its share of the jobs to be over, so that the kills go through the whole of a wave. */
const SHARE_PATIENCE_MS = 10_000;
/** What a kill is aimed at comes within this, or it strikes whatever is there. */
const AIM_PATIENCE_MS = 8_000;
/** So long an agent is waited for while there is something to do. */
const AGENT_PATIENCE_MS = 60_000;
/** The agent of the machine that was aimed at may just be starting again. */
const WANTED_PATIENCE_MS = 500;
const DEATH_PATIENCE_MS = 10_000;
/**
 * From the last kill of a wave: a job that was on the wire when a fence closed is late by a minute. A guard against hanging
 * alone, with room for a machine that is several times slower.
 */
const JOBS_PATIENCE_MS = 420_000;
const EMPTY_PATIENCE_MS = 150_000;
const BAITS_MAX = 20;
const BURST_PART = 0.6;
const LOOK_INTERVAL_MS = 20;
const SAMPLE_INTERVAL_MS = 300;

export class KillStage {
  readonly tally = new KillTally();
  readonly ledger: Ledger;
  readonly store: StoreReader;
  readonly #house: House;
  readonly #signs: Signs;
  readonly #sampler: NodeJS.Timeout;
  /** Kills that found no agent. */
  #carried: PlannedKill[] = [];

  constructor(house: House) {
    this.#house = house;
    this.ledger = new Ledger(house);
    this.store = new StoreReader(house.directory);
    this.#signs = new Signs(house);
    this.#sampler = setInterval(() => this.#sample(), SAMPLE_INTERVAL_MS);
  }

  close(): void {
    clearInterval(this.#sampler);
    this.#signs.stop();
    this.ledger.stop();
  }

  async run(waves: readonly Wave[]): Promise<void> {
    await this.#house.start();
    for (const wave of waves) await this.#runWave(wave);
    for (let baitCount = 0; this.#carried.length > 0 && baitCount < BAITS_MAX; baitCount += 1) {
      const kills = this.#takeCarried();
      await this.#runWave({
        jobs: kills.map((_, index) => planBait(baitCount * 1_000 + index)),
        doomed: [],
        flood: kills,
        ebb: [],
      });
    }
    await this.#settle(
      "nothing is unfinished in the store",
      EMPTY_PATIENCE_MS,
      () => this.store.readUnfinished().size === 0,
    );
  }

  async #runWave({ jobs, doomed, flood, ebb }: Wave): Promise<void> {
    const rest: PlannedJob[] = [...jobs];
    const kills = [...this.#takeCarried(), ...flood];
    const release = (count: number) => {
      for (const job of rest.splice(0, count)) this.ledger.queue(job);
    };
    release(Math.ceil(BURST_PART * rest.length));
    const before = this.ledger.overCount;
    const due = (part: number) => this.ledger.overCount - before >= part * jobs.length;
    let openCount = kills.length;
    await this.#runLanes(kills, due, () => {
      // More of them with each kill, so that there is always something to hit.
      release(Math.ceil(rest.length / Math.max(1, openCount)));
      openCount -= 1;
    });
    release(rest.length);
    for (const job of doomed) this.ledger.queue(job);
    await this.#runLanes(
      ebb,
      () => true,
      () => {},
    );
    await this.#settle("every job is over", JOBS_PATIENCE_MS, () => this.ledger.isAllOver());
    await this.#settle("nothing is left", EMPTY_PATIENCE_MS, () => listLeft(this.#house).length === 0);
    this.tally.emptyCount += 1;
  }

  /** @param isDue whether so much of the wave is over. */
  async #runLanes(kills: readonly PlannedKill[], isDue: (part: number) => boolean, onKill: () => void): Promise<void> {
    const run = async (victim: PlannedKill["victim"], strike: (kill: PlannedKill) => Promise<void>) => {
      const own = kills.filter((kill) => kill.victim === victim);
      for (const [index, kill] of own.entries()) {
        await this.#untilDue(() => isDue((index + kill.choice) / (own.length + 1)));
        await strike(kill);
        onKill();
      }
    };
    await Promise.all([
      run("controller", (kill) => this.#runControllerKill(kill)),
      run("agent", (kill) => this.#runAgentKill(kill)),
    ]);
    await this.#house.untilReady();
  }

  async #untilDue(isDue: () => boolean): Promise<void> {
    const sinceMs = performance.now();
    while (!isDue() && performance.now() - sinceMs < SHARE_PATIENCE_MS) await pause(LOOK_INTERVAL_MS);
  }

  async #runControllerKill(kill: PlannedKill): Promise<void> {
    const house = this.#house;
    let sign: Sign | null = null;
    if (kill.aim !== "start") {
      await house.untilReady();
      sign = await this.#aim(kill.aim);
    }
    await pause(kill.delayMs);
    if (kill.way === "kill") await house.kill();
    else house.signal("SIGSTOP");
    const isAimed = kill.aim === "start" || kill.aim === "any" || sign !== null;
    const cut = kill.aim === "start" ? ["its own start"] : [];
    this.tally.add({ kill, isAimed, cut: [...cut, ...this.store.readUnfinished().keys()] });
    await pause(kill.awayMs);
    if (kill.way === "pause") return house.signal("SIGCONT");
    house.spawn();
    this.tally.restartCount += 1;
  }

  async #runAgentKill(kill: PlannedKill): Promise<void> {
    const sign = await this.#aim(kill.aim);
    await pause(kill.delayMs);
    const killed = await this.#killAgent(kill, sign);
    if (killed === null) this.#carried.push(kill);
    else this.tally.add({ kill, isAimed: killed.isWanted, cut: [killed.phase] });
  }

  /** @returns null where there is no agent, and nothing to come for which there would be one. */
  async #killAgent(kill: PlannedKill, sign: Sign | null): Promise<{ phase: string; isWanted: boolean } | null> {
    const wantedId = this.#machineOf(sign);
    const sinceMs = performance.now();
    while (performance.now() - sinceMs < AGENT_PATIENCE_MS) {
      const agents = findAgents(this.#house);
      const wanted = agents.find(({ machineId }) => machineId === wantedId);
      const isPatient = wantedId !== null && performance.now() - sinceMs < WANTED_PATIENCE_MS;
      const agent = wanted ?? (isPatient ? undefined : agents[Math.floor(kill.choice * agents.length)]);
      if (agent !== undefined) {
        const phase = phaseOfMachine(this.#house, agent.machineId);
        const isKilled = await this.#strike(agent, kill);
        if (isKilled) return { phase, isWanted: kill.aim === "any" || agent === wanted };
      }
      if (this.ledger.isAllOver() && listLeft(this.#house).length === 0) return null;
      await pause(LOOK_INTERVAL_MS);
    }
    return null;
  }

  /** @returns false where it ended by itself, as its machine was. */
  async #strike({ pid }: Agent, { way, awayMs }: PlannedKill): Promise<boolean> {
    if (!signal(pid, way === "kill" ? "SIGKILL" : "SIGSTOP")) return false;
    if (way === "kill")
      await until(
        () => !isAlive(pid),
        DEATH_PATIENCE_MS,
        () => `agent ${pid} survives SIGKILL`,
      );
    else {
      await pause(awayMs);
      signal(pid, "SIGCONT");
    }
    return true;
  }

  #machineOf(sign: Sign | null): string | null {
    if (sign === null || sign.machineId !== null) return sign?.machineId ?? null;
    return sign.runnerName === null ? null : this.store.machineOfRunner(sign.runnerName);
  }

  #aim(aim: Aim): Promise<Sign | null> {
    return aim === "any" ? Promise.resolve(null) : this.#signs.next(aim, AIM_PATIENCE_MS);
  }

  #takeCarried(): PlannedKill[] {
    const kills = this.#carried;
    this.#carried = [];
    return kills;
  }

  #sample(): void {
    const { tally } = this;
    tally.mostMachines = Math.max(
      tally.mostMachines,
      new Set(this.#house.processes().map((one) => one.machineId)).size,
    );
  }

  async #settle(what: string, timeoutMs: number, isTrue: () => boolean): Promise<void> {
    try {
      await until(isTrue, timeoutMs, () => what);
    } catch (error) {
      const why = await explainHanging(this.#house, this.store);
      throw new Error(
        `${String(error)}

${why}

${this.tally.table()}`,
        { cause: error },
      );
    }
  }
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
