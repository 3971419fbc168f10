/** A connection whose GitHub answers what a test says, and the pools behind it. All is well unless said otherwise. */
import type { ConnectionSubject, PoolSubject } from "../../../src/app/check/subject.ts";
import type { ConnectionConfig } from "../../../src/app/config/config.ts";
import { parseConnectionName, parseDeliveryId, parseJobId, parsePoolName } from "../../../src/domain/ids.ts";
import type { JobEvent } from "../../../src/domain/job.ts";
import type { PoolPolicy } from "../../../src/domain/pool.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { BudgetReading, GitHub, GitHubConnection } from "../../../src/ports/github.ts";
import type { Access, GitHubAccess, Installation } from "../../../src/ports/github-access.ts";
import type { GitHubHooks, Hook, HookDelivery } from "../../../src/ports/github-hooks.ts";
import { pool as soundPool } from "../../domain/builders.ts";

export const NOW_MS = 1_000 * DAY_MS;
export const WEBHOOKS_URL = "https://holdfast.acme.com";
export const ADDRESS = `${WEBHOOKS_URL}/webhooks/github`;
const main = parseConnectionName("main");

/** Stands still: nothing ever comes too late. */
export function standingClock(): Clock {
  return { nowMs: () => NOW_MS, monotonicMs: () => NOW_MS, sleep: () => new Promise(() => {}) };
}

/** Every wait is over at once. */
export function hastyClock(): Clock {
  return { nowMs: () => NOW_MS, monotonicMs: () => NOW_MS, sleep: async () => {} };
}

export const GRANTED = { organization_self_hosted_runners: "write", administration: "write", actions: "read" };

export function installation(given: Partial<Installation> = {}): Installation {
  return { account: "acme", permissions: GRANTED, isSuspended: false, repositorySelection: "all", ...given };
}

export function app(given: Partial<Access & { readonly kind: "app" }> = {}): Access & { readonly kind: "app" } {
  return {
    kind: "app",
    slug: "holdfast-ci",
    permissions: GRANTED,
    events: ["workflow_job"],
    installations: [installation()],
    ...given,
  };
}

export function token(scopes: readonly string[] | null): Access & { readonly kind: "token" } {
  return { kind: "token", login: "alice", scopes };
}

export function hook(given: Partial<Hook> = {}): Hook {
  return {
    path: "/app/hook",
    url: ADDRESS,
    contentType: "json",
    isCertificateChecked: true,
    isActive: true,
    events: ["workflow_job"],
    ...given,
  };
}

/** @param agoMs before now. */
export function delivery(statusCode: number, agoMs = MINUTE_MS, given: Partial<HookDelivery> = {}): HookDelivery {
  return {
    id: String(agoMs),
    guid: parseDeliveryId(`guid-${agoMs}`),
    deliveredAtMs: NOW_MS - agoMs,
    isRedelivery: false,
    statusCode,
    status: statusCode < 300 && statusCode > 0 ? "OK" : `Invalid HTTP Response: ${statusCode}`,
    event: "workflow_job",
    action: "queued",
    ...given,
  };
}

export function openJob(labels: readonly string[], given: Partial<JobEvent> = {}): JobEvent {
  return {
    id: parseJobId(1),
    connection: main,
    repository: "acme/widgets",
    runId: 1,
    runAttempt: 1,
    name: "build",
    workflowName: "CI",
    htmlUrl: "https://github.com/acme/widgets",
    labels,
    status: "queued",
    conclusion: null,
    runnerId: null,
    runnerName: null,
    createdAtMs: NOW_MS - MINUTE_MS,
    startedAtMs: null,
    completedAtMs: null,
    queuedSeenAtMs: NOW_MS,
    ...given,
  };
}

export function policy(given: PolicyGiven = {}): PoolPolicy {
  const { name = "linux", ...rest } = given;
  return soundPool({ connection: main, labels: ["self-hosted", "linux"], ...rest, name: parsePoolName(name) });
}

type PolicyGiven = Partial<Omit<PoolPolicy, "name">> & { readonly name?: string };

export function pool(given: PolicyGiven = {}, index = 0, version: string | null = "2.336.0"): PoolSubject {
  return { policy: policy(given), path: `pools[${index}]`, readRunnerVersion: async () => version };
}

export function connectionConfig(given: Partial<ConnectionConfig> = {}): ConnectionConfig {
  return {
    name: main,
    apiUrl: "https://api.github.com",
    auth: { kind: "app", appId: 123_456, privateKeyPem: "SECRETKEY" },
    network: { caPem: null, proxy: null },
    demand: "webhooks",
    webhookSecrets: ["SECRETOFWEBHOOK"],
    ...given,
  };
}

export interface Answers {
  readonly github: Partial<GitHub>;
  readonly hooks: Partial<GitHubHooks>;
  readonly access: Partial<GitHubAccess>;
  readonly budgets: readonly BudgetReading[];
}

const WRITES = async (): Promise<never> => {
  throw new Error("the check called something that writes");
};

/** Whatever writes fails the test. */
export function connectionOf(answers: Partial<Answers> = {}): GitHubConnection {
  const absent = { kind: "absent", observedAtMs: NOW_MS } as const;
  const github: GitHub = {
    mintTicket: WRITES,
    deleteRunner: WRITES,
    getJob: WRITES,
    getRun: WRITES,
    rerunJob: WRITES,
    listRunners: async () => [],
    findRunner: async () => absent,
    listOpenJobs: async () => [],
    listRepositories: async () => ["acme/widgets"],
    readDeprecation: async () => absent,
    ...answers.github,
  };
  const hooks: GitHubHooks = {
    findHooks: async () => [hook()],
    listDeliveries: async () => [delivery(202)],
    listFailedDeliveries: async () => [],
    redeliver: WRITES,
    readPayload: WRITES,
    ...answers.hooks,
  };
  const access: GitHubAccess = {
    describe: async () => app(),
    listRunnerGroups: async () => [{ name: "Default", allowsPublicRepositories: false }],
    clockDifferenceMs: () => SECOND_MS,
    ...answers.access,
  };
  return { github, hooks, access, readBudgets: () => answers.budgets ?? [] };
}

export function subject(
  answers: Partial<Answers> = {},
  given: Partial<Omit<ConnectionSubject, "connection">> = {},
): ConnectionSubject {
  const connection = connectionOf(answers);
  return {
    config: connectionConfig(),
    connection,
    pools: [pool()],
    webhooksUrl: WEBHOOKS_URL,
    clock: standingClock(),
    listRepositories: (owner) => connection.github.listRepositories(owner),
    ...given,
  };
}
