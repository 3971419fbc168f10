import type { Scope } from "../../src/simulator/github/places.ts";
import { callBroker } from "../../src/simulator/runner/broker-client.ts";
import type {
  AcquiredJob,
  BrokerMessage,
  OpenedSession,
  RunnerState,
  TaskResult,
} from "../../src/simulator/runner/protocol.ts";
import type { SimulatedGitHub } from "../../src/simulator/server/simulated-github.ts";

/** A listener without a process: the calls of the stand-in protocol, one by one, in the order that a test wants. */
export interface ScriptedRunner {
  readonly id: number;
  readonly token: string;
  call(method: "GET" | "POST" | "DELETE", path: string, body?: object, token?: string): ReturnType<typeof callBroker>;
  openSession(): Promise<number>;
  poll(state?: RunnerState): Promise<BrokerMessage | number>;
  acquire(message: BrokerMessage): Promise<AcquiredJob | number>;
  /** Polls until there is a job, acknowledges and acquires it. */
  takeJob(): Promise<AcquiredJob>;
  renew(job: AcquiredJob): Promise<number>;
  start(job: AcquiredJob): Promise<number>;
  complete(job: AcquiredJob, result: TaskResult, failedStepIndex?: number): Promise<number>;
  closeSession(): Promise<number>;
}

export interface ScriptedOptions {
  readonly name: string;
  readonly labels: readonly string[];
  readonly isEphemeral?: boolean;
  readonly repository?: string;
  readonly groupId?: number;
  /** Unless it is a repository's or of `acme`. */
  readonly scope?: Scope;
  readonly version?: string;
}

const POLL_COUNT_MAX = 50;

export function registerScripted(github: SimulatedGitHub, options: ScriptedOptions): ScriptedRunner {
  const { id, encodedJitConfig } = github.registerRunner({
    scope: options.scope ?? scopeOf(options.repository),
    name: options.name,
    labels: options.labels,
    groupId: options.groupId ?? 1,
    isEphemeral: options.isEphemeral ?? true,
  });
  const token = `${id}:${readSecret(encodedJitConfig)}`;
  let sessionId = "";
  const call: ScriptedRunner["call"] = (method, path, body, as = token) =>
    callBroker(github.webUrl, { method, path, token: as, ...(body === undefined ? {} : { body }) });
  const runner: ScriptedRunner = {
    id,
    token,
    call,
    openSession: async () => {
      const body = { agentId: id, agentName: options.name, version: options.version ?? "2.336.0", os: "Linux" };
      const opened = await call("POST", "/sessions", body);
      if (opened.status === 201) sessionId = (opened.body as OpenedSession).sessionId;
      return opened.status;
    },
    poll: async (state = "Online") => {
      const polled = await call("GET", `/sessions/${sessionId}/message?status=${state}`);
      return polled.status === 200 ? (polled.body as BrokerMessage) : polled.status;
    },
    acquire: async (message) => {
      const runnerRequestId = message.messageType === "RunnerJobRequest" ? message.runnerRequestId : "";
      const acquired = await call("POST", "/acquire", { runnerRequestId });
      return acquired.status === 200 ? (acquired.body as AcquiredJob) : acquired.status;
    },
    takeJob: () => takeJob(runner),
    renew: async (job) => (await call("POST", "/renew", {}, job.token)).status,
    start: async (job) => (await call("POST", "/start", {}, job.token)).status,
    complete: async (job, result, failedStepIndex) =>
      (await call("POST", "/complete", { result, failedStepIndex: failedStepIndex ?? null }, job.token)).status,
    closeSession: async () => (await call("DELETE", `/sessions/${sessionId}`)).status,
  };
  return runner;
}

function scopeOf(repository: string | undefined): Scope {
  return repository === undefined
    ? { kind: "organization", organization: "acme" }
    : { kind: "repository", fullName: repository };
}

export async function connectRunner(github: SimulatedGitHub, options: ScriptedOptions): Promise<ScriptedRunner> {
  const runner = registerScripted(github, options);
  const status = await runner.openSession();
  if (status !== 201) throw new Error(`opening a session for ${options.name}: ${status}`);
  return runner;
}

async function takeJob(runner: ScriptedRunner): Promise<AcquiredJob> {
  for (let pollCount = 0; pollCount < POLL_COUNT_MAX; pollCount += 1) {
    const message = await runner.poll();
    if (typeof message === "number" || message.messageType !== "RunnerJobRequest") continue;
    await runner.call("POST", "/acknowledge", { runnerRequestId: message.runnerRequestId });
    const job = await runner.acquire(message);
    if (typeof job === "number") throw new Error(`acquiring: ${job}`);
    return job;
  }
  throw new Error("no job came");
}

export function readSecret(encodedJitConfig: string): string {
  const decode = (text: string) => Buffer.from(text, "base64").toString("utf8");
  const files = JSON.parse(decode(encodedJitConfig)) as Record<string, string>;
  const key = JSON.parse(decode(files[".credentials_rsaparams"] ?? "")) as { readonly d: string };
  return decode(key.d);
}

/** A JWT as an App makes it; the signature is not one unless `sign` makes it. */
export function appJwt(appId: number, sign: (text: string) => string = () => "unsigned", lifeSeconds = 600): string {
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { iat: nowSeconds - 30, exp: nowSeconds + lifeSeconds - 30, iss: appId };
  const text = `${encode({ alg: "RS256", typ: "JWT" })}.${encode(claims)}`;
  return `${text}.${sign(text)}`;
}
