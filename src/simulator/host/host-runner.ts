/**
 * One start of `Runner.Listener` with what it starts: Runner.cs and BrokerMessageListener.cs of actions/runner 2.336, step by
 * step, with their lines. An assignment is not a job yet: between its message and the acquire's effect at GitHub the process
 * table shows nothing of it.
 */
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { Acquisition } from "../github/assignment.ts";
import { closeSession } from "../github/sessions.ts";
import type { Runner as Registration, RunnerMessage, Session } from "../github/state.ts";
import { type Assignment, takeAssignment } from "./assignment.ts";
import { type CancelReason, JobRun } from "./job-run.ts";
import { LongPoll, type PollHandler } from "./long-poll.ts";
import { type Machine, type MachineRunner, markedBy } from "./machine.ts";
import type { MachineProcess } from "./processes.ts";
import type { RunnerFiles } from "./runner-files.ts";
import { createSession } from "./runner-session.ts";
import { Wire } from "./wire.ts";

/** After so long without an answer to its polls an idle listener ends. */
const SILENCE_MAX_MS = 10 * MINUTE_MS;
const POLL_RETRY_MS = 5 * SECOND_MS;
const CODE = { success: 0, terminated: 1, retryable: 2, sessionConflict: 5 } as const;
const UPDATE_CODES: readonly number[] = [3, 4];
const UPDATE_TAKES_MS = [1_000, 20_000] as const;

export interface RunnerExit {
  readonly pid: number;
  readonly exitCode: number | null;
  readonly signal: string | null;
}

export interface RunnerStart {
  readonly machine: Machine;
  readonly registration: Registration;
  readonly files: RunnerFiles;
  readonly root: string;
  /** What every process of it carries; null: nothing. */
  readonly mark: string | null;
  readonly parentPid: number;
  readonly onExit: (exit: RunnerExit) => void;
}

export class HostRunner implements MachineRunner, PollHandler {
  readonly listener: MachineProcess;
  readonly #start: RunnerStart;
  readonly #wire: Wire;
  #session: Session | null = null;
  #poll: LongPoll | null = null;
  #assignment: Assignment | null = null;
  /** Acquired and not over, by GitHub's number. */
  #acquiredJobId: number | null = null;
  #job: JobRun | null = null;
  /** An ephemeral one that had its job, or was refused it: it gets no other. */
  #isSpent = false;
  #isRegistrationGone = false;
  #isShuttingDown = false;
  #silentSinceMs: number | null = null;
  readonly #lostJobIds = new Set<number>();
  #exitCode: number | null = null;

  constructor(start: RunnerStart) {
    const { machine, root, mark, parentPid } = start;
    this.#start = start;
    this.#wire = new Wire(machine);
    const executable = `${root}/bin/Runner.Listener`;
    this.listener = machine.processes.start({
      name: "Runner.Listener",
      arguments: [executable, "run"],
      executable,
      workingDirectory: root,
      parentPid,
      mark: markedBy(mark),
      isQuiet: true,
      onDeath: (signal) => this.#onDeath(signal),
    });
    machine.addRunner(this);
    machine.note(`listener ${this.listener.pid} of ${start.registration.name} starts`);
    this.#step([80, 600], () => this.#begin());
  }

  get worker(): MachineProcess | null {
    return this.#job?.worker ?? null;
  }

  truth(): ReturnType<MachineRunner["truth"]> {
    const { machine, registration } = this.#start;
    const isUsable = !this.#isSpent && !this.#isRegistrationGone && !this.#isShuttingDown;
    return {
      runnerId: registration.id,
      runnerName: registration.name,
      isListenerAlive: this.listener.isAlive,
      isListenerStopped: this.listener.isStopped,
      canAcquire: this.listener.isAlive && this.#session !== null && isUsable && machine.reachesGitHub,
      acquiredJobId: this.#acquiredJobId,
      hasLostLines: this.#start.files.hasLostLines,
    };
  }

  /** SIGINT: its job is cancelled, its registration stays. */
  interrupt(): void {
    this.listener.course.arrive(() => {
      if (this.#isShuttingDown) return;
      const { files } = this.#start;
      files.writeLine("Exiting...");
      files.trace("HostContext", "Runner will be shutdown for UserCancelled");
      this.#isShuttingDown = true;
      if (this.#assignment?.isAcquireSent === false) this.#loseAssignment();
      this.#shutDown("signal");
    });
  }

  #step(delayMs: readonly [number, number], run: () => void): void {
    this.listener.course.after(this.#start.machine.world.chance.between(delayMs), run);
  }

  #begin(): void {
    const { machine, files } = this.#start;
    files.trace("Listener", "Runner is built for a simulation (linux-x64).");
    files.count("RunnerProcessStarted");
    files.trace("Listener", `Version: ${machine.world.runnerVersion}`);
    const fate = machine.world.drawRunnerFate(machine.providerId);
    if (fate.kind === "never-online") return void this.#meet("host.runner-never-online");
    if (fate.kind === "exits") this.listener.course.after(fate.afterMs, () => this.#exitByFate(fate.code));
    files.trace("Runner", "Using BrokerMessageListener");
    this.#step([5, 50], () => this.#connect());
  }

  #meet(kind: string): void {
    const { machine } = this.#start;
    machine.world.witness.faultHappened(kind);
    machine.note(kind);
  }

  #exitByFate(code: number): void {
    if (this.#assignment !== null || this.#job !== null || this.#isSpent) return;
    const { machine, files } = this.#start;
    this.#meet("host.runner-exits");
    if (UPDATE_CODES.includes(code)) {
      files.writeLine("Runner update in progress, do not shutdown runner.");
      machine.course.after(machine.world.chance.between(UPDATE_TAKES_MS), () => {
        files.isUpdateFinished = true;
        machine.changed("files");
      });
    }
    this.#leave(code);
  }

  #connect(): void {
    const { machine, registration, files } = this.#start;
    const { course } = this.listener;
    const wire = this.#wire;
    createSession({
      machine,
      wire,
      registration,
      files,
      course,
      isShuttingDown: () => this.#isShuttingDown,
      onOpened: (session) => {
        this.#session = session;
        this.#poll = new LongPoll({ machine, wire, registration, course, handler: this }, session);
        this.#step([1, 20], () => {
          files.count("SessionCreated");
          files.writeTimedLine("Listening for Jobs");
          this.#poll?.send();
        });
      },
      onFailed: (why) => this.#exit(why === "conflict" ? CODE.sessionConflict : CODE.terminated),
    });
  }

  onNothing(): void {
    this.#silentSinceMs = null;
    if (!this.#isShuttingDown) this.#poll?.send();
  }

  onNoAnswer(): void {
    const { machine, files } = this.#start;
    if (this.#isShuttingDown || this.#isRegistrationGone) return;
    this.#silentSinceMs ??= machine.nowMs;
    files.trace("BrokerMessageListener", "Catch exception during get next message.", "ERR ");
    const isIdle = this.#job === null || this.#job.isDone;
    if (isIdle && machine.nowMs - this.#silentSinceMs >= SILENCE_MAX_MS) {
      return void this.#exit(CODE.retryable);
    }
    this.listener.course.after(POLL_RETRY_MS, () => this.#poll?.send());
  }

  onRefused(why: "runner-not-found" | "session-invalid" | "deprecated"): void {
    const { machine, files } = this.#start;
    if (this.#isShuttingDown) return;
    if (why === "session-invalid") {
      this.#session = null;
      return void this.#connect();
    }
    files.trace("Runner", `Runner registration no longer exists while retrieving messages. ${why}`);
    files.writeError("The runner no longer exists on the server. Cleaning up local configuration.");
    machine.note(`listener is refused: ${why}`);
    this.#isRegistrationGone = true;
    this.#shutDown("registration-gone");
  }

  onSent(message: RunnerMessage): void {
    if (message.kind !== "job-request") return;
    const { jobId, requestId } = message;
    this.#start.machine.note("assignment is on the wire", jobId);
    if (this.#assignment === null) this.#assignment = { jobId, requestId, isAcquireSent: false };
  }

  onMessage(message: RunnerMessage): void {
    if (this.#isShuttingDown) return;
    const { files, machine } = this.#start;
    this.#silentSinceMs = null;
    if (message.kind === "job-cancellation") {
      files.count("MessageReceived_JobCancellation");
      files.trace("JobDispatcher", "Job cancellation request received, cancellation timeout 5 minutes.");
      if (this.#job?.jobId === message.jobId) this.#job.cancel("requested");
      return void this.#poll?.send();
    }
    files.count("MessageReceived_RunnerJobRequest");
    machine.note("message received", message.jobId);
    const assignment = this.#assignment;
    const isTakable = assignment?.requestId === message.requestId && !this.#isSpent;
    if (!isTakable) {
      files.trace("Runner", `Skip message deletion for job request message '${message.messageId}'.`);
      if (assignment?.requestId === message.requestId) this.#assignment = null;
      return void this.#poll?.send();
    }
    this.#take(assignment);
  }

  onUndeliverable(jobId: number): void {
    if (this.#lostJobIds.has(jobId)) return;
    const { machine, registration } = this.#start;
    this.#lostJobIds.add(jobId);
    machine.note(`dispatch to ${registration.name} is lost: its listener is dead`, jobId);
    machine.world.witness.dispatchLost(jobId, registration.name);
  }

  #take(assignment: Assignment): void {
    const { machine, registration, files } = this.#start;
    takeAssignment({
      machine,
      wire: this.#wire,
      registration,
      files,
      course: this.listener.course,
      assignment,
      isShuttingDown: () => this.#isShuttingDown,
      onAcquired: () => {
        this.#acquiredJobId = assignment.jobId;
      },
      onJob: (acquisition) => {
        this.#assignment = null;
        this.#beginJob(acquisition, assignment);
      },
      onNotFound: () => {
        this.#assignment = null;
        this.#leave(CODE.success);
      },
      onRefused: () => {
        this.#assignment = null;
        this.#acquiredJobId = null;
        this.#isSpent = registration.isEphemeral;
        this.#poll?.send();
      },
    });
  }

  #beginJob({ job }: Acquisition & { kind: "acquired" }, { requestId }: Assignment): void {
    const { machine, files, registration, root, mark } = this.#start;
    this.#isSpent = registration.isEphemeral;
    const run = new JobRun({
      machine,
      wire: this.#wire,
      files,
      isEphemeral: registration.isEphemeral,
      course: this.listener.course,
      job,
      requestId,
      startWorker: (onDeath) => {
        const executable = `${root}/bin/Runner.Worker`;
        const args = [executable, "spawnclient", "3", "4"];
        const { pid: parentPid } = this.listener;
        const start = { name: "Runner.Worker", arguments: args, executable, workingDirectory: `${root}/bin` };
        return machine.processes.start({ ...start, parentPid, mark: markedBy(mark), onDeath });
      },
      startLeftover: () => {
        const start = { name: "sleep", arguments: ["sleep", "infinity"], executable: "/bin/sleep" };
        machine.processes.start({ ...start, workingDirectory: "/", mark: markedBy(mark), isQuiet: true });
      },
      killListener: (kind) => machine.kill(this.listener, { by: "fault", kind }),
      hangListener: () => this.listener.course.standStill("hang"),
      onOver: () => {
        if (this.#acquiredJobId === job.id) this.#acquiredJobId = null;
      },
      onBusy: () => this.#poll?.send(),
      onDone: () => this.#onJobDone(),
    });
    this.#job = run;
    run.begin();
  }

  #onJobDone(): void {
    const { files, registration } = this.#start;
    if (this.#isShuttingDown || this.#isRegistrationGone) return void this.#leave(CODE.success);
    if (!registration.isEphemeral) return void this.#poll?.send();
    files.trace(
      "Runner",
      "Job has finished at backend, the runner will exit since it is running under onetime use mode.",
    );
    this.#leave(CODE.success);
  }

  #shutDown(why: CancelReason): void {
    const { files } = this.#start;
    files.trace("JobDispatcher", "Shutting down JobDispatcher. Make sure all WorkerDispatcher has finished.");
    if (this.#job !== null && !this.#job.isDone) this.#job.cancel(why);
    else this.#leave(CODE.success);
  }

  /** The session is deleted, where GitHub can be asked to; then it ends. */
  #leave(code: number): void {
    const { machine } = this.#start;
    const session = this.#session;
    this.#isShuttingDown = true;
    this.#poll?.breakOff();
    if (session === null || this.#isRegistrationGone) return void this.#exit(code);
    this.#wire.call(
      this.listener.course,
      () => closeSession(machine.world.github.state, session.id),
      () => this.#exit(code),
    );
  }

  #exit(code: number): void {
    const { files } = this.#start;
    // The runner ends with 2 by an exception, of which its log has no end.
    if (code === CODE.retryable) files.writeError("An error occurred: it ends, to be started again.");
    else files.trace("Listener", `Runner execution has finished with return code ${code}`);
    this.#step([5, 100], () => {
      this.#exitCode = code;
      this.listener.die(null);
    });
  }

  #onDeath(signal: string | null): void {
    const { machine, registration, onExit } = this.#start;
    machine.note(`listener of ${registration.name} is gone: ${signal ?? `exit code ${this.#exitCode}`}`);
    if (this.#assignment?.isAcquireSent === false) this.#loseAssignment();
    this.#poll?.orphan(machine.isEnded);
    if (!machine.isEnded) onExit({ pid: this.listener.pid, exitCode: this.#exitCode, signal });
  }

  #loseAssignment(): void {
    const { jobId } = this.#assignment as Assignment;
    this.#assignment = null;
    this.onUndeliverable(jobId);
  }
}
