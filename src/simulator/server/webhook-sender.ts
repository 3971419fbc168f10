import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { Delivery, DeliveryAttempt, Hook, Send } from "../github/delivery.ts";
import { headersOf, renderBody } from "../github/hooks.ts";
import { recordAttempt } from "../github/outbox.ts";
import type { GitHubState } from "../github/state.ts";
import type { Timers } from "./clock.ts";

/** GitHub waits for ten seconds for the answer to a delivery. */
const ANSWER_TIMEOUT_MS = 10_000;
const PARALLEL_COUNT_MAX = 16;
/** Of the answer so much is kept. */
const RESPONSE_BYTES_MAX = 16_384;

export interface WebhookSender {
  /** Posts in the order given, several at a time. The attempt is recorded in the model, then `onSettled` runs. */
  send(sends: readonly Send[]): void;
  /** Waits for nothing: what is on the way counts as never sent. */
  close(): void;
}

/** The status that the receiver answers with instead of being asked, 0 for none; null to ask it. */
export type ChooseFailure = (delivery: Delivery, send: Send) => number | null;

export interface WebhookSenderOptions {
  readonly state: GitHubState;
  readonly timers: Timers;
  readonly answerTimeoutMs?: number | undefined;
  readonly chooseFailure: ChooseFailure;
  onSettled(): void;
}

type Outcome = Pick<DeliveryAttempt, "statusCode" | "failure" | "response">;

const UNREACHED: Outcome = { statusCode: null, failure: "failed to connect to host", response: null };

export function createWebhookSender(options: WebhookSenderOptions): WebhookSender {
  const { state, timers, chooseFailure, onSettled, answerTimeoutMs = ANSWER_TIMEOUT_MS } = options;
  const agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };
  const closing = new AbortController();
  const queue: Send[] = [];
  let activeCount = 0;

  const attempt = async (send: Send): Promise<void> => {
    const delivery = state.deliveries.get(send.deliveryId);
    const hook = delivery === undefined ? undefined : state.hooks.get(delivery.hookId);
    if (hook === undefined || delivery === undefined) return;
    const startedMs = timers.nowMs();
    const failure = chooseFailure(delivery, send);
    const outcome =
      failure === null
        ? await post(hook, delivery, agents, closing.signal, answerTimeoutMs)
        : failure === 0
          ? UNREACHED
          : { statusCode: failure, failure: null, response: null };
    if (closing.signal.aborted) return;
    const durationMs = timers.nowMs() - startedMs;
    recordAttempt(state, delivery.id, { atMs: startedMs, durationMs, isRedelivery: send.isRedelivery, ...outcome });
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

function post(
  hook: Hook,
  delivery: Delivery,
  agents: { readonly http: HttpAgent; readonly https: HttpsAgent },
  closing: AbortSignal,
  answerTimeoutMs: number,
): Promise<Outcome> {
  const { url, isCertificateChecked } = hook.target;
  const body = renderBody(hook, delivery);
  const isSecure = url.startsWith("https:");
  const timeout = AbortSignal.timeout(answerTimeoutMs);
  const options = {
    method: "POST",
    headers: { ...headersOf(hook, delivery, body), "content-length": Buffer.byteLength(body) },
    agent: isSecure ? agents.https : agents.http,
    signal: AbortSignal.any([closing, timeout]),
    rejectUnauthorized: isCertificateChecked,
  };
  return new Promise((resolve) => {
    const fail = () => resolve(timeout.aborted ? { ...UNREACHED, failure: "timed out" } : UNREACHED);
    const onAnswer = (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let byteCount = 0;
      response.on("data", (chunk: Buffer) => {
        byteCount += chunk.length;
        if (byteCount <= RESPONSE_BYTES_MAX) chunks.push(chunk);
      });
      response.on("error", fail);
      response.on("end", () => {
        const received = { headers: flatten(response.headers), body: Buffer.concat(chunks).toString("utf8") };
        resolve({ statusCode: response.statusCode ?? null, failure: null, response: received });
      });
    };
    const outgoing = isSecure ? requestHttps(url, options, onAnswer) : requestHttp(url, options, onAnswer);
    outgoing.on("error", fail);
    outgoing.end(body);
  });
}

function flatten(headers: IncomingMessage["headers"]): { readonly [name: string]: string } {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
