import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../domain/units.ts";
import { type AppOption, DEFAULT_PERMISSIONS } from "./options.ts";
import type { App, GitHubOptions, GitHubState, Job, Runner } from "./state.ts";

const DEFAULTS: Omit<GitHubOptions, "ids"> = {
  appId: 424_242,
  appSlug: "holdfast-simulated",
  installationId: 51_515_151,
  appPublicKey: null,
  appPermissions: DEFAULT_PERMISSIONS,
  apps: [],
  tokens: [],
  runnerGroups: [{ id: 1, name: "Default", repositories: "all" }],
  enterprises: [],
  users: [],
  runnersPerGroupMax: 10_000,
  deprecations: {},
  primaryLimit: 5_000,
  primaryWindowMs: HOUR_MS,
  pointsPerMinute: 900,
  hasLargeDeliveryIds: false,
  assignmentTimeoutMs: MINUTE_MS,
  lostAssignmentCountMax: 3,
  leaseMs: 10 * MINUTE_MS,
  queuedMaxMs: DAY_MS,
  offlineAfterMs: MINUTE_MS,
  offlineRegistrationMaxMs: DAY_MS,
  isAcquireAllowedAfterDelete: true,
  chooseRunner: chooseFreshRunner,
  createKeyPair: () => {
    throw new Error("making an App from a manifest without a maker of keys");
  },
};

/** The lowest id among those that did not lose this job before; the lowest of all if each of them did. */
function chooseFreshRunner(candidates: readonly Runner[], job: Job): Runner {
  const fresh = candidates.find((runner) => !job.lostByRunnerIds.has(runner.id)) ?? candidates[0];
  if (fresh === undefined) throw new Error("choosing a runner without candidates");
  return fresh;
}

export function createGitHub(options: Partial<GitHubOptions> & Pick<GitHubOptions, "ids">): GitHubState {
  const all: GitHubOptions = { ...DEFAULTS, ...options };
  return {
    options: all,
    apiUrl: "https://api.github.com",
    webUrl: "https://github.com",
    repositories: new Map(),
    formerNames: new Map(),
    jobs: new Map(),
    openJobs: new Map(),
    runners: new Map(),
    registrations: new Map(),
    sessions: new Map(),
    requests: new Map(),
    hooks: new Map(),
    deliveries: new Map(),
    attempts: new Map(),
    sends: [],
    faults: [],
    apps: createApps(all),
    manifests: new Map(),
    installationTokens: new Map(),
    quotas: new Map(),
    changedJobIds: new Set(),
  };
}

const EVENTS = ["workflow_job"];

function createApps(options: GitHubOptions): Map<number, App> {
  const apps = options.apps.length === 0 ? [createDefaultApp(options)] : options.apps.map(createApp);
  return new Map(apps.map((app) => [app.id, app]));
}

function createDefaultApp(options: GitHubOptions): App {
  const { appId, appSlug, installationId, appPublicKey, appPermissions } = options;
  const app = createApp({ id: appId, slug: appSlug, permissions: appPermissions, installations: [] });
  app.installations.push({
    id: installationId,
    appId,
    account: null,
    repositorySelection: "all",
    repositories: [],
    permissions: appPermissions,
    isSuspended: false,
  });
  return { ...app, publicKey: appPublicKey };
}

function createApp(option: AppOption): App {
  const { id, slug, publicKey = null, permissions = DEFAULT_PERMISSIONS, events = EVENTS } = option;
  const installations = option.installations.map((installation) => ({
    id: installation.id,
    appId: id,
    account: installation.account,
    repositorySelection: installation.repositorySelection ?? ("all" as const),
    repositories: installation.repositories ?? [],
    permissions: installation.permissions ?? permissions,
    isSuspended: installation.isSuspended ?? false,
  }));
  return { id, slug, name: slug, clientId: `Iv23li${id}`, owner: null, publicKey, permissions, events, installations };
}
