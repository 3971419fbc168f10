import { randomInt } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type ApiOperation, addFault, type FaultOutcome } from "../github/faults.ts";
import { createSeededIds } from "../github/ids.ts";
import { approveJob, cancelJob, type JobRequest, queueJob } from "../github/jobs.ts";
import { advance, nextDueMs } from "../github/lease.ts";
import { type Redelivery, redeliver, setHook, takeDueSends } from "../github/outbox.ts";
import { handleRest } from "../github/rest.ts";
import { encodeJitConfig } from "../github/rest-runners.ts";
import { type RegistrationRequest, registerRunner } from "../github/runners.ts";
import {
  createGitHub,
  ensureRepository,
  type GitHubOptions,
  type GitHubState,
  type Runner,
  type Session,
} from "../github/state.ts";
import { PROTOCOL_PREFIX } from "../runner/protocol.ts";
import { createTimers, type Timers } from "./clock.ts";
import { type Credentials, identifyCaller } from "./credentials.ts";
import { type Exchange, readExchange } from "./exchange.ts";
import { type HttpListener, startListener } from "./listener.ts";
import { createMoments, type MomentBoard, type MomentListener, type Moments } from "./moments.ts";
import { handleRunnerCall, type RunnerApi } from "./runner-api.ts";
import {
  type DeliverySnapshot,
  type JobSnapshot,
  type RunnerSnapshot,
  snapshotDelivery,
  snapshotJob,
  snapshotRunner,
} from "./snapshots.ts";
import { createWatchers, type Watchers } from "./watchers.ts";
import { createWebhookSender, type WebhookSender } from "./webhook-sender.ts";

export interface SimulatedGitHubOptions {
  /** 0, the default: any free port. */
  readonly port?: number;
  /** Tokens that REST accepts; one of its own making unless given. */
  readonly tokens?: readonly string[];
  /** PEM of the App's public key. Without it the signature of a JWT is not checked. */
  readonly appPublicKey?: string;
  /** Full names of repositories that exist from the start, and with them their organizations. */
  readonly repositories?: readonly string[];
  /** How long GitHub holds a poll without a message. GitHub: about 50 s. */
  readonly longPollMs?: number;
  /**
   * Sends failed deliveries again at this period. GitHub never does: this stands for an operator, or for a sweep over
   * missed events, who asks GitHub for the redelivery. Off unless given.
   */
  readonly redeliverFailedEveryMs?: number;
  /** The ids that GitHub gives; random unless given. */
  readonly seed?: number;
  /** GitHub's own times and the answers to what is not known of it. */
  readonly github?: Partial<Omit<GitHubOptions, "ids">>;
  /** Called at every moment of every runner, and awaited. */
  readonly onMoment?: MomentListener;
}

export interface WebhookTarget {
  readonly url: string;
  /** HMAC secret of `X-Hub-Signature-256`. */
  readonly secret: string;
  /** `["workflow_job"]` unless given. `ping` is always sent. */
  readonly events?: readonly string[];
}

export interface Faults {
  /** Lets the next `times` (1) calls of the operation go wrong. Returns how to take it back. */
  inject(operation: ApiOperation, outcome: FaultOutcome, times?: number): () => void;
}

/** A GitHub of one's own: the model of ../github behind real HTTP on 127.0.0.1, and the handle on it for its process. */
export interface SimulatedGitHub {
  /** Base of the REST calls, without a slash at the end. */
  readonly apiUrl: string;
  /** The first of the tokens that REST accepts. */
  readonly token: string;
  readonly appId: number;
  readonly installationId: number;
  /** Returns the job's id. */
  queueJob(request: JobRequest): number;
  approveJob(jobId: number): boolean;
  cancelJob(jobId: number): boolean;
  /** All jobs that ever were, oldest first. */
  jobs(): readonly JobSnapshot[];
  /** Registrations that have not ended, oldest first; with `ended` all that ever were. */
  runners(which?: "registered" | "ended-too"): readonly RunnerSnapshot[];
  /** Registers without REST; the way to a runner that is not ephemeral. Throws if the name is taken. */
  registerRunner(request: RegistrationRequest): { readonly id: number; readonly encodedJitConfig: string };
  /** What REST claims of this runner from now on, instead of the truth; `{}` ends it. */
  misreportRunner(runnerId: number, misreport: Runner["misreport"]): void;
  /** Sends `ping`. Replaces the hook that was there; deliveries that are pending go to the new one. */
  setWebhook(target: WebhookTarget): void;
  deliveries(): readonly DeliverySnapshot[];
  redeliver(guid: string): Redelivery;
  readonly faults: Faults;
  readonly moments: Moments;
  onJobChange(listener: (job: JobSnapshot) => void): () => void;
  waitForJob(jobId: number, predicate: (job: JobSnapshot) => boolean, timeoutMs: number): Promise<JobSnapshot>;
  /** Looks at once and after every change of the model; see Watchers. */
  waitFor: Watchers["waitFor"];
  /** GitHub is down: connections are reset and refused, its own time goes on. */
  goOffline(): Promise<void>;
  comeBack(): Promise<void>;
  /** Ends connections, timers, holds and deliveries on the way. Idempotent. */
  close(): Promise<void>;
}

const LONG_POLL_MS = 50_000;
const TOKEN = "ghp_simulated";

/** @throws if the port is taken. */
export async function startSimulatedGitHub(options: SimulatedGitHubOptions = {}): Promise<SimulatedGitHub> {
  const timers = createTimers();
  const ids = createSeededIds(options.seed ?? randomInt(2 ** 31));
  const state = createGitHub({ ...options.github, ids });
  for (const fullName of options.repositories ?? []) ensureRepository(state, fullName);
  const core = createCore(state, timers, options);
  core.listener = await startListener(options.port ?? 0, (request, response) => {
    void serve(core, request, response);
  });
  state.apiUrl = `http://127.0.0.1:${core.listener.port}`;
  const periodMs = options.redeliverFailedEveryMs;
  if (periodMs !== undefined) redeliverFailed(core, periodMs);
  return createHandle(core);
}

/** What the parts of one server share. */
interface Core {
  readonly state: GitHubState;
  readonly timers: Timers;
  readonly credentials: Credentials;
  readonly moments: MomentBoard;
  readonly watchers: Watchers;
  readonly sender: WebhookSender;
  readonly runnerApi: RunnerApi;
  listener: HttpListener | null;
  secret: string;
  closing: Promise<void> | null;
  pump(): void;
}

function createCore(state: GitHubState, timers: Timers, options: SimulatedGitHubOptions): Core {
  const moments = createMoments(timers);
  if (options.onMoment !== undefined) moments.observe(options.onMoment);
  const watchers = createWatchers(timers);
  const waitingPolls = new Set<{ readonly session: Session; readonly wake: () => void }>();
  let cancelNext = () => {};
  const pump = (): void => {
    if (core.closing !== null) return;
    const nowMs = timers.nowMs();
    advance(state, nowMs);
    core.sender.send(takeDueSends(state, nowMs));
    for (const { session, wake } of [...waitingPolls]) if (session.messages.length > 0) wake();
    watchers.changed(takeChangedJobs(state));
    cancelNext();
    const dueMs = nextDueMs(state);
    cancelNext = dueMs === null ? () => {} : timers.after(dueMs - nowMs, pump);
  };
  const waitForMessage: RunnerApi["waitForMessage"] = (session, timeoutMs, gone) =>
    new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        gone.removeEventListener("abort", wake);
        waitingPolls.delete(waiting);
        resolve();
      };
      const cancel = timers.after(timeoutMs, wake);
      gone.addEventListener("abort", wake);
      const waiting = { session, wake };
      waitingPolls.add(waiting);
      if (gone.aborted || session.messages.length > 0) wake();
    });
  const core: Core = {
    state,
    timers,
    credentials: { tokens: options.tokens ?? [TOKEN], appPublicKey: options.appPublicKey ?? null },
    moments,
    watchers,
    sender: createWebhookSender(state, timers, () => core.secret, pump),
    runnerApi: { state, timers, moments, longPollMs: options.longPollMs ?? LONG_POLL_MS, pump, waitForMessage },
    listener: null,
    secret: "",
    closing: null,
    pump,
  };
  return core;
}

function takeChangedJobs(state: GitHubState): readonly JobSnapshot[] {
  const changed: JobSnapshot[] = [];
  for (const id of state.changedJobIds) {
    const job = state.jobs.get(id);
    if (job !== undefined) changed.push(snapshotJob(state, job));
  }
  state.changedJobIds.clear();
  return changed;
}

async function serve(core: Core, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const exchange = await readExchange(request, response);
    if (exchange === null) return;
    if (exchange.path.startsWith(`${PROTOCOL_PREFIX}/`)) await handleRunnerCall(core.runnerApi, exchange);
    else await serveRest(core, exchange);
  } catch (error) {
    // A bug of the simulator: the caller must not wait for an answer that never comes.
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (!response.headersSent) response.writeHead(500, { "content-type": "application/json" });
    response.end(JSON.stringify({ message }));
  }
}

async function serveRest(core: Core, exchange: Exchange): Promise<void> {
  const { state, timers } = core;
  const { method, path, query, body } = exchange;
  const caller = identifyCaller(state, core.credentials, exchange.authorization, timers.nowMs());
  const outcome = handleRest(state, { method, path, query, body, caller }, timers.nowMs());
  core.pump();
  if (outcome.delayMs > 0) await timers.sleep(outcome.delayMs);
  if (outcome.answer === null) exchange.drop();
  else exchange.answer(outcome.answer.status, outcome.answer.body, outcome.answer.headers);
}

function redeliverFailed(core: Core, periodMs: number): void {
  const { state, timers } = core;
  timers.after(periodMs, () => {
    for (const delivery of state.deliveries.values()) {
      if (delivery.status === "failed") redeliver(state, delivery.guid, timers.nowMs());
    }
    core.pump();
    redeliverFailed(core, periodMs);
  });
}

function createHandle(core: Core): SimulatedGitHub {
  const { state, timers, watchers } = core;
  /** Every change from outside: act, then let follow what follows. */
  const act = <Result>(change: (nowMs: number) => Result): Result => {
    const result = change(timers.nowMs());
    core.pump();
    return result;
  };
  return {
    apiUrl: state.apiUrl,
    token: core.credentials.tokens[0] ?? "",
    appId: state.options.appId,
    installationId: state.options.installationId,
    queueJob: (request) => act((nowMs) => queueJob(state, request, nowMs).id),
    approveJob: (jobId) => act((nowMs) => approveJob(state, jobId, nowMs)),
    cancelJob: (jobId) => act((nowMs) => cancelJob(state, jobId, nowMs)),
    jobs: () => [...state.jobs.values()].map((job) => snapshotJob(state, job)),
    runners: (which) => snapshotRunners(core, which),
    registerRunner: (request) => act((nowMs) => registerOutside(state, request, nowMs)),
    misreportRunner: (runnerId, misreport) => {
      const runner = state.runners.get(runnerId);
      if (runner === undefined) throw new Error(`misreporting runner ${runnerId}, which never was`);
      runner.misreport = misreport;
    },
    setWebhook: ({ url, secret, events }) => {
      core.secret = secret;
      act((nowMs) => setHook(state, { url, events: events ?? ["workflow_job"] }, nowMs));
    },
    deliveries: () => [...state.deliveries.values()].map(snapshotDelivery),
    redeliver: (guid) => act((nowMs) => redeliver(state, guid, nowMs)),
    faults: { inject: (operation, outcome, times) => addFault(state.faults, operation, outcome, times) },
    moments: core.moments,
    onJobChange: watchers.onJobChange,
    waitForJob: (jobId, predicate, timeoutMs) => waitForJob(core, jobId, predicate, timeoutMs),
    waitFor: watchers.waitFor,
    goOffline: async () => core.listener?.close(),
    comeBack: async () => core.listener?.open(),
    close: () => {
      core.closing ??= closeCore(core);
      return core.closing;
    },
  };
}

function snapshotRunners(core: Core, which: "registered" | "ended-too" = "registered"): readonly RunnerSnapshot[] {
  const { state, timers } = core;
  const runners = which === "registered" ? state.registrations : state.runners;
  return [...runners.values()].map((runner) => snapshotRunner(state, runner, timers.nowMs()));
}

function registerOutside(state: GitHubState, request: RegistrationRequest, nowMs: number) {
  if (request.scope.kind === "repository") ensureRepository(state, request.scope.fullName);
  const runner = registerRunner(state, request, nowMs);
  if (runner === "name-taken") throw new Error(`registering a second runner ${request.name}`);
  return { id: runner.id, encodedJitConfig: encodeJitConfig(state, runner) };
}

function waitForJob(
  core: Core,
  jobId: number,
  predicate: (job: JobSnapshot) => boolean,
  timeoutMs: number,
): Promise<JobSnapshot> {
  const { state, watchers } = core;
  const look = () => {
    const job = state.jobs.get(jobId);
    const snapshot = job === undefined ? undefined : snapshotJob(state, job);
    return snapshot !== undefined && predicate(snapshot) ? snapshot : undefined;
  };
  return watchers.waitFor(`job ${jobId}`, look, timeoutMs);
}

async function closeCore(core: Core): Promise<void> {
  core.moments.releaseAll();
  core.watchers.close();
  core.sender.close();
  core.timers.clear();
  await core.listener?.close();
}
