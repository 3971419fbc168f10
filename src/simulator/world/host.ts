/** A machine of the world: what providers, faults and the judge see of it. */
import type { MachineId } from "../../domain/ids.ts";
import type { Scope } from "../github/places.ts";
import type { Chance } from "./chance.ts";
import type { EventLog } from "./event-log.ts";
import type { GitHubWorld } from "./github-world.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Cause, HostTruth, Witness } from "./witness.ts";

export interface Host {
  readonly providerId: string;
  truth(): HostTruth;
  /** Its platform lets it start now: for one whose time to boot nobody knew at its birth. Nothing where it is up or ended. */
  boot(): void;
  /** Everything on it ends at once. Idempotent; tells the witness first. */
  end(cause: Cause): void;
  /** SIGTERM to its first process, which hands it on to the agent and to nobody else. */
  askToStop(): void;
  /** Its platform wants it back soon, and says so to whoever asks on it. */
  wantBack(): void;
  /** What its group leads it to from now on (`autoscaling/target-lifecycle-state`), for whoever asks on it. */
  leadTo(target: string): void;
  /** Idempotent where there is no agent. The launcher starts it again some seconds later. */
  crashAgent(): void;
  pauseAgent(forMs: number): void;
  pauseMachine(forMs: number): void;
  fillDisk(forMs: number): void;
  /** Its platform hibernates it. Tells the witness first. */
  sleep(cause: Cause): void;
  /** Nothing on it notices but by its clocks. */
  wake(): void;
}

export interface HostBirth {
  readonly providerId: string;
  /** From the start until the agent, or the runner's service, starts; null: never, unless it is told to. */
  readonly bootMs: number | null;
  /** It ended by itself: powered off, or its agent said that all is over. Not called by `end`. */
  readonly onGone: () => void;
}

/** A machine with our agent. */
export interface AgentBirth extends HostBirth {
  readonly machineId: MachineId;
  /** What its agent proves its identity with, unless its platform signs one. */
  readonly identitySecret: string;
  /** The platform's signed word on which of its machines this is: its agent goes by that until it is told its own name. */
  readonly signedIdentity?: string;
  /** An Auto Scaling group has it: its agent takes nothing before it was told that it is in service. */
  readonly isMember?: boolean;
  /** What a pod's cluster vouches for it with, read anew each time: it runs out. Its agent knows its own name. */
  readonly readPodToken?: () => string;
}

/** A machine of another maker's fleet: it registers its runner at boot and knows of nobody. */
export interface BareBirth extends HostBirth {
  readonly runnerName: string;
  readonly labels: readonly string[];
  readonly scope: Scope;
  /** It takes one job, and then its machine shuts down. Else it takes job after job. */
  readonly isEphemeral: boolean;
  /** `systemctl stop` of the runner's service reaches the listener as a signal that cancels its job. */
  readonly onRegistered: (runnerId: number) => void;
}

export interface BareHost extends Host {
  /** SIGINT to the listener, as the stop of its service does: it cancels its running job and ends. */
  stopRunner(): void;
}

/** One call of an agent to the controller: the answer, or null where none came. */
export type Exchange = { readonly status: number; readonly body: unknown } | null;

export interface AgentLine {
  /**
   * Sends a call on its way. Calls back as an event of its own, once, with the answer or with null after the call's
   * timeout; never after it was broken off.
   * @returns breaks it off: the controller sees the connection close.
   */
  send(
    from: string,
    call: {
      readonly path: "check-in" | "report" | "poll" | "logs";
      readonly token: string | null;
      readonly body: object;
      readonly timeoutMs: number;
    },
    onAnswer: (answer: Exchange) => void,
  ): () => void;
}

/** What befalls the next runner, or the next job of it. Drawn when it starts, or when it acquires. */
export type RunnerFate =
  | { readonly kind: "well" }
  | { readonly kind: "exits"; readonly code: number; readonly afterMs: number }
  | { readonly kind: "never-online" };

export type JobFate =
  | { readonly kind: "well" }
  /** Listener and Worker die. */
  | { readonly kind: "dies"; readonly afterMs: number }
  | { readonly kind: "hangs"; readonly afterMs: number }
  /** The listener dies, the Worker works on to its end. */
  | { readonly kind: "orphan"; readonly afterMs: number };

export interface HostWorld {
  readonly scheduler: Scheduler;
  /** Of this machine alone. */
  readonly chance: Chance;
  readonly github: GitHubWorld;
  readonly log: EventLog;
  readonly witness: Witness;
  readonly line: AgentLine;
  readonly controllerId: string;
  /** Whether a machine reaches GitHub now. (Whether it reaches the controller is the line's business.) */
  reachesGitHub(providerId: string): boolean;
  drawRunnerFate(providerId: string): RunnerFate;
  drawJobFate(jobId: number): JobFate;
  /** How long the job works, in milliseconds. */
  jobDurationMs(jobId: number): number;
  /** GitHub refuses this acquire: it counts as consumed there. */
  refusesAcquire(jobId: number): boolean;
  /** A fence begins: so many milliseconds from now its listener is stopped, and a job may be on its way there by then. */
  noteFenceBeginning(runnerId: number): void;
  /** A listener was stopped by a fence just now: the world may send it a job at once. */
  noteFenceClosing(runnerId: number): void;
  readonly runnerVersion: string;
}
