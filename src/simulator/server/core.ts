import { generateKeyPairSync, randomInt } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createGitHub } from "../github/create.ts";
import { createSeededIds } from "../github/ids.ts";
import { advance, nextDueMs } from "../github/lease.ts";
import { ALL_SCOPES, type KeyPair, type TokenOption } from "../github/options.ts";
import { redeliver, takeDueSends } from "../github/outbox.ts";
import { ensureRepository } from "../github/repositories.ts";
import { handleRest } from "../github/rest.ts";
import { NOT_FOUND } from "../github/rest-answer.ts";
import type { GitHubOptions, GitHubState, Session } from "../github/state.ts";
import { PROTOCOL_PREFIX } from "../runner/protocol.ts";
import { createTimers, formatHttpDate, type Timers } from "./clock.ts";
import { identifyCaller, readBearer } from "./credentials.ts";
import { createChooseFailure } from "./delivery-failures.ts";
import { type Exchange, readExchange } from "./exchange.ts";
import type { HttpListener } from "./listener.ts";
import { isManifestPage, serveManifestPage } from "./manifest-page.ts";
import { createMoments, type MomentBoard, type MomentListener } from "./moments.ts";
import { handleRunnerCall, type RunnerApi } from "./runner-api.ts";
import { type JobSnapshot, snapshotJob } from "./snapshots.ts";
import { transmit } from "./transmit.ts";
import { createWatchers, type Watchers } from "./watchers.ts";
import { type ChooseFailure, createWebhookSender, type WebhookSender } from "./webhook-sender.ts";

export interface SimulatedGitHubOptions {
  /** 0, the default: any free port. */
  readonly port?: number;
  /**
   * Tokens that REST accepts; one of its own making unless given. A text is a classic token of `octocat` with every
   * scope that something here asks for.
   */
  readonly tokens?: readonly (string | TokenOption)[];
  /** PEM of the public key of the App that there is unless `github.apps` names others. See GitHubOptions. */
  readonly appPublicKey?: string;
  /** Full names of repositories that exist from the start, and with them their organizations. */
  readonly repositories?: readonly string[];
  /** Under which REST is, without a slash at the end: `/api/v3` at a GitHub Enterprise Server. Empty unless given. */
  readonly basePath?: string;
  /** How far GitHub's clock is ahead of this machine's. */
  readonly clockOffsetMs?: number;
  /** How long GitHub holds a poll without a message. GitHub: about 50 s. */
  readonly longPollMs?: number;
  /** How long GitHub waits for the answer to a delivery. GitHub: 10 s. */
  readonly webhookAnswerTimeoutMs?: number;
  /**
   * Sends failed deliveries again at this period. GitHub never does: this stands for an operator, or for a sweep over
   * missed events, who asks GitHub for the redelivery. Off unless given.
   */
  readonly redeliverFailedEveryMs?: number;
  /** The ids that GitHub gives; random unless given. */
  readonly seed?: number;
  /** GitHub's own times and limits, its Apps and enterprises, and the answers to what is not known of it. */
  readonly github?: Partial<Omit<GitHubOptions, "ids" | "tokens" | "appPublicKey" | "createKeyPair">>;
  /** Called at every moment of every runner, and awaited. */
  readonly onMoment?: MomentListener;
}

/** What the parts of one server share. */
export interface Core {
  readonly state: GitHubState;
  readonly basePath: string;
  readonly timers: Timers;
  readonly moments: MomentBoard;
  readonly watchers: Watchers;
  readonly sender: WebhookSender;
  readonly runnerApi: RunnerApi;
  chooseFailure: ChooseFailure;
  listener: HttpListener | null;
  closing: Promise<void> | null;
  pump(): void;
}

const LONG_POLL_MS = 50_000;
const TOKEN = "ghp_simulated";
const TOKEN_LOGIN = "octocat";
const KEY_BITS = 2_048;

function createState(options: SimulatedGitHubOptions): GitHubState {
  const state = createGitHub({
    ...options.github,
    ids: createSeededIds(options.seed ?? randomInt(2 ** 31)),
    tokens: (options.tokens ?? [TOKEN]).map(describeToken),
    appPublicKey: options.appPublicKey ?? null,
    createKeyPair,
  });
  for (const fullName of options.repositories ?? []) ensureRepository(state, fullName);
  return state;
}

function describeToken(token: string | TokenOption, index: number): TokenOption {
  if (typeof token !== "string") return token;
  return { token, login: index === 0 ? TOKEN_LOGIN : `${TOKEN_LOGIN}-${index + 1}`, scopes: ALL_SCOPES };
}

/** In the format in which GitHub gives an App its key. */
function createKeyPair(): KeyPair {
  return generateKeyPairSync("rsa", {
    modulusLength: KEY_BITS,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
}

export function createCore(options: SimulatedGitHubOptions): Core {
  const state = createState(options);
  const timers = createTimers(options.clockOffsetMs);
  const moments = createMoments(timers);
  if (options.onMoment !== undefined) moments.observe(options.onMoment);
  const watchers = createWatchers(timers);
  const waitingPolls = new Set<WaitingPoll>();
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
  const waitForMessage = createWait(waitingPolls, timers);
  const core: Core = {
    state,
    basePath: options.basePath ?? "",
    timers,
    moments,
    watchers,
    sender: createWebhookSender({
      state,
      timers,
      answerTimeoutMs: options.webhookAnswerTimeoutMs,
      chooseFailure: (delivery, send) => core.chooseFailure(delivery, send),
      onSettled: pump,
    }),
    runnerApi: { state, timers, moments, longPollMs: options.longPollMs ?? LONG_POLL_MS, pump, waitForMessage },
    chooseFailure: createChooseFailure(null),
    listener: null,
    closing: null,
    pump,
  };
  if (options.redeliverFailedEveryMs !== undefined) redeliverFailed(core, options.redeliverFailedEveryMs);
  return core;
}

interface WaitingPoll {
  readonly session: Session;
  readonly wake: () => void;
}

function createWait(waitingPolls: Set<WaitingPoll>, timers: Timers): RunnerApi["waitForMessage"] {
  return (session, timeoutMs, gone) =>
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

function redeliverFailed(core: Core, periodMs: number): void {
  const { state, timers } = core;
  timers.after(periodMs, () => {
    for (const delivery of state.deliveries.values()) {
      if (delivery.status === "failed") redeliver(state, delivery.id, timers.nowMs());
    }
    core.pump();
    redeliverFailed(core, periodMs);
  });
}

export async function serve(core: Core, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    response.setHeader("date", formatHttpDate(core.timers.nowMs()));
    const exchange = await readExchange(request, response);
    if (exchange === null) return;
    if (exchange.path.startsWith(`${PROTOCOL_PREFIX}/`)) await handleRunnerCall(core.runnerApi, exchange);
    else if (isManifestPage(exchange)) serveManifestPage(core.state, exchange, core.timers.nowMs());
    else await serveRest(core, exchange);
  } catch (error) {
    // A bug of the simulator: the caller must not wait for an answer that never comes.
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (!response.headersSent) response.writeHead(500, { "content-type": "application/json" });
    response.end(JSON.stringify({ message }));
  }
}

async function serveRest(core: Core, exchange: Exchange): Promise<void> {
  const { state, timers, basePath } = core;
  const { method, query, body, ifNoneMatch } = exchange;
  if (!exchange.path.startsWith(`${basePath}/`)) {
    exchange.answer(NOT_FOUND.status, NOT_FOUND.body);
    return;
  }
  const path = exchange.path.slice(basePath.length);
  const bearer = readBearer(exchange.authorization);
  const nowMs = timers.nowMs();
  const caller = identifyCaller(state, bearer, nowMs);
  const request = { method, path, query, body, caller, bearer: bearer ?? "", ifNoneMatch };
  const { answer, transmission } = handleRest(state, request, nowMs);
  core.pump();
  await transmit(exchange.response, answer, transmission, timers);
}

export async function closeCore(core: Core): Promise<void> {
  core.moments.releaseAll();
  core.watchers.close();
  core.sender.close();
  core.timers.clear();
  await core.listener?.close();
}
