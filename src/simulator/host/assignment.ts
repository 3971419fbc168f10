/**
 * The blind window: from the message of an assignment to the acquire's answer. Nothing in the process table shows it, GitHub
 * does not call the runner busy yet, and from the moment that the acquire is sent no signal to the listener takes it back.
 */
import { type Acquisition, acknowledge, acquire } from "../github/assignment.ts";
import { endRegistration } from "../github/runners.ts";
import type { Runner as Registration } from "../github/state.ts";
import type { Range } from "../world/chance.ts";
import type { Course } from "./course.ts";
import type { Machine } from "./machine.ts";
import type { RunnerFiles } from "./runner-files.ts";
import type { Wire } from "./wire.ts";

const ACQUIRE_TRIES_MAX = 5;
const ACQUIRE_RETRY_MS: Range = [5_000, 15_000];
/** Between two steps of the listener. */
const STEP_MS: Range = [1, 40];

/** On its way to becoming a job here. */
export interface Assignment {
  readonly jobId: number;
  readonly requestId: string;
  isAcquireSent: boolean;
}

export interface AssignmentParts {
  readonly machine: Machine;
  readonly wire: Wire;
  readonly registration: Registration;
  readonly files: RunnerFiles;
  /** The listener's. */
  readonly course: Course;
  readonly assignment: Assignment;
  isShuttingDown(): boolean;
  /** At GitHub; whether the listener ever hears of it is another matter. */
  onAcquired(): void;
  onJob(acquisition: Acquisition & { readonly kind: "acquired" }): void;
  /** Nobody waits for that job any more, GitHub says at the acknowledgement. */
  onNotFound(): void;
  /** It was refused, or no answer came: the listener knows of no job. */
  onRefused(): void;
}

export function takeAssignment(parts: AssignmentParts): void {
  step(parts, STEP_MS, () => sendAcknowledgement(parts));
}

function step({ machine, course, isShuttingDown }: AssignmentParts, delayMs: Range, run: () => void): void {
  course.after(machine.world.chance.between(delayMs), () => {
    if (!isShuttingDown()) run();
  });
}

function sendAcknowledgement(parts: AssignmentParts): void {
  const { machine, wire, registration, files, course, assignment } = parts;
  files.trace("BrokerMessageListener", `Acknowledging runner request '${assignment.requestId}'.`);
  wire.call(
    course,
    () => acknowledge(machine.world.github.state, registration, assignment.requestId),
    (answer) => {
      if (parts.isShuttingDown()) return;
      if (answer === "not-found" && registration.isEphemeral) {
        files.trace("Runner", "Acknowledge returned job-not-found for ephemeral runner request. Exiting runner.");
        return parts.onNotFound();
      }
      step(parts, STEP_MS, () => sendAcquire(parts, 1));
    },
  );
}

function sendAcquire(parts: AssignmentParts, tryCount: number): void {
  const { machine, wire, files, course, assignment } = parts;
  assignment.isAcquireSent = true;
  machine.note("acquire is sent", assignment.jobId);
  wire.call(
    course,
    () => acquireAtGitHub(parts),
    (answer) => {
      if (parts.isShuttingDown()) return;
      if (answer === null && tryCount < ACQUIRE_TRIES_MAX)
        return step(parts, ACQUIRE_RETRY_MS, () => sendAcquire(parts, tryCount + 1));
      if (answer?.kind === "acquired") return parts.onJob(answer);
      // Of the two lines that actions/runner has for it, neither leads anywhere: it listens on.
      if (answer !== null && machine.world.chance.happens(0.5))
        files.trace("Runner", `Skipping message Job. ${answer.kind} '${assignment.requestId}'.`);
      else files.trace("Runner", `Caught exception from acquiring job message: ${answer?.kind ?? "no answer"}`, "ERR ");
      files.writeTimedLine("Listening for Jobs");
      parts.onRefused();
    },
  );
}

function acquireAtGitHub(parts: AssignmentParts): Acquisition {
  const { machine, registration, assignment, course } = parts;
  const { jobId, requestId } = assignment;
  const { github, witness } = machine.world;
  if (machine.world.refusesAcquire(jobId)) {
    witness.faultHappened("github.acquire-refused");
    if (registration.isEphemeral) endRegistration(github.state, registration, "consumed", machine.nowMs);
    machine.note("acquire is refused", jobId);
    return { kind: "conflict" };
  }
  const acquisition = acquire(github.state, registration, requestId, machine.nowMs);
  machine.note(`acquire: ${acquisition.kind}`, jobId);
  if (acquisition.kind !== "acquired") return acquisition;
  witness.jobAcquired(machine.truth(), jobId);
  if (parts.isShuttingDown()) witness.jobCancelledByRunner(machine.truth(), jobId, "signal");
  else if (!course.isOver) parts.onAcquired();
  return acquisition;
}
