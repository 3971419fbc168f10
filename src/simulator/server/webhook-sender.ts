import { createHmac } from "node:crypto";
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { recordAttempt } from "../github/outbox.ts";
import type { Delivery, GitHubState, Hook, Send } from "../github/state.ts";
import type { Timers } from "./clock.ts";

/** GitHub waits for ten seconds for the answer to a delivery. */
const ANSWER_TIMEOUT_MS = 10_000;
const PARALLEL_COUNT_MAX = 16;

export interface WebhookSender {
  /** Posts in the order given, several at a time. The attempt is recorded in the model, then `onSettled` runs. */
  send(sends: readonly Send[]): void;
  /** Waits for nothing: what is on the way counts as never sent. */
  close(): void;
}

/** @param secret current HMAC secret; read at each attempt. */
export function createWebhookSender(
  state: GitHubState,
  timers: Timers,
  secret: () => string,
  onSettled: () => void,
): WebhookSender {
  const agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };
  const closing = new AbortController();
  const queue: Send[] = [];
  let activeCount = 0;

  const attempt = async (send: Send): Promise<void> => {
    const { hook } = state;
    const delivery = state.deliveries.get(send.guid);
    if (hook === null || delivery === undefined) return;
    const startedMs = timers.nowMs();
    const statusCode = await post(state.options.appId, hook, delivery, secret(), agents, closing.signal);
    if (closing.signal.aborted) return;
    const durationMs = timers.nowMs() - startedMs;
    recordAttempt(state, send.guid, { atMs: startedMs, durationMs, statusCode, isRedelivery: send.isRedelivery });
  };
  const next = (): void => {
    if (activeCount >= PARALLEL_COUNT_MAX || closing.signal.aborted) return;
    const send = queue.shift();
    if (send === undefined) return;
    activeCount += 1;
    void attempt(send).finally(() => {
      activeCount -= 1;
      if (closing.signal.aborted) return;
      onSettled();
      next();
    });
    next();
  };
  return {
    send: (sends) => {
      queue.push(...sends);
      next();
    },
    close: () => {
      closing.abort();
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

function sign(secret: string, body: string, algorithm: "sha256" | "sha1" = "sha256"): string {
  return `${algorithm}=${createHmac(algorithm, secret).update(body).digest("hex")}`;
}

/** The status that the receiver answered with; null if it did not answer. */
function post(
  appId: number,
  hook: Hook,
  delivery: Delivery,
  secret: string,
  agents: { readonly http: HttpAgent; readonly https: HttpsAgent },
  closing: AbortSignal,
): Promise<number | null> {
  const body = delivery.render();
  const isSecure = hook.url.startsWith("https:");
  const options = {
    method: "POST",
    headers: headersOf(appId, hook, delivery, secret, body),
    agent: isSecure ? agents.https : agents.http,
    signal: AbortSignal.any([closing, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
  };
  return new Promise((resolve) => {
    const onAnswer = (response: IncomingMessage) => {
      response.resume();
      response.on("error", () => {});
      resolve(response.statusCode ?? null);
    };
    const outgoing = isSecure ? requestHttps(hook.url, options, onAnswer) : requestHttp(hook.url, options, onAnswer);
    outgoing.on("error", () => resolve(null));
    outgoing.end(body);
  });
}

function headersOf(appId: number, hook: Hook, delivery: Delivery, secret: string, body: string) {
  return {
    accept: "*/*",
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "user-agent": "GitHub-Hookshot/51511da",
    "X-GitHub-Delivery": delivery.guid,
    "X-GitHub-Event": delivery.event,
    "X-GitHub-Hook-ID": String(hook.id),
    "X-GitHub-Hook-Installation-Target-ID": String(appId),
    "X-GitHub-Hook-Installation-Target-Type": "integration",
    "X-Hub-Signature": sign(secret, body, "sha1"),
    "X-Hub-Signature-256": sign(secret, body),
  };
}
