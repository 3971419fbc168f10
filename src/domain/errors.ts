/**
 * The one catalogue of error codes. An error's message says what was attempted; its code says what went wrong, in a word
 * that scripts can rely on; the cause is chained, not pasted. `docs/reference/errors.md` is written from this file.
 */
export const ERRORS = {
  "config-invalid": {
    sentence: "The configuration has problems; each is listed with its path.",
    mend: "Correct the named keys; `holdfast check` shows all problems at once.",
  },
  "config-unreadable": {
    sentence: "The configuration file, or a file that it names, cannot be read.",
    mend: "Check the path and the permissions of the file.",
  },
  "pool-unreadable": {
    sentence:
      "Machines, tickets or launches of a pool are in the store, and the settings that they were made from are not, or not in a shape that this version reads.",
    mend: "Put the pool into the configuration as it was, or run the version that started its machines, until nothing of it is left.",
  },
  "port-in-use": {
    sentence: "The address to listen on is taken.",
    mend: "Stop the other program, or change `listen` in the configuration.",
  },
  "store-unavailable": {
    sentence: "The store cannot be opened or written.",
    mend: "Check the path in `store`, the disk's free space and the permissions.",
  },
  "store-newer": {
    sentence: "The store was written by a newer version of Holdfast.",
    mend: "Run that version or a newer one.",
  },
  "lease-lost": {
    sentence: "Another replica holds this pool now; the write was not made.",
    mend: "Nothing to do: the holder goes on with the pool.",
  },
  "server-unreachable": {
    sentence: "The command found no Holdfast server.",
    mend: "Start one with `holdfast serve`, or name it by `--server` or HOLDFAST_SERVER.",
  },
  "not-found": {
    sentence: "Nothing of that name is known to this Holdfast.",
    mend: "`holdfast jobs` and `holdfast machines` list what is known.",
  },
  ambiguous: {
    sentence: "Several things go by that name.",
    mend: "Name one of them by its id.",
  },
  "force-needed": {
    sentence: "Ending a machine whatever runs on it takes both `--force` and `--reason`; nothing was written.",
    mend: "`holdfast drain` takes it out without harm. Else give `--force` and `--reason <text>`.",
  },
  "machine-held": {
    sentence: "An operator holds the machine, so nothing ends it.",
    mend: "Release it first: `holdfast release <machine>`.",
  },
  "pool-frozen": {
    sentence: "An operator froze the pool, so nothing in it is ended.",
    mend: "Thaw it first: `holdfast thaw <pool>`, or `holdfast thaw` where all pools are frozen.",
  },
  "pool-observes": {
    sentence: "The pool has `mode: observe`, so nothing in it is ended.",
    mend: "End the machine where it was started, or set `mode: run` in the configuration.",
  },
  "machine-gone": {
    sentence: "The provider has said that the machine is gone.",
    mend: "Nothing to do: `holdfast explain` tells its end.",
  },
  "machine-ending": {
    sentence: "The end of the machine is under way and cannot be taken back.",
    mend: "Nothing to do: `holdfast explain` tells how far it is.",
  },
  "job-not-over": {
    sentence: "The job is not over, and GitHub runs a job again only once it is.",
    mend: "Wait for its end: `holdfast explain <job>` tells it. A job that hangs ends with its machine: `holdfast terminate`.",
  },
  "job-succeeded": {
    sentence: "The job did not fail, so nothing was lost that could be run again.",
    mend: "Run it again on its page at GitHub.",
  },
  "job-not-ours": {
    sentence: "No pool of this Holdfast has the job.",
    mend: "Run it again on its page at GitHub.",
  },
  "run-deleted": {
    sentence: "GitHub does not find the job any more: its run was deleted.",
    mend: "Start the workflow anew at GitHub.",
  },
  "run-not-over": {
    sentence: "Other jobs of the run go on, and GitHub runs nothing of a run again before all of it is over.",
    mend: "Say it again once they are over; `holdfast jobs --status queued,in_progress` lists them.",
  },
  "rerun-too-old": {
    sentence: "GitHub runs nothing again of a run that is older than 30 days.",
    mend: "Start the workflow anew at GitHub.",
  },
  "rerun-too-often": {
    sentence: "GitHub runs nothing again of a run that was run again 50 times.",
    mend: "Start the workflow anew at GitHub.",
  },
  unauthorized: {
    sentence: "The caller's token or signature is missing or wrong.",
    mend: "Use the token from the operator's token file; for webhooks compare the secrets on both sides.",
  },
  forbidden: {
    sentence: "The caller is known but may not do this.",
    mend: "Use an operator with the role that the action asks for; a machine's token is worth only that machine.",
  },
  overloaded: {
    sentence: "As many callers as this process serves at once were here first.",
    mend: "Try again later; agents do so themselves. Of pages, close those that nobody looks at.",
  },
  "payload-too-large": { sentence: "The request body is over the limit.", mend: "GitHub sends at most 25 MB." },
  "payload-invalid": {
    sentence: "The request is not of the documented shape.",
    mend: "Compare it with the reference; the message names the field.",
  },
  "protocol-unsupported": {
    sentence: "The agent speaks a version of the protocol that this controller does not serve.",
    mend: "Controller and agent may be one version apart: update the older one.",
  },
  "github-unauthorized": {
    sentence: "GitHub refused the credentials.",
    mend: "Check the token or the App's id and private key of this connection.",
  },
  "github-forbidden": {
    sentence: "GitHub knows the caller but does not permit the call.",
    mend: "Grant the App or token the permissions that `docs/guide/github.md` lists.",
  },
  "github-not-found": {
    sentence: "GitHub answered that the thing does not exist, or that we may not see it.",
    mend: "Check the pool's scope and the App's installation.",
  },
  "github-name-taken": {
    sentence: "A registration of that name exists already.",
    mend: "Nothing to do: it is looked up by name and resolved.",
  },
  "github-busy": {
    sentence: "GitHub says that the runner is running a job and cannot be deleted.",
    mend: "Nothing to do: the host is asked.",
  },
  "github-rate-limited": {
    sentence: "GitHub's rate limit is used up.",
    mend: "Nothing to do: calls go on when GitHub says so.",
  },
  "github-budget": {
    sentence: "The call was held back: what is left of GitHub's rate limit is kept for more urgent calls.",
    mend: "Nothing to do: it is made when there is room again. `holdfast status` shows the budget; an installation of its own for each busy organization gives more.",
  },
  "github-not-connected": {
    sentence: "The connection that the pool worked with is no longer in the configuration.",
    mend: "Put the connection back under `github` until nothing of the pool is left.",
  },
  "github-suspended": {
    sentence: "GitHub has suspended the App's installation.",
    mend: "Let an owner of the account unsuspend it under Settings, GitHub Apps.",
  },
  "github-not-installed": {
    sentence: "The App is not installed where the pool's scope is, or its installation was revoked.",
    mend: "Install the App in that organization or repository; check its name if it was renamed.",
  },
  "github-clock-skew": {
    sentence: "GitHub refuses the App's signature because this computer's clock is wrong.",
    mend: "Set the clock right (NTP). Until then the App signs with GitHub's own time, where GitHub tells it.",
  },
  "github-runners-full": {
    sentence: "The runner group or the scope holds as many runners as GitHub allows.",
    mend: "Remove registrations that nobody uses, or spread the pools over several runner groups.",
  },
  "github-group-unknown": {
    sentence: "GitHub has no runner group of that name in the pool's scope, or the pool's repositories cannot use it.",
    mend: "Correct `runnerGroup`, or create the group under Settings, Actions, Runner groups.",
  },
  "github-unavailable": {
    sentence: "GitHub did not answer, or with a server error; whether the call took effect is unknown.",
    mend: "Nothing to do: it is tried again with backoff.",
  },
  "github-invalid": {
    sentence: "GitHub refused the request as wrong, or answered in a shape that we do not know.",
    mend: "Check labels, runner group and scope of the pool; else report it with the logged answer.",
  },
  "provider-invalid": {
    sentence: "The provider refuses the pool's settings; nothing was started.",
    mend: "Correct the pool's `provider` or `runner` block; `holdfast check` tries it.",
  },
  "provider-capacity": {
    sentence: "The provider has no room at the moment; nothing was started.",
    mend: "Nothing to do: it is tried again with backoff.",
  },
  "provider-quota": {
    sentence: "A quota of the account at the provider is used up; nothing was started.",
    mend: "Let the provider raise the quota that the message names, or lower `machines.max`. Until then launches of that kind rest, and jobs keep their place.",
  },
  "provider-unavailable": {
    sentence: "The provider did not answer, or in part; what it did is unknown.",
    mend: "Nothing to do: the identical call is repeated.",
  },
  "permit-stale": {
    sentence: "The permit expired or the row changed since it was made; nothing was ended.",
    mend: "Nothing to do: the next pass judges anew.",
  },
  internal: {
    sentence: "Something failed that should not: a bug of Holdfast's.",
    mend: "The log of the server has the cause; report it with that.",
  },
  "init-exists": {
    sentence: "A file that the setup would write is there already.",
    mend: "Name another place by `--config`, or give `--force` to replace it.",
  },
  "init-failed": {
    sentence: "The setup was stopped or could not be finished; no file was left behind.",
    mend: "Mend what the message names and start `holdfast init` again.",
  },
  "demo-failed": {
    sentence: "The demonstration ended with a failed job or something left behind.",
    mend: "The summary names what; report it with the log.",
  },
  "world-failed": {
    sentence: "A simulated world could not be run to its end: a bug of Holdfast's or of its simulator.",
    mend: "Report it with the scenario and the seed that the message names.",
  },
} as const satisfies Record<string, { readonly sentence: string; readonly mend: string }>;

export type ErrorCode = keyof typeof ERRORS;
export type GitHubErrorCode = Extract<ErrorCode, `github-${string}`>;
export type ProviderErrorCode = Extract<ErrorCode, `provider-${string}`>;

/** @example throw new HoldfastError("port-in-use", "listening on 127.0.0.1:8080", { cause }) */
export class HoldfastError extends Error {
  override readonly name: string = "HoldfastError";
  readonly code: ErrorCode;

  /** @param attempted what was being done, as in "reading the configuration holdfast.yaml". */
  constructor(code: ErrorCode, attempted: string, options?: { readonly cause?: unknown }) {
    super(attempted, options);
    this.code = code;
  }
}

export class GitHubError extends HoldfastError {
  override readonly name = "GitHubError";
  override readonly code: GitHubErrorCode;
  /** Milliseconds that GitHub asked us to wait, where it did. */
  readonly retryAfterMs: number | null;

  constructor(
    code: GitHubErrorCode,
    attempted: string,
    options: { readonly cause?: unknown; readonly retryAfterMs?: number } = {},
  ) {
    super(code, attempted, options);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

export class ProviderError extends HoldfastError {
  override readonly name = "ProviderError";
  override readonly code: ProviderErrorCode;
  /**
   * How long another launch has nothing to expect, where the provider can tell; 0 where it would be made in another way
   * and can be made at once. Null: whoever called decides.
   */
  readonly retryAfterMs: number | null;

  constructor(
    code: ProviderErrorCode,
    attempted: string,
    options: { readonly cause?: unknown; readonly retryAfterMs?: number | null } = {},
  ) {
    super(code, attempted, options);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}
