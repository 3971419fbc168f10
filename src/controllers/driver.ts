/**
 * Runs each controller on its period and on a wake, one activation at a time. A controller takes no input: a wake only
 * brings its next activation forward. One that fails is logged, counted and tried again at its next period.
 */
import { ERRORS, HoldfastError } from "../domain/errors.ts";
import type { ConnectionName, MachineId, PoolName } from "../domain/ids.ts";
import { SECOND_MS } from "../domain/units.ts";
import type { Clock } from "../ports/clock.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import type { ControllerName, Wake } from "../ports/wake.ts";

export interface Controller {
  readonly name: ControllerName | "tenure";
  /** Null for one that serves all pools. */
  readonly pool: PoolName | null;
  /** Of one that serves a connection. */
  readonly connection?: ConnectionName;
  readonly periodMs: number;
  /**
   * At least so long after a pass until the next, however often it is woken: wakes that come together are one pass. None
   * where it is left out.
   */
  readonly restMs?: number;
  /**
   * A stop lets it go on until all others have ended, because something rests on it while they wait for their calls. Not where
   * it is left out.
   */
  readonly isLastToStop?: boolean;
  /** Idempotent; goes on past one bad item. */
  run(): Promise<void>;
}

export interface ControllerHealth {
  readonly name: string;
  readonly pool: PoolName | null;
  readonly connection: ConnectionName | null;
  readonly periodMs: number;
  readonly lastRunAtMs: number | null;
  readonly lastError: string | null;
}

interface Activation {
  readonly controller: Controller;
  isWoken: boolean;
  /** When it was first woken since its last pass began: monotonic. */
  wokenAtMs: number;
  wakeUp: AbortController;
  readonly stopping: AbortController;
  lastRunAtMs: number | null;
  lastError: string | null;
}

export class Driver implements Wake {
  readonly #clock: Clock;
  readonly #telemetry: Telemetry;
  readonly #onMachine: (machineId: MachineId) => void;
  readonly #activations = new Map<string, Activation>();
  /** When each pass that is under way began, by its controller's name, in that order. */
  readonly #underWay = new Map<Controller["name"], Map<Activation, number>>();
  readonly #loops = new Map<Activation, Promise<void>>();

  constructor(clock: Clock, telemetry: Telemetry, onMachine: (machineId: MachineId) => void) {
    this.#clock = clock;
    this.#telemetry = telemetry;
    this.#onMachine = onMachine;
  }

  start(controllers: readonly Controller[]): void {
    for (const controller of controllers) {
      const activation: Activation = {
        controller,
        isWoken: true,
        wokenAtMs: this.#clock.monotonicMs(),
        wakeUp: new AbortController(),
        stopping: new AbortController(),
        lastRunAtMs: null,
        lastError: null,
      };
      this.#activations.set(keyOf(controller.name, controller.pool ?? controller.connection ?? null), activation);
      this.#loops.set(activation, this.#loop(activation));
    }
  }

  controller(name: ControllerName, pool: PoolName | null): void {
    this.#wake(keyOf(name, pool));
  }

  /** Wakes every controller of a pool. */
  pool(pool: PoolName): void {
    for (const { controller } of this.#activations.values())
      if (controller.pool === pool) this.#wake(keyOf(controller.name, pool));
  }

  /** Wakes every controller of a connection. */
  connection(connection: ConnectionName): void {
    for (const { controller } of this.#activations.values())
      if (controller.connection === connection) this.#wake(keyOf(controller.name, connection));
  }

  machine(machineId: MachineId): void {
    this.#onMachine(machineId);
  }

  health(): readonly ControllerHealth[] {
    return [...this.#activations.values()].map(({ controller, lastRunAtMs, lastError }) => ({
      name: controller.name,
      pool: controller.pool,
      connection: controller.connection ?? null,
      periodMs: controller.periodMs,
      lastRunAtMs,
      lastError,
    }));
  }

  /** Lets every running activation end; starts no other. */
  async stop(): Promise<void> {
    for (const isLast of [false, true]) await this.#end(({ isLastToStop = false }) => isLastToStop === isLast);
  }

  async #end(which: (controller: Controller) => boolean): Promise<void> {
    const ending = [...this.#loops].filter(([{ controller }]) => which(controller));
    for (const [activation] of ending) {
      activation.stopping.abort(WOKEN);
      activation.wakeUp.abort(WOKEN);
    }
    await Promise.all(ending.map(([, loop]) => loop));
  }

  #wake(key: string): void {
    const activation = this.#activations.get(key);
    if (activation === undefined) return;
    // One that runs, or rests, knows of it already.
    if (activation.isWoken) return;
    activation.isWoken = true;
    activation.wokenAtMs = this.#clock.monotonicMs();
    activation.wakeUp.abort(WOKEN);
  }

  async #loop(activation: Activation): Promise<void> {
    const { periodMs, restMs = 0 } = activation.controller;
    const stopping = activation.stopping.signal;
    let dueAtMs = activation.wokenAtMs;
    while (!stopping.aborted) {
      const lagMs = Math.max(0, this.#clock.monotonicMs() - dueAtMs);
      this.#telemetry.measure("holdfast_pass_lag_seconds", lagMs, { controller: activation.controller.name });
      activation.isWoken = false;
      activation.wakeUp = new AbortController();
      await this.#activate(activation);
      const endedAtMs = this.#clock.monotonicMs();
      const restedAtMs = endedAtMs + restMs;
      if (!activation.isWoken && !stopping.aborted) await this.#clock.sleep(periodMs, activation.wakeUp.signal);
      const leftMs = restedAtMs - this.#clock.monotonicMs();
      if (leftMs > 0 && !stopping.aborted) await this.#clock.sleep(leftMs, stopping);
      dueAtMs = activation.isWoken ? activation.wokenAtMs : endedAtMs + Math.max(periodMs, restMs);
    }
  }

  async #run(activation: Activation): Promise<void> {
    const { controller } = activation;
    const { name } = controller;
    const beganAtMs = this.#clock.monotonicMs();
    const underWay = this.#underWay.get(name) ?? new Map<Activation, number>();
    this.#underWay.set(name, underWay.set(activation, this.#clock.nowMs()));
    this.#showOldest(name);
    try {
      await controller.run();
    } catch (error) {
      this.#telemetry.error("a controller's pass failed; it is tried again", error, {
        controller: name,
        pool: controller.pool,
        connection: controller.connection,
      });
      throw error;
    } finally {
      underWay.delete(activation);
      this.#showOldest(name);
      this.#telemetry.measure("holdfast_pass_seconds", this.#clock.monotonicMs() - beganAtMs, { controller: name });
    }
  }

  /** A pass that never ends cannot tell so itself: its beginning stays there, and whoever reads it sees its age. */
  #showOldest(name: Controller["name"]): void {
    const [beganAtMs = 0] = this.#underWay.get(name)?.values() ?? [];
    this.#telemetry.gauge("holdfast_pass_began_timestamp_seconds", beganAtMs / SECOND_MS, { controller: name });
  }

  async #activate(activation: Activation): Promise<void> {
    const { controller } = activation;
    const { name, pool, connection } = controller;
    try {
      await this.#telemetry.trace("pass", name, { pool, connection }, () => this.#run(activation));
      activation.lastError = null;
    } catch (error) {
      activation.lastError = describeError(error);
      this.#telemetry.count("holdfast_controller_failures_total", { controller: name });
      // A failing controller that is woken all the time must not spin.
      await this.#clock.sleep(FAILURE_PAUSE_MS);
    } finally {
      activation.lastRunAtMs = this.#clock.nowMs();
    }
  }
}

const FAILURE_PAUSE_MS = 500;
/** Given with each wake: without one a new error, with its stack, would be made each time. */
const WOKEN = "woken";

function describeError(error: unknown): string {
  if (error instanceof HoldfastError) return `${error.message}: ${ERRORS[error.code].sentence}`;
  return error instanceof Error ? error.message : String(error);
}

function keyOf(name: string, of: string | null): string {
  return `${name}/${of ?? ""}`;
}
