/** Looks at the machine: at the processes, then at the files of the held ticket's runner, as far as they have grown. */
import { join } from "node:path";
import type { StartedProcess } from "../domain/host/journal.ts";
import type { FenceLook, FilesSight, Look } from "../domain/host/look.ts";
import { type MotionSight, sightMotion } from "../domain/host/motion.ts";
import {
  type Belongings,
  findListener,
  lineageOf,
  type ProcessSight,
  type SeenProcess,
  sightRunner,
} from "../domain/host/sight.ts";
import type { HeldTicket } from "../domain/host/state.ts";
import type { TicketId } from "../domain/ids.ts";
import { seeFences } from "./fence.ts";
import { readLogSizes } from "./log-sizes.ts";
import { type Places, perfOf, rootOf } from "./places.ts";
import { readProcessTable, taskStatesOf } from "./process-table.ts";
import { hasRoom } from "./room.ts";
import { RunnerFiles } from "./runner-files.ts";

const SCANS_MAX = 4;

interface Scan {
  readonly table: ReturnType<typeof readProcessTable>;
  readonly processes: ProcessSight;
}

export class Lookout {
  readonly #places: Places;
  readonly #mark: string;
  #files: { readonly ticketId: TicketId; readonly files: RunnerFiles } | null = null;

  constructor(places: Places, mark: string) {
    this.#places = places;
    this.#mark = mark;
  }

  /** When the ticket's root goes. */
  forgetFiles(): void {
    this.#files = null;
  }

  belongings(started: StartedProcess | null): Belongings {
    return { mark: this.#mark, rootsDirectory: this.#places.rootsDirectory, started };
  }

  look(held: HeldTicket | null, { withMotion }: { readonly withMotion: boolean }): Look {
    const started = startedOf(held);
    const { table, processes } = this.#scan(started);
    if (held === null) return { ticketId: null, processes, files: null, fence: null, listener: null, motion: null };
    const known = table.kind === "unknown" ? null : table.processes;
    const fence = seeFences(this.#places, held.id, started, known);
    // After the processes: what a runner that is gone wrote is then all there.
    const motion = withMotion ? this.#seeMotion(held.id, started) : null;
    const listener = known === null ? null : findListener(known, this.belongings(started), held.id);
    return { ticketId: held.id, processes, files: this.#readFiles(held.id), fence, listener, motion };
  }

  /** Behind a closed fence. The tasks are read before everything else and again after it. */
  lookBehindFence(ticketId: TicketId, listener: StartedProcess): FenceLook {
    const before = taskStatesOf(listener);
    const { table, processes } = this.#scan(listener);
    const files = this.#readFiles(ticketId);
    const folders = [perfOf(this.#places, ticketId), join(rootOf(this.#places, ticketId), "_diag")];
    const room = folders.every(hasRoom);
    const after = taskStatesOf(listener);
    return {
      listenerTasks: before === null || after === null ? null : [...before, ...after],
      childCount: table.kind === "unknown" ? 0 : childrenOf(listener.pid, table.processes),
      processes,
      files,
      hasRoom: room,
    };
  }

  /**
   * A process between its fork and its exec cannot be told for a moment, another machine's too: then all is looked at anew.
   * Each scan counts by itself; what stays unknown is unknown.
   */
  #scan(started: StartedProcess | null): Scan {
    let scan = this.#scanOnce(started);
    for (let count = 1; count < SCANS_MAX && scan.processes.kind === "unknown"; count += 1)
      scan = this.#scanOnce(started);
    return scan;
  }

  /** One that is just starting is nobody's for a moment: then all is looked at anew. */
  #seeMotion(ticketId: TicketId, started: StartedProcess | null): MotionSight {
    let motion = this.#seeMotionOnce(ticketId, started);
    for (let count = 1; count < SCANS_MAX && motion.kind === "seen" && motion.strangerCount > 0; count += 1)
      motion = this.#seeMotionOnce(ticketId, started);
    return motion;
  }

  #seeMotionOnce(ticketId: TicketId, started: StartedProcess | null): MotionSight {
    const table = readProcessTable("all");
    if (table.kind === "unknown") return table;
    const spared = lineageOf(process.pid, table.processes);
    return sightMotion(table.processes, this.belongings(started), spared, readLogSizes(this.#places, ticketId));
  }

  #scanOnce(started: StartedProcess | null): Scan {
    const table = readProcessTable(started?.pid ?? null);
    const processes = table.kind === "unknown" ? table : sightRunner(table.processes, this.belongings(started));
    return { table, processes };
  }

  #readFiles(ticketId: TicketId): FilesSight {
    if (this.#files?.ticketId !== ticketId) this.#files = { ticketId, files: new RunnerFiles(this.#places, ticketId) };
    return this.#files.files.look();
  }
}

function startedOf(held: HeldTicket | null): StartedProcess | null {
  const run = held?.run;
  return run?.kind === "own" || run?.kind === "taken-over" ? run.process : null;
}

function childrenOf(pid: number, processes: readonly SeenProcess[]): number {
  return processes.filter(({ parentPid, isZombie }) => parentPid === pid && !isZombie).length;
}
