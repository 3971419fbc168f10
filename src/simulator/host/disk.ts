/** What outlives an agent on its machine: the journal as text, the roots of tickets, and on tmpfs the fences and the boot. */
import { formatEntry, type JournalEntry, type JournalReading, readJournal } from "../../domain/host/journal.ts";
import type { TicketId } from "../../domain/ids.ts";
import { FenceFolders } from "./fence-folders.ts";
import type { RunnerFiles } from "./runner-files.ts";

export class Disk {
  /** On tmpfs. */
  readonly folders = new FenceFolders();
  readonly roots = new Map<TicketId, RunnerFiles>();
  /** A root that waits for its ticket. */
  hasNextRoot = false;
  /** An agent of this boot wrote it down. */
  isBootKept = false;
  #journal = "";

  /** Takes off a last line that was being written when the agent died. */
  openJournal(): JournalReading {
    if (this.#journal === "" && this.roots.size > 0)
      return { kind: "unreadable", why: "the journal is empty although a ticket's root is there" };
    const reading = readJournal(this.#journal);
    if (reading.kind === "read") this.#journal = this.#journal.slice(0, this.#journal.lastIndexOf("\n") + 1);
    return reading;
  }

  /** The machine was stopped and boots again: tmpfs is empty. */
  reboot(): this {
    this.isBootKept = false;
    this.folders.clear();
    return this;
  }

  append(entry: JournalEntry): void {
    this.#journal += formatEntry(entry);
  }

  /** With the fences and perf files of their tickets. */
  removeRoots(): void {
    this.roots.clear();
    this.hasNextRoot = false;
    this.folders.clear();
  }

  /** Only its beginning gets there. */
  tear(entry: JournalEntry, share: number): void {
    const line = formatEntry(entry);
    this.#journal += line.slice(0, Math.floor((line.length - 1) * share));
  }
}
