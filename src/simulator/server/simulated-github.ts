import { firstApp, type InstallationChange, installApp, setInstallation } from "../github/apps.ts";
import type { HookPlace, HookTarget } from "../github/delivery.ts";
import { addFault, type FaultOutcome, type FaultTarget } from "../github/faults.ts";
import { approveJob, cancelJob, type JobRequest, queueJob } from "../github/jobs.ts";
import { type Redelivery, redeliverEvent, setHook } from "../github/outbox.ts";
import type { Repository } from "../github/places.ts";
import { type CredentialUsage, readUsage } from "../github/quota.ts";
import { ensureRepository, renameRepository } from "../github/repositories.ts";
import { encodeJitConfig } from "../github/rest-runners.ts";
import { type RegistrationRequest, registerRunner } from "../github/runners.ts";
import type { App, GitHubState, Runner } from "../github/state.ts";
import { type Core, closeCore, createCore, type SimulatedGitHubOptions, serve } from "./core.ts";
import { createChooseFailure, type DeliveryFailures } from "./delivery-failures.ts";
import { startListener } from "./listener.ts";
import type { Moments } from "./moments.ts";
import {
  type DeliverySnapshot,
  type JobSnapshot,
  type RunnerSnapshot,
  snapshotDelivery,
  snapshotJob,
  snapshotRunner,
} from "./snapshots.ts";
import type { Watchers } from "./watchers.ts";

export type { SimulatedGitHubOptions } from "./core.ts";

export interface WebhookTarget extends Partial<Omit<HookTarget, "url" | "secret">> {
  readonly url: string;
  /** HMAC secret of `X-Hub-Signature-256`. */
  readonly secret: string;
  /** `["workflow_job"]` unless given. `ping` is always sent. */
  readonly events?: readonly string[];
}

export interface Faults {
  /**
   * Lets the next `times` (1) calls of the operation go wrong, or the next REST calls whatever they are. Returns how to
   * take it back.
   */
  inject(target: FaultTarget, outcome: FaultOutcome, times?: number): () => void;
}

/** A GitHub of one's own: the model of ../github behind real HTTP on 127.0.0.1, and the handle on it for its process. */
export interface SimulatedGitHub extends JobHandle, RunnerHandle, HookHandle, PlaceHandle {
  /** Base of the REST calls, without a slash at the end. */
  readonly apiUrl: string;
  /** Where a browser goes; the same as `apiUrl` unless REST has a base path. */
  readonly webUrl: string;
  /** The first of the tokens that REST accepts. */
  readonly token: string;
  /** Of the first App. */
  readonly appId: number;
  /** Of the first App's first installation. */
  readonly installationId: number;
  readonly faults: Faults;
  readonly moments: Moments;
  /** What each credential used: `token octocat`, `installation 51515151`, `app 424242`. */
  usage(): { readonly [credential: string]: CredentialUsage };
  /** Looks at once and after every change of the model; see Watchers. */
  waitFor: Watchers["waitFor"];
  /** GitHub's clock jumps by so much, and what is due by then happens. */
  advanceClock(byMs: number): void;
  /** GitHub is down: connections are reset and refused, its own time goes on. */
  goOffline(): Promise<void>;
  comeBack(): Promise<void>;
  /** Ends connections, timers, holds and deliveries on the way. Idempotent. */
  close(): Promise<void>;
}

interface JobHandle {
  /** Returns the job's id. */
  queueJob(request: JobRequest): number;
  approveJob(jobId: number): boolean;
  cancelJob(jobId: number): boolean;
  /** All jobs that ever were, oldest first. */
  jobs(): readonly JobSnapshot[];
  onJobChange(listener: (job: JobSnapshot) => void): () => void;
  waitForJob(jobId: number, predicate: (job: JobSnapshot) => boolean, timeoutMs: number): Promise<JobSnapshot>;
}

interface RunnerHandle {
  /** Registrations that have not ended, oldest first; with `ended` all that ever were. */
  runners(which?: "registered" | "ended-too"): readonly RunnerSnapshot[];
  /** Registers without REST; the way to a runner that is not ephemeral. Throws if the name is taken. */
  registerRunner(request: RegistrationRequest): { readonly id: number; readonly encodedJitConfig: string };
  /** What REST claims of this runner from now on, instead of the truth; `{}` ends it. */
  misreportRunner(runnerId: number, misreport: Runner["misreport"]): void;
}

interface HookHandle {
  /**
   * The hook of the first App, or of the App of that id. Sends `ping`. Replaces the one that was there; deliveries that
   * are pending go to the new one.
   */
  setWebhook(target: WebhookTarget, appId?: number): void;
  /** One more hook, of an organization or a repository. Sends `ping`. Returns its id. */
  addHook(place: Exclude<HookPlace, { kind: "app" }>, target: WebhookTarget): number;
  deliveries(): readonly DeliverySnapshot[];
  /** By the event's GUID. */
  redeliver(guid: string): Redelivery;
  /** From now on; null ends it. */
  failDeliveries(failures: DeliveryFailures | null): void;
}

interface PlaceHandle {
  apps(): readonly Pick<App, "id" | "slug" | "permissions" | "events">[];
  /** Installs an App with all that it asks for, on all repositories unless told which. Returns the installation's id. */
  installApp(appId: number, account: string, repositories?: readonly string[]): number;
  /** What the account's owner does to an installation. */
  setInstallation(appId: number, account: string, change: InstallationChange): void;
  /** Renames or transfers it. */
  renameRepository(from: string, to: string): void;
  setRepository(fullName: string, change: Partial<Pick<Repository, "isArchived" | "isDisabled" | "isPublic">>): void;
}

/** @throws if the port is taken. */
export async function startSimulatedGitHub(options: SimulatedGitHubOptions = {}): Promise<SimulatedGitHub> {
  const core = createCore(options);
  core.listener = await startListener(options.port ?? 0, (request, response) => {
    void serve(core, request, response);
  });
  core.state.webUrl = `http://127.0.0.1:${core.listener.port}`;
  core.state.apiUrl = core.state.webUrl + core.basePath;
  return createHandle(core);
}

/** Every change from outside: act, then let follow what follows. */
type Act = <Result>(change: (nowMs: number) => Result) => Result;

function createHandle(core: Core): SimulatedGitHub {
  const { state, timers, watchers, moments } = core;
  const act: Act = (change) => {
    const result = change(timers.nowMs());
    core.pump();
    return result;
  };
  const app = firstApp(state);
  return {
    ...createJobHandle(core, act),
    ...createRunnerHandle(core, act),
    ...createHookHandle(core, act),
    ...createPlaceHandle(state, act),
    apiUrl: state.apiUrl,
    webUrl: state.webUrl,
    token: state.options.tokens[0]?.token ?? "",
    appId: app.id,
    installationId: app.installations[0]?.id ?? state.options.installationId,
    faults: { inject: (target, outcome, times) => addFault(state.faults, target, outcome, times) },
    moments,
    usage: () => readUsage(state, timers.nowMs()),
    waitFor: watchers.waitFor,
    advanceClock: (byMs) => act(() => timers.shift(byMs)),
    goOffline: async () => core.listener?.close(),
    comeBack: async () => core.listener?.open(),
    close: () => {
      core.closing ??= closeCore(core);
      return core.closing;
    },
  };
}

function createJobHandle({ state, watchers }: Core, act: Act): JobHandle {
  return {
    queueJob: (request) => act((nowMs) => queueJob(state, request, nowMs).id),
    approveJob: (jobId) => act((nowMs) => approveJob(state, jobId, nowMs)),
    cancelJob: (jobId) => act((nowMs) => cancelJob(state, jobId, nowMs)),
    jobs: () => [...state.jobs.values()].map((job) => snapshotJob(state, job)),
    onJobChange: watchers.onJobChange,
    waitForJob: (jobId, predicate, timeoutMs) => {
      const look = () => {
        const job = state.jobs.get(jobId);
        const snapshot = job === undefined ? undefined : snapshotJob(state, job);
        return snapshot !== undefined && predicate(snapshot) ? snapshot : undefined;
      };
      return watchers.waitFor(`job ${jobId}`, look, timeoutMs);
    },
  };
}

function createRunnerHandle({ state, timers }: Core, act: Act): RunnerHandle {
  return {
    runners: (which = "registered") => {
      const runners = which === "registered" ? state.registrations : state.runners;
      return [...runners.values()].map((runner) => snapshotRunner(state, runner, timers.nowMs()));
    },
    registerRunner: (request) => act((nowMs) => registerOutside(state, request, nowMs)),
    misreportRunner: (runnerId, misreport) => {
      const runner = state.runners.get(runnerId);
      if (runner === undefined) throw new Error(`misreporting runner ${runnerId}, which never was`);
      runner.misreport = misreport;
    },
  };
}

function registerOutside(state: GitHubState, request: RegistrationRequest, nowMs: number) {
  if (request.scope.kind === "repository") ensureRepository(state, request.scope.fullName);
  const runner = registerRunner(state, request, nowMs);
  if (typeof runner === "string") throw new Error(`registering one more runner ${request.name}: ${runner}`);
  return { id: runner.id, encodedJitConfig: encodeJitConfig(state, runner) };
}

function createHookHandle(core: Core, act: Act): HookHandle {
  const { state } = core;
  const set = (place: HookPlace, target: WebhookTarget) =>
    act((nowMs) => setHook(state, place, { ...TARGET_DEFAULTS, ...target }, nowMs).id);
  return {
    setWebhook: (target, appId = firstApp(state).id) => {
      if (!state.apps.has(appId)) throw new Error(`setting the hook of App ${appId}, which there is not`);
      set({ kind: "app", appId }, target);
    },
    addHook: set,
    deliveries: () => [...state.deliveries.values()].map(snapshotDelivery),
    redeliver: (guid) => act((nowMs) => redeliverEvent(state, guid, nowMs)),
    failDeliveries: (failures) => {
      core.chooseFailure = createChooseFailure(failures);
    },
  };
}

const TARGET_DEFAULTS = {
  events: ["workflow_job"],
  contentType: "json",
  isCertificateChecked: true,
  isActive: true,
} as const;

function createPlaceHandle(state: GitHubState, act: Act): PlaceHandle {
  return {
    apps: () =>
      [...state.apps.values()].map(({ id, slug, permissions, events }) => ({ id, slug, permissions, events })),
    installApp: (appId, account, repositories) => act(() => installApp(state, appId, account, repositories)),
    setInstallation: (appId, account, change) => act(() => setInstallation(state, appId, account, change)),
    renameRepository: (from, to) => act(() => renameRepository(state, from, to)),
    setRepository: (fullName, change) => act(() => Object.assign(ensureRepository(state, fullName), change)),
  };
}
