/** An agent's looks at its machine (`src/agent/lookout.ts`), judged by the product's own functions. */
import type { StartedProcess } from "../../domain/host/journal.ts";
import type { FenceLook, FenceSight, Look } from "../../domain/host/look.ts";
import { sightMotion } from "../../domain/host/motion.ts";
import { type Belongings, findListener, lineageOf, type SeenProcess, sightRunner } from "../../domain/host/sight.ts";
import type { HeldTicket } from "../../domain/host/state.ts";
import type { TicketId } from "../../domain/ids.ts";
import type { FenceFolders } from "./fence-folders.ts";
import type { Machine } from "./machine.ts";
import { FilesReader, type RunnerFiles } from "./runner-files.ts";

export const ROOTS_DIRECTORY = "/holdfast/roots";

export interface LookoutParts {
  readonly machine: Machine;
  readonly mark: string;
  readonly folders: FenceFolders;
  /** The roots of tickets, by their ids. */
  readonly roots: ReadonlyMap<TicketId, RunnerFiles>;
  readonly agentPid: number;
}

export class Lookout {
  readonly #parts: LookoutParts;
  #reader: { readonly ticketId: TicketId; readonly files: RunnerFiles | null; readonly reader: FilesReader } | null =
    null;

  constructor(parts: LookoutParts) {
    this.#parts = parts;
  }

  /** When the ticket's root goes. */
  forgetFiles(): void {
    this.#reader = null;
  }

  belongings(started: StartedProcess | null): Belongings {
    return { mark: this.#parts.mark, rootsDirectory: ROOTS_DIRECTORY, started };
  }

  spared(processes: readonly SeenProcess[]): ReadonlySet<number> {
    return lineageOf(this.#parts.agentPid, processes);
  }

  look(held: HeldTicket | null, { withMotion }: { readonly withMotion: boolean }): Look {
    const { machine, roots } = this.#parts;
    const started = startedOf(held);
    const ours = this.belongings(started);
    const seen = machine.processes.see();
    const processes = sightRunner(seen, ours);
    if (held === null) return { ticketId: null, processes, files: null, fence: null, listener: null, motion: null };
    const sizes = roots.get(held.id)?.sizes() ?? [];
    return {
      ticketId: held.id,
      processes,
      files: this.#readerOf(held.id).look(),
      fence: this.#seeFences(held.id, started),
      listener: findListener(seen, ours, held.id),
      motion: withMotion ? sightMotion(seen, ours, this.spared(seen), sizes) : null,
    };
  }

  /** Behind a closed fence: the tasks are read before everything else and again after it. */
  lookBehindFence(ticketId: TicketId, listener: StartedProcess): FenceLook {
    const { machine } = this.#parts;
    const tasks = machine.processes.find(listener)?.taskStates() ?? null;
    const seen = machine.processes.see();
    return {
      listenerTasks: tasks === null ? null : [...tasks, ...tasks],
      childCount: seen.filter(({ parentPid }) => parentPid === listener.pid).length,
      processes: sightRunner(seen, this.belongings(listener)),
      files: this.#readerOf(ticketId).look(),
      hasRoom: machine.hasRoom,
    };
  }

  #seeFences(ticketId: TicketId, listener: StartedProcess | null): FenceSight {
    const { machine, folders } = this.#parts;
    const names = folders.of(ticketId);
    const tasks = listener === null ? null : (machine.processes.find(listener)?.taskStates() ?? null);
    const isWatchdogThere =
      names.length > 0 && machine.processes.all().some((one) => names.some((name) => one.arguments.includes(name)));
    return {
      isListenerStopped: tasks?.includes("T") ?? false,
      isWatchdogThere,
      unreadable: null,
      killClaims: names.filter((name) => folders.read(name) === "kill"),
    };
  }

  #readerOf(ticketId: TicketId): FilesReader {
    const files = this.#parts.roots.get(ticketId) ?? null;
    if (this.#reader?.ticketId !== ticketId || this.#reader.files !== files)
      this.#reader = { ticketId, files, reader: new FilesReader(files) };
    return this.#reader.reader;
  }
}

function startedOf(held: HeldTicket | null): StartedProcess | null {
  const run = held?.run;
  return run?.kind === "own" || run?.kind === "taken-over" ? run.process : null;
}
