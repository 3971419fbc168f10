/** Every method of a connection as one call, for tests that are about all of them: a new method has to be added here. */
import type { JobId, RunnerId } from "../../../src/domain/ids.ts";
import { issuePermit, type RegistrationPermit } from "../../../src/domain/permit.ts";
import type { RegistrationScope } from "../../../src/domain/pool.ts";
import type { GitHub, GitHubConnection } from "../../../src/ports/github.ts";
import type { GitHubAccess } from "../../../src/ports/github-access.ts";
import type { GitHubHooks, Hook } from "../../../src/ports/github-hooks.ts";
import { epoch, heard, jobId, runnerId, START_MS, ticket } from "../../domain/builders.ts";

export const ACME = { kind: "organization", organization: "acme" } as const satisfies RegistrationScope;
export const WIDGETS = {
  kind: "repository",
  owner: "acme",
  repository: "widgets",
} as const satisfies RegistrationScope;
export const ACME_GROUP = { kind: "enterprise", enterprise: "acme-group" } as const satisfies RegistrationScope;

const WEBHOOKS_URL = "https://holdfast.acme.test/webhooks";
export const APP_HOOK: Hook = {
  path: "/app/hook",
  url: WEBHOOKS_URL,
  contentType: "json",
  isCertificateChecked: true,
  isActive: true,
  events: ["workflow_job"],
};
export const ORGANIZATION_HOOK: Hook = { ...APP_HOOK, path: "/orgs/acme/hooks/17" };
export const REPOSITORY_HOOK: Hook = { ...APP_HOOK, path: "/repos/acme/widgets/hooks/18" };

/** What the methods are called with. */
export interface Given {
  readonly scope: RegistrationScope;
  readonly repository: string;
  readonly owner: string | null;
  readonly runnerName: string;
  readonly runnerId: RunnerId;
  readonly runnerVersion: string;
  readonly jobId: JobId;
  readonly runId: number;
  readonly webhooksUrl: string;
  readonly hook: Hook;
  /** Longer than what JSON carries exactly. */
  readonly deliveryId: string;
  /** By the connection's clock: a permit lives for 30 s. */
  readonly nowMs: number;
}

export const GIVEN: Given = {
  scope: ACME,
  repository: "acme/widgets",
  owner: "acme",
  runnerName: "holdfast-t1",
  runnerId: runnerId(23),
  runnerVersion: "2.336.0",
  jobId: jobId(399_444_496),
  runId: 30_433_642,
  webhooksUrl: WEBHOOKS_URL,
  hook: ORGANIZATION_HOOK,
  deliveryId: "18014398509481985",
  nowMs: START_MS,
};

type Attempt = (connection: GitHubConnection, given: Given) => Promise<unknown>;

const GITHUB = {
  mintTicket: ({ github }, { scope, runnerName }) =>
    github.mintTicket({ scope, runnerName, labels: ["self-hosted", "linux"], runnerGroup: "Default" }),
  findRunner: ({ github }, { scope, runnerName }) => github.findRunner(scope, runnerName),
  listRunners: ({ github }, { scope }) => github.listRunners(scope),
  deleteRunner: ({ github }, given) => github.deleteRunner(permitFor(given)),
  getJob: ({ github }, given) => github.getJob(given.repository, given.jobId),
  getRun: ({ github }, { repository, runId }) => github.getRun(repository, runId),
  rerunJob: ({ github }, given) => github.rerunJob(given.repository, given.jobId),
  listOpenJobs: ({ github }, { repository }) => github.listOpenJobs(repository),
  listRepositories: ({ github }, { owner }) => github.listRepositories(owner),
  readDeprecation: ({ github }, { scope, runnerVersion }) => github.readDeprecation(scope, runnerVersion),
} as const satisfies Record<keyof GitHub, Attempt>;

const HOOKS = {
  findHooks: ({ hooks }, { scope, webhooksUrl }) => hooks.findHooks([scope], webhooksUrl),
  listDeliveries: ({ hooks }, { hook }) => hooks.listDeliveries(hook, 0, 100),
  listFailedDeliveries: ({ hooks }, { hook }) => hooks.listFailedDeliveries(hook, 0, 100),
  redeliver: ({ hooks }, { hook, deliveryId }) => hooks.redeliver(hook, deliveryId),
  readPayload: ({ hooks }, { hook, deliveryId }) => hooks.readPayload(hook, deliveryId),
} as const satisfies Record<keyof GitHubHooks, Attempt>;

const ACCESS = {
  describe: ({ access }) => access.describe(),
  listRunnerGroups: ({ access }, { scope }) => access.listRunnerGroups(scope),
} as const satisfies Record<Exclude<keyof GitHubAccess, "clockDifferenceMs">, Attempt>;

/** By the names of the ports' methods; all but those that make no call. */
export const METHODS = { ...GITHUB, ...HOOKS, ...ACCESS };
export type MethodName = keyof typeof METHODS;
export const METHOD_NAMES = Object.keys(METHODS) as readonly MethodName[];

export function attempt(connection: GitHubConnection, name: MethodName, given: Given): Promise<unknown> {
  return METHODS[name](connection, given);
}

function permitFor({ scope, runnerId: id, nowMs }: Given): RegistrationPermit {
  const over = ticket({ state: "spent", scope, runnerId: id });
  const decision = issuePermit({
    kind: "delete-registration",
    ticket: over,
    epoch: epoch(),
    time: heard(nowMs - START_MS),
  });
  if (decision.kind === "refused") throw new Error(decision.missing.join());
  return decision.permit;
}
