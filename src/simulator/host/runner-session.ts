/** How a listener comes to its session with GitHub's broker: BrokerMessageListener.CreateSessionAsync of actions/runner. */
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { openSession, type SessionOpening } from "../github/sessions.ts";
import type { Runner as Registration, Session } from "../github/state.ts";
import type { Course } from "./course.ts";
import type { Machine } from "./machine.ts";
import type { RunnerFiles } from "./runner-files.ts";
import type { Wire } from "./wire.ts";

/** 3.7 s on average; one in a hundred takes nearly 20 s. */
const SESSION_MS = [2_600, 10_000] as const;
const RETRY_MS = 30 * SECOND_MS;
const CONFLICT_LIMIT_MS = 4 * MINUTE_MS;

export interface SessionParts {
  readonly machine: Machine;
  readonly wire: Wire;
  readonly registration: Registration;
  readonly files: RunnerFiles;
  readonly course: Course;
  isShuttingDown(): boolean;
  onOpened(session: Session): void;
  /** There will be none. */
  onFailed(why: "terminated" | "conflict"): void;
}

/** Tries until it is there, refused for good, or the listener shuts down. */
export function createSession(parts: SessionParts, sinceMs: number = parts.machine.nowMs): void {
  const { machine, wire, registration, files, course } = parts;
  const { github, chance, runnerVersion } = machine.world;
  files.trace("BrokerMessageListener", "Attempt to create session.");
  wire.call(
    course,
    () => openSession(github.state, registration, { version: runnerVersion, os: "Linux" }, machine.nowMs),
    (opening) => {
      if (!parts.isShuttingDown()) judge(parts, opening, sinceMs);
    },
    chance.spread(...SESSION_MS),
  );
}

function judge(parts: SessionParts, opening: SessionOpening | null, sinceMs: number): void {
  const { machine, registration, files, course } = parts;
  if (opening?.kind === "opened") {
    files.trace("BrokerMessageListener", "Session created.");
    machine.note(`session of ${registration.name} opened`);
    return void parts.onOpened(opening.session);
  }
  files.trace("BrokerMessageListener", "Catch exception during create session.", "ERR ");
  if (opening?.kind === "not-found" || opening?.kind === "deprecated") {
    files.writeError(`Failed to create a session: ${opening.kind}.`);
    return void parts.onFailed("terminated");
  }
  if (opening?.kind === "conflict" && machine.nowMs - sinceMs >= CONFLICT_LIMIT_MS)
    return void parts.onFailed("conflict");
  course.after(RETRY_MS, () => createSession(parts, sinceMs));
}
