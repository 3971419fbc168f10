/**
 * Holdfast as the world sees it: one process after the other on one database, at one address. It is killed, stands still, is
 * put back to a backup, and for a while there may be two of it.
 */
import type { ControllerId } from "../../domain/ids.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { type ControllerOptions, type RunningController, startController } from "./controller.ts";
import type { Backup, WorldDatabase } from "./database.ts";
import type { EventLog } from "./event-log.ts";
import type { Exchange } from "./host.ts";
import type { Answering } from "./network.ts";
import { WorldProcess } from "./process.ts";
import { requestOf } from "./request.ts";
import type { Scheduler } from "./scheduler.ts";

/** How long a supervisor takes to start it again. */
const RESTART_MS = 3 * SECOND_MS;
/** A process that is asked to stop gets so long. */
const STOP_MS = 10 * SECOND_MS;
/** How long the older of two processes lives on once the younger one is there. */
const OVERLAP_MS = 2 * MINUTE_MS;

export interface InstallationWorld {
  readonly scheduler: Scheduler;
  readonly database: WorldDatabase;
  readonly log: EventLog;
  readonly controllerId: ControllerId;
  /** How far the computer's wall clock is ahead of the world's time. */
  wallOffsetMs(): number;
  /** All that a process needs besides itself. */
  optionsFor(process: WorldProcess): Omit<ControllerOptions, "process" | "isDead" | "openStore">;
}

/** One call that a process has and has not answered. */
interface Open {
  readonly process: WorldProcess;
  readonly fail: () => void;
}

export class Installation implements Answering {
  readonly #world: InstallationWorld;
  readonly #processes = new Map<string, WorldProcess>();
  readonly #open = new Set<Open>();
  /** In the order in which they were ready. */
  #running: readonly RunningController[] = [];
  #startCount = 0;
  #isDown = false;

  constructor(world: InstallationWorld) {
    this.#world = world;
  }

  /** The youngest that is there now, which agents and GitHub reach; null while there is none. */
  get current(): RunningController | null {
    return this.#running.at(-1) ?? null;
  }

  start(): void {
    const { scheduler, log, database } = this.#world;
    this.#startCount += 1;
    const name = `controller-${this.#startCount}`;
    const process = new WorldProcess(name, scheduler, this.#world.wallOffsetMs, () => this.#bury(process));
    this.#processes.set(name, process);
    log.note("a controller starts", name);
    const options = this.#world.optionsFor(process);
    process.deliver(() => {
      startController({
        ...options,
        process,
        isDead: (other) => this.#processes.get(other)?.isDead ?? true,
        openStore: () => database.openStore(process),
      }).then(
        (running) => {
          if (!process.isDead) this.#running = [...this.#running, running];
        },
        (error: unknown) => {
          log.note(`a controller could not start: ${String(error)}`, name);
          process.kill();
        },
      );
    });
  }

  /** It dies between two events, or at one of its next queries. */
  crash(atQuery: number | null): void {
    const process = this.current?.process;
    if (process === undefined) return;
    if (atQuery === null) process.kill();
    else process.killAtQuery(atQuery);
  }

  /** All of its processes die, and none is started for so long. */
  shutDown(forMs: number): void {
    const { log, scheduler } = this.#world;
    log.note(`no controller is there for ${Math.round(forMs / SECOND_MS)} s`);
    this.#isDown = true;
    for (const process of this.#processes.values()) process.kill();
    scheduler.after(forMs, () => {
      this.#isDown = false;
      this.#restart();
    });
  }

  pause(forMs: number): void {
    this.#world.log.note(`the controller stands still for ${Math.round(forMs / SECOND_MS)} s`);
    this.current?.process.pause(forMs);
  }

  /** Stopped in order; the next one starts when it is gone. */
  deploy(): void {
    const running = this.current;
    if (running === null) return;
    const { process } = running;
    this.#world.log.note("a new version is deployed", process.name);
    this.#world.scheduler.after(STOP_MS, () => process.kill());
    process.deliver(() => {
      running.close().then(
        () => process.kill(),
        () => process.kill(),
      );
    });
  }

  /** Another one starts while this one stands still; then both are there for a while. */
  double(forMs: number): void {
    const first = this.current;
    if (first === null) return;
    const { scheduler, log } = this.#world;
    log.note("a second controller starts while the first stands still", first.process.name);
    first.process.pause(forMs);
    this.start();
    scheduler.after(forMs + OVERLAP_MS, () => first.process.kill());
  }

  /** Another one starts beside this one, which goes on with what it holds and is reached by nobody any more. */
  replicate(forMs: number): void {
    const first = this.current;
    if (first === null) return;
    const { scheduler, log } = this.#world;
    log.note("another controller starts beside the first", first.process.name);
    this.start();
    scheduler.after(forMs, () => first.process.kill());
  }

  /** All of its processes die, and the store is what it was. */
  restore(backup: Backup): void {
    this.#world.log.note("the store is restored from a backup");
    for (const process of this.#processes.values()) process.kill();
    this.#world.database.restore(backup);
  }

  receive(
    path: string,
    token: string | null,
    body: object,
    signal: AbortSignal,
    onAnswer: (answer: Exchange) => void,
  ): boolean {
    const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
    const request = { path: `/agent/v1/${path}`, headers, body: JSON.stringify(body), signal };
    return this.#serve(({ agents }) => agents, request, onAnswer);
  }

  /** A webhook. @returns whether somebody took the connection. */
  receiveWebhook(
    headers: Readonly<Record<string, string>>,
    body: string,
    onAnswer: (answer: Exchange) => void,
  ): boolean {
    const request = { path: "/webhooks/github", headers: { ...headers }, body, signal: null };
    return this.#serve(({ webhooks }) => webhooks, request, onAnswer);
  }

  #serve(
    appOf: (running: RunningController) => RunningController["agents"],
    request: {
      readonly path: string;
      readonly headers: Record<string, string>;
      readonly body: string;
      readonly signal: AbortSignal | null;
    },
    onAnswer: (answer: Exchange) => void,
  ): boolean {
    const running = this.current;
    if (running === null) return false;
    const { process } = running;
    const open: Open = { process, fail: () => onAnswer(null) };
    this.#open.add(open);
    const conclude = (answer: Exchange): void => {
      // A process that died meanwhile has been told of already.
      if (!this.#open.delete(open)) return;
      onAnswer(answer);
    };
    process.deliver(() => {
      const { path, headers, body, signal } = request;
      const call = requestOf(`http://holdfast.world${path}`, headers, body, signal);
      answerOf(appOf(running), call).then(conclude, () => conclude(null));
    });
    return true;
  }

  #bury(process: WorldProcess): void {
    const { scheduler, log, database } = this.#world;
    log.note("a controller is dead", process.name);
    this.#running = this.#running.filter((one) => one.process !== process);
    database.abandon(process);
    for (const open of [...this.#open]) {
      if (open.process !== process) continue;
      this.#open.delete(open);
      scheduler.after(0, open.fail);
    }
    scheduler.after(RESTART_MS, () => this.#restart());
  }

  /** Unless another one lives by then. */
  #restart(): void {
    if (!this.#isDown && [...this.#processes.values()].every(({ isDead }) => isDead)) this.start();
  }
}

async function answerOf(app: RunningController["agents"], request: Request): Promise<Exchange> {
  const response = await app.fetch(request);
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : (JSON.parse(text) as unknown) };
}
