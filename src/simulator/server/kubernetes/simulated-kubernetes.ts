/**
 * A Kubernetes of one's own: the model of ../../kubernetes behind real HTTP on 127.0.0.1, and the handle on it for its
 * process. How to use it:
 *
 * ```ts
 * const cluster = await startSimulatedKubernetes({ kubernetes: { hasKubelets: false } });
 * const config = new KubeConfig();
 * config.loadFromString(cluster.kubeconfig());          // the official client, as an administrator
 * await config.makeApiClient(CoreV1Api).createNamespacedPod({ namespace: "runners", body: pod });
 * cluster.setPodStatus({ name, namespace: "runners" }, { phase: "Running" });   // as its kubelet would
 * cluster.injectFault("create pods", { kind: "answer-lost", effect: "done" });
 * cluster.calls()["create pods"];                       // how many calls were made
 * await cluster.close();
 * ```
 *
 * With `hasKubelets: false` nothing happens by itself: pods stay as they were made until the handle changes them. Otherwise
 * a scheduler and kubelets of the model bring them up and take them down, each in the time that `times` says; the
 * handle's `endContainer`, `changeNode` and the like then say what becomes of them.
 */
import { randomInt } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { callKubernetes, type KubernetesResult } from "../../kubernetes/call.ts";
import { ADMINISTRATOR_TOKEN, createKubernetes, type KubernetesSetup } from "../../kubernetes/create.ts";
import { failureStatus, REASONS, type Reason } from "../../kubernetes/errors.ts";
import { advance, nextDueMs } from "../../kubernetes/life.ts";
import type { KubernetesState } from "../../kubernetes/state.ts";
import { Chance } from "../../world/chance.ts";
import { createTimers, type Timers } from "../clock.ts";
import { type Exchange, readExchange } from "../exchange.ts";
import { type HttpListener, type ListenerCertificate, startListener } from "../listener.ts";
import { transmit } from "../transmit.ts";
import { createWatchers, type Watchers } from "../watchers.ts";
import { discover } from "./discovery.ts";
import { createHandle, type KubernetesControl } from "./handle.ts";
import { optionsOf, routeOf } from "./route.ts";
import { openWatchStream, type WatchStream } from "./watch-stream.ts";

export interface SimulatedKubernetesOptions {
  /** 0, the default: any free port. */
  readonly port?: number;
  /** Uids, and everything that is drawn; random unless given. */
  readonly seed?: number;
  /** How far the cluster's clock is ahead of this machine's. */
  readonly clockOffsetMs?: number;
  /** HTTPS with this certificate, which signs itself. kubectl sends its token over nothing else. */
  readonly certificate?: ListenerCertificate;
  /** The cluster and its habits. */
  readonly kubernetes?: KubernetesSetup;
}

export interface SimulatedKubernetes extends KubernetesControl {
  /** For a kubeconfig's `server`, without a slash at the end. */
  readonly url: string;
  /** An administrator's. */
  readonly token: string;
  /** As text, for the client's `loadFromString` or a file. @param token another caller's; the administrator's unless given. */
  kubeconfig(token?: string): string;
  /** Looks at once and after every change of the model; see Watchers. */
  waitFor: Watchers["waitFor"];
  /** The cluster's clock jumps by so much, and what is due by then happens. */
  advanceClock(byMs: number): void;
  /** Watches that are open. */
  openWatchCount(): number;
  /** Connections are reset and refused; the cluster's own time goes on. */
  goOffline(): Promise<void>;
  comeBack(): Promise<void>;
  /** Ends connections and timers. Idempotent. */
  close(): Promise<void>;
}

interface Core {
  readonly state: KubernetesState;
  readonly timers: Timers;
  readonly watchers: Watchers;
  readonly streams: Set<WatchStream>;
  listener: HttpListener | null;
  closing: Promise<void> | null;
  pump(): void;
}

/** @throws if the port is taken. */
export async function startSimulatedKubernetes(options: SimulatedKubernetesOptions = {}): Promise<SimulatedKubernetes> {
  const core = createCore(options);
  const { port = 0, certificate } = options;
  const handle = (request: IncomingMessage, response: ServerResponse) => void serve(core, request, response);
  const listener = await startListener(port, handle, certificate);
  core.listener = listener;
  core.pump();
  const url = `${certificate === undefined ? "http" : "https"}://127.0.0.1:${listener.port}`;
  return {
    ...createHandle(core),
    url,
    token: ADMINISTRATOR_TOKEN,
    kubeconfig: (token = ADMINISTRATOR_TOKEN) => writeKubeconfig(url, token, certificate),
    waitFor: core.watchers.waitFor,
    advanceClock: (byMs) => {
      core.timers.shift(byMs);
      core.pump();
    },
    openWatchCount: () => core.streams.size,
    goOffline: () => listener.close(),
    comeBack: () => listener.open(),
    close: () => {
      core.closing ??= closeCore(core);
      return core.closing;
    },
  };
}

function writeKubeconfig(server: string, token: string, certificate: ListenerCertificate | undefined): string {
  const trust =
    certificate === undefined
      ? { "insecure-skip-tls-verify": true }
      : { "certificate-authority-data": Buffer.from(certificate.certificatePem).toString("base64") };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "simulated", cluster: { server, ...trust } }],
    users: [{ name: "simulated", user: { token } }],
    contexts: [{ name: "simulated", context: { cluster: "simulated", user: "simulated", namespace: "runners" } }],
    "current-context": "simulated",
  });
}

function createCore({ seed, clockOffsetMs, kubernetes }: SimulatedKubernetesOptions): Core {
  const timers = createTimers(clockOffsetMs);
  const chance = new Chance(seed ?? randomInt(2 ** 31));
  const state = createKubernetes({ ...kubernetes, chance }, timers.nowMs());
  let cancelNext = () => {};
  const core: Core = {
    state,
    timers,
    watchers: createWatchers(timers),
    streams: new Set(),
    listener: null,
    closing: null,
    pump: () => {
      if (core.closing !== null) return;
      const nowMs = timers.nowMs();
      advance(state, nowMs);
      for (const stream of core.streams) stream.pump();
      core.watchers.changed([]);
      cancelNext();
      const dueMs = nextDueMs(state);
      cancelNext = dueMs === null ? () => {} : timers.after(dueMs - nowMs, core.pump);
    },
  };
  return core;
}

async function closeCore({ timers, watchers, listener, streams }: Core): Promise<void> {
  watchers.close();
  timers.clear();
  for (const stream of streams) stream.end();
  await listener?.close();
}

async function serve(core: Core, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const exchange = await readExchange(request, response);
    if (exchange === null) return;
    const page = exchange.method === "GET" ? discover(exchange.path, core.state.options.version) : null;
    if (page !== null) return exchange.answer(200, page);
    if (isHealthPage(exchange.path)) return writeText(response, 200, "ok");
    await serveCall(core, exchange, request.headers["content-type"]);
  } catch (error) {
    // A bug of the simulator: the caller must not wait for an answer that never comes.
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (!response.headersSent) response.writeHead(500, { "content-type": "application/json" });
    response.end(JSON.stringify(failureStatus("InternalError", message)));
  }
}

function isHealthPage(path: string): boolean {
  return path === "/readyz" || path === "/livez" || path === "/healthz";
}

async function serveCall(core: Core, exchange: Exchange, contentType: string | undefined): Promise<void> {
  const { method, path, query, authorization, body, response } = exchange;
  const routed = routeOf(method, path, query);
  if (routed.kind === "not-found")
    return refuse(exchange, "NotFound", "the server could not find the requested resource");
  if (routed.kind === "not-allowed")
    return refuse(exchange, "MethodNotAllowed", "the server does not allow this method on the requested resource");
  if (body.kind === "malformed") {
    if (!isJson(contentType)) return refuse(exchange, "UnsupportedMediaType", `${UNKNOWN_FORMAT}: application/json`);
    return refuse(
      exchange,
      "BadRequest",
      "the object provided is unrecognized: couldn't get version/kind; json parse error",
    );
  }
  const { result, transmission } = callKubernetes(
    core.state,
    {
      ...routed.route,
      options: optionsOf(query),
      body: body.kind === "json" ? body.value : undefined,
      contentType,
      token: /^Bearer (.+)$/.exec(authorization ?? "")?.[1],
    },
    core.timers.nowMs(),
  );
  core.pump();
  const isWhole = transmission.kind === "whole" || transmission.kind === "half-answer";
  if (result.kind === "watching" && (isWhole || "delayMs" in transmission)) {
    if ("delayMs" in transmission) await core.timers.sleep(transmission.delayMs);
    return streamWatch(core, result, response, transmission.kind === "half-answer");
  }
  await transmit(response, writeResult(result), transmission, core.timers);
}

const UNKNOWN_FORMAT = "the body of the request was in an unknown format - accepted media types include";

/** The real one reads YAML and protobuf, too. */
function isJson(contentType: string | undefined): boolean {
  return contentType === undefined || contentType.includes("json");
}

function streamWatch(
  core: Core,
  { watch }: Extract<KubernetesResult, { readonly kind: "watching" }>,
  response: ServerResponse,
  isHalf: boolean,
): void {
  if (response.destroyed) return;
  const stream = openWatchStream(core, watch, response, isHalf);
  core.streams.add(stream);
  response.on("close", () => {
    core.streams.delete(stream);
    stream.end();
    core.watchers.changed([]);
  });
  stream.pump();
  core.watchers.changed([]);
}

const JSON_HEADERS = { "content-type": "application/json", "cache-control": "no-cache, private" };

function writeResult(result: KubernetesResult) {
  switch (result.kind) {
    case "log":
      return { status: 200, headers: { "content-type": "text/plain" }, text: result.text };
    case "watching":
      return { status: 200, headers: JSON_HEADERS, text: "" };
    case "answered":
      return { status: result.status, headers: JSON_HEADERS, text: JSON.stringify(result.body) };
    case "refused": {
      const { retryAfterSeconds } = result.body.details ?? {};
      const wait = retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
      return { status: result.status, headers: { ...JSON_HEADERS, ...wait }, text: JSON.stringify(result.body) };
    }
  }
}

function refuse(exchange: Exchange, reason: Reason, message: string): void {
  exchange.answer(REASONS[reason], failureStatus(reason, message, {}));
}

function writeText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(text);
}
