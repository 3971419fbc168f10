/** What GitHub's REST interface says of a runner that is not so. Told from the moment a job is acquired. */

import type { Runner } from "../github/state.ts";
import type { FaultKind, FaultOf } from "../scenario/fault.ts";
import type { Chance } from "./chance.ts";
import type { GitHubWorld } from "./github-world.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Workload } from "./workload.ts";

type FlagFault =
  | "github.busy-flag-lag"
  | "github.busy-flag-drops"
  | "github.busy-flag-never"
  | "github.busy-flag-stale"
  | "github.offline-while-working";

export class Lies {
  readonly #github: GitHubWorld;
  readonly #scheduler: Scheduler;
  readonly #chance: Chance;
  readonly #workload: Workload;

  constructor(github: GitHubWorld, scheduler: Scheduler, chance: Chance, workload: Workload) {
    this.#github = github;
    this.#scheduler = scheduler;
    this.#chance = chance;
    this.#workload = workload;
  }

  noteAcquired(jobId: number): void {
    const runner = this.#runnerOf(jobId);
    if (runner === null) return;
    this.#told(jobId, "github.busy-flag-lag", ({ lagMs }) => {
      this.#say(runner, { busy: false });
      this.#whileRunning(jobId, this.#chance.between(lagMs), () => this.#say(runner, { busy: undefined }));
    });
    this.#told(jobId, "github.busy-flag-drops", ({ afterMs }) =>
      this.#whileRunning(jobId, this.#chance.between(afterMs), () => this.#say(runner, { busy: false })),
    );
    this.#told(jobId, "github.busy-flag-never", () => this.#say(runner, { busy: false }));
    this.#told(jobId, "github.offline-while-working", ({ afterMs, forMs }) =>
      this.#whileRunning(jobId, this.#chance.between(afterMs), () => {
        this.#say(runner, { status: "offline" });
        this.#scheduler.after(this.#chance.between(forMs), () => this.#say(runner, { status: undefined }));
      }),
    );
  }

  noteFinished(jobId: number, runner: Runner): void {
    this.#say(runner, { busy: undefined });
    this.#told(jobId, "github.busy-flag-stale", ({ forMs }) => {
      this.#say(runner, { busy: true });
      this.#scheduler.after(this.#chance.between(forMs), () => this.#say(runner, { busy: undefined }));
    });
  }

  #told<Kind extends FlagFault & FaultKind>(jobId: number, kind: Kind, tell: (fault: FaultOf<Kind>) => void): void {
    const fault = this.#workload.strikes(kind, jobId);
    if (fault !== null) tell(fault);
  }

  #whileRunning(jobId: number, afterMs: number, run: () => void): void {
    this.#scheduler.after(afterMs, () => {
      if (this.#github.state.jobs.get(jobId)?.phase.kind === "acquired") run();
    });
  }

  #runnerOf(jobId: number): Runner | null {
    const phase = this.#github.state.jobs.get(jobId)?.phase;
    return phase?.kind === "acquired" ? (this.#github.state.runners.get(phase.runnerId) ?? null) : null;
  }

  #say(
    runner: Runner,
    claim: { readonly busy?: boolean | undefined; readonly status?: "online" | "offline" | undefined },
  ): void {
    const { busy, status } = { ...runner.misreport, ...claim };
    runner.misreport = { ...(busy === undefined ? {} : { busy }), ...(status === undefined ? {} : { status }) };
  }
}
