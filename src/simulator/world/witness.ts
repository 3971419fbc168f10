/**
 * What the world's parts tell the judge the moment it happens, before its effects: the ground truth that invariants are
 * checked against. Machines are named by their provider's id, jobs and runners by GitHub's numbers.
 */

/** Who or what made a machine, a process or a registration end. */
export type Cause =
  /** The system under test, through the provider or GitHub. @property proof of the permit; a baseline has none. */
  | { readonly by: "controller"; readonly proof: string }
  /** Our agent: the fence's kill, the cleaning of leftovers, the dead man's switch. */
  | { readonly by: "agent"; readonly what: "fence" | "clean" | "power-off" }
  /** A fault of the scenario, by its kind. */
  | { readonly by: "fault"; readonly kind: string }
  /** In the ordinary course: the job was over, the agent left, GitHub removed a used registration. */
  | { readonly by: "itself" };

/** The fault by which a group ends a machine of its own accord, because nothing can hold it up any longer. */
export const GROUP_GOES_ON = "asg.goes-on";

/** A machine as it really is. */
export interface HostTruth {
  readonly providerId: string;
  /** False once it is ended, dead or not booted yet. */
  readonly isUp: boolean;
  /** The runner of the ticket that it holds, if any of its processes lives. */
  readonly runner: {
    readonly runnerId: number;
    readonly runnerName: string;
    readonly isListenerAlive: boolean;
    readonly isListenerStopped: boolean;
    /** It has a session, its registration is there for all it knows, and it can reach GitHub. */
    readonly canAcquire: boolean;
    /** The job that it acquired and that is not over, by GitHub's number. */
    readonly acquiredJobId: number | null;
    readonly workerCount: number;
    /** Its disk was full when it wrote: nobody on the machine can tell whether it was given a job. */
    readonly hasLostLines: boolean;
  } | null;
}

export interface Witness {
  machineStarted(host: HostTruth): void;
  /** Right before everything on it dies. */
  machineEnds(host: HostTruth, cause: Cause): void;
  /** Right before everything on it stands still until it is woken: longer than GitHub waits for a job. */
  machineSleeps(host: HostTruth, cause: Cause): void;
  /** Right before the listener or the Worker is killed by something else than its own machine's end. */
  runnerKilled(host: HostTruth, cause: Cause): void;
  /** A job was not acquired and never will be by that runner, because its listener was killed. */
  dispatchLost(jobId: number, runnerName: string): void;
  /** A listener cancelled its running job. */
  jobCancelledByRunner(host: HostTruth, jobId: number, why: "registration-gone" | "signal" | "requested"): void;
  jobAcquired(host: HostTruth, jobId: number): void;
  jobFinished(host: HostTruth, jobId: number): void;
  faultHappened(kind: string): void;
}
