/**
 * The hand of the fence: stops one listener, and lets it go again or kills it, as the state machine decides. Before anything
 * is stopped a watchdog is ready to resume it; whatever fails on the way resumes it at once.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { areStopped } from "../domain/host/clean-look.ts";
import type { StartedProcess } from "../domain/host/journal.ts";
import type { FenceLook, FenceSight } from "../domain/host/look.ts";
import type { SeenProcess } from "../domain/host/sight.ts";
import type { TicketId } from "../domain/ids.ts";
import { SECOND_MS } from "../domain/units.ts";
import { type Claim, giveUpKill, makeClaim, readClaim, takeClaim } from "./fence-claim.ts";
import { killStoppedListener, resumeListener, stopListener } from "./listener-signals.ts";
import { isFileError, type Log } from "./log.ts";
import { fencesOf, type Places } from "./places.ts";
import { isAlive, startTimeOf, taskStatesOf } from "./process-table.ts";
import type { System } from "./system.ts";

const WATCHDOG_READY_MS = 5 * SECOND_MS;
/** From when the watchdog is ready to the stop; past it, it may have given up already. */
const STOP_WITHIN_MS = SECOND_MS;
/** All tasks of a listener stop within this, or it goes on. */
const ALL_STOPPED_MS = SECOND_MS;
const STOP_LOOK_INTERVAL_MS = 5;

export interface FenceOptions {
  readonly places: Places;
  readonly log: Log;
  readonly system: System;
  readonly look: (ticketId: TicketId, listener: StartedProcess) => FenceLook;
}

export type Closing =
  | { readonly kind: "closed"; readonly name: string; readonly look: FenceLook }
  /** Nothing is stopped. */
  | { readonly kind: "failed"; readonly why: string };

interface Closed {
  readonly folder: string;
  readonly listener: StartedProcess;
  readonly watchdog: Watchdog;
}

interface Watchdog {
  readonly child: ChildProcess;
  readonly readyAtMs: number;
  hasEnded(): boolean;
}

export class FenceHand {
  readonly #options: FenceOptions;
  #closed: Closed | null = null;
  /** Those of ours that have not ended: a late one must not resume what a later fence stopped. */
  #watchdogCount = 0;

  constructor(options: FenceOptions) {
    this.#options = options;
  }

  async close(ticketId: TicketId, listener: StartedProcess): Promise<Closing> {
    const { places, system } = this.#options;
    if (this.#closed !== null) this.open("resume");
    if (this.#watchdogCount > 0) return { kind: "failed", why: "the watchdog of an earlier fence has not ended" };
    const name = `${ticketId}.${system.token()}`;
    const folder = join(fencesOf(places), name);
    try {
      makeClaim(folder);
      const watchdog = await this.#startWatchdog(folder, listener);
      if (typeof watchdog === "string") return giveUp(folder, watchdog);
      this.#closed = { folder, listener, watchdog };
      const why = await this.#stop(this.#closed);
      if (why === null) return { kind: "closed", name, look: this.#options.look(ticketId, listener) };
      this.open("resume");
      return { kind: "failed", why };
    } catch (error) {
      if (this.#closed !== null) this.open("resume");
      if (!isFileError(error)) throw error;
      return giveUp(folder, `${error.syscall ?? "a file"} failed with ${error.code}`);
    }
  }

  /** What really came of it: whoever loses the claim, and whoever is in doubt, resumes. */
  open(claim: Claim): "killed" | "resumed" {
    const closed = this.#closed;
    this.#closed = null;
    if (closed === null) return "resumed";
    const { folder, listener, watchdog } = closed;
    try {
      const isOurs = claim === "kill" && !watchdog.hasEnded() && takeClaim(folder, "kill");
      // Where this process stood still meanwhile, the watchdog has done it.
      if (isOurs && (killStoppedListener(listener) || !isAlive(listener))) return "killed";
      if (isOurs) giveUpKill(folder);
      // Before the claim: nobody else kills, and an agent that dies in between leaves nothing stopped.
      resumeListener(listener);
      takeClaim(folder, "resume");
      return "resumed";
    } finally {
      // Its pipe closes: it finds everything decided, and ends.
      watchdog.child.stdin?.end();
    }
  }

  /** For a fence whose agent and watchdog are gone, or do not decide. */
  lift(ticketId: TicketId, listener: StartedProcess): void {
    const folders = listFolders(this.#options.places, ticketId);
    for (const folder of typeof folders === "string" ? [] : folders) {
      takeClaim(folder, "resume");
      giveUpKill(folder);
    }
    resumeListener(listener);
  }

  /** @returns why it is not stopped. */
  async #stop({ folder, listener, watchdog }: Closed): Promise<string | null> {
    const { system } = this.#options;
    const isFresh = system.monotonicMs() - watchdog.readyAtMs < STOP_WITHIN_MS;
    // Where this process stood still since, the watchdog has decided already.
    if (!isFresh || watchdog.hasEnded() || readClaim(folder) !== null) return "the watchdog was not there in time";
    if (!stopListener(listener)) return "the listener could not be stopped";
    const sinceMs = system.monotonicMs();
    while (!areStopped(taskStatesOf(listener))) {
      if (system.monotonicMs() - sinceMs >= ALL_STOPPED_MS) return "not every task of the listener stops";
      await system.sleep(STOP_LOOK_INTERVAL_MS);
    }
    return null;
  }

  /** @returns why there is none. */
  async #startWatchdog(folder: string, listener: StartedProcess): Promise<Watchdog | string> {
    const { system, log } = this.#options;
    const program = join(import.meta.dirname, `watchdog${extname(import.meta.filename)}`);
    // Not our environment: it must not carry the machine's mark, by which a job's leftovers are found and killed.
    const child: ChildProcess = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", program, folder, String(listener.pid), listener.startTime],
      { cwd: "/", detached: true, stdio: ["pipe", "pipe", "ignore"], env: { PATH: "/usr/bin:/bin" } },
    );
    const ended = new AbortController();
    child.once("error", () => {
      if (child.pid === undefined) this.#watchdogCount -= 1;
      ended.abort();
    });
    this.#watchdogCount += 1;
    child.once("exit", (code, signal) => {
      const decided = readClaim(folder);
      log.write("the fence's watchdog ended", { code, signal, claim: decided });
      // The kill's is kept for as long as the ticket: it is the proof of what ended the listener.
      if (decided === "resume") removeFolder(folder);
      this.#watchdogCount -= 1;
      ended.abort();
    });
    // A watchdog that was killed does not read its pipe.
    child.stdin?.on("error", () => {});
    child.unref();
    const ready = new AbortController();
    child.stdout?.once("data", () => ready.abort());
    await system.sleep(WATCHDOG_READY_MS, AbortSignal.any([ready.signal, ended.signal]));
    const { pid = 0 } = child;
    const watchdog = { pid, startTime: startTimeOf(pid) ?? "ended" };
    // Looked up, not waited for: its end may not have been heard of yet.
    const hasEnded = () => ended.signal.aborted || !isAlive(watchdog);
    if (ready.signal.aborted && !hasEnded()) return { child, readyAtMs: system.monotonicMs(), hasEnded };
    child.stdin?.end();
    return "the watchdog could not be started";
  }
}

/** Whatever is left of it goes with the ticket. */
function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    if (!isFileError(error)) throw error;
  }
}

function giveUp(folder: string, why: string): Closing {
  takeClaim(folder, "resume");
  return { kind: "failed", why };
}

/**
 * What fences of this ticket say, whoever closed them. A watchdog is known by its fence's folder among its arguments.
 * @param processes null where they could not be read: there may be one.
 */
export function seeFences(
  places: Places,
  ticketId: TicketId,
  listener: StartedProcess | null,
  processes: readonly SeenProcess[] | null,
): FenceSight {
  const listed = listFolders(places, ticketId);
  const folders = typeof listed === "string" ? [] : listed;
  const isWatchdog = (one: SeenProcess) => folders.some((folder) => one.arguments?.includes(folder) === true);
  return {
    isListenerStopped: listener !== null && (taskStatesOf(listener)?.includes("T") ?? false),
    isWatchdogThere: folders.length > 0 && (processes?.some(isWatchdog) ?? true),
    unreadable: typeof listed === "string" ? listed : null,
    killClaims: folders.filter((folder) => readClaim(folder) === "kill").map((folder) => basename(folder)),
  };
}

/** @returns why they cannot be listed, as a text. */
function listFolders(places: Places, ticketId: TicketId): readonly string[] | string {
  try {
    const names = readdirSync(fencesOf(places)).filter((name) => name.startsWith(`${ticketId}.`));
    return names.map((name) => join(fencesOf(places), name));
  } catch (error) {
    if (!isFileError(error)) throw error;
    return error.code === "ENOENT" ? [] : `the fences: ${error.code}`;
  }
}
