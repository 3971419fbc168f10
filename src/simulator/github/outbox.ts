import { DAY_MS } from "../../domain/units.ts";
import type { Delivery, DeliveryAttempt, Hook, HookPlace, HookTarget, JobAction, Send } from "./delivery.ts";
import { findSubscribed, installationBehind, renderPing } from "./hooks.ts";
import { type JobView, renderWorkflowJobEvent, viewJob } from "./job-payloads.ts";
import type { GitHubState, Job } from "./state.ts";

/** Deliveries that are kept; the oldest settled ones are forgotten beyond it. */
const DELIVERY_COUNT_MAX = 50_000;
/** GitHub keeps a delivery for redelivery for three days. */
export const REDELIVERY_WINDOW_MS = 3 * DAY_MS;
/** The first number that JSON does not carry exactly. */
const LARGE_ID_BASE = 2n ** 53n;

/**
 * Sets the hook of that place and sends `ping` to it, as GitHub does. An App has one hook, which keeps its id; elsewhere
 * each call adds one.
 */
export function setHook(state: GitHubState, place: HookPlace, target: HookTarget, nowMs: number): Hook {
  const known = place.kind === "app" ? findAppHook(state, place.appId) : undefined;
  const hook: Hook = known ?? { id: state.options.ids.number("hook"), place, createdAtMs: nowMs, target };
  hook.target = target;
  state.hooks.set(hook.id, hook);
  const delivery = keep(
    state,
    hook,
    { event: "ping", action: null, job: null, guid: state.options.ids.uuid(), render: () => renderPing(state, hook) },
    "pending",
    nowMs,
  );
  state.sends.push({ deliveryId: delivery.id, dueMs: nowMs, isRedelivery: false });
  return hook;
}

export function findAppHook(state: GitHubState, appId: number): Hook | undefined {
  return [...state.hooks.values()].find(({ place }) => place.kind === "app" && place.appId === appId);
}

/** Announces the job as it is now to every hook that wants to know, and tells the lies that the job was queued with. */
export function announceJob(
  state: GitHubState,
  job: Job,
  action: JobAction,
  nowMs: number,
  view: JobView = viewJob(state, job),
): void {
  const hooks = findSubscribed(state, job.repository, "workflow_job");
  if (hooks.length === 0) return;
  const { lies } = job;
  const isDropped = lies.drop?.includes(action) === true;
  const dueMs = nowMs + (lies.delayMs?.[action] ?? 0);
  const guid = state.options.ids.uuid();
  for (const hook of hooks) {
    const installationId = installationBehind(state, hook, job.repository)?.id ?? null;
    const render = () => JSON.stringify(renderWorkflowJobEvent(state, action, job, view, installationId));
    const draft = { event: "workflow_job", action, job, guid, render } as const;
    const { id } = keep(state, hook, draft, isDropped ? "dropped" : "pending", nowMs);
    if (isDropped) continue;
    const send: Send = { deliveryId: id, dueMs, isRedelivery: false };
    state.sends.push(send);
    if (lies.duplicate?.includes(action) === true) state.sends.push(send);
  }
}

interface Draft extends Pick<Delivery, "event" | "action" | "guid" | "render"> {
  readonly job: Job | null;
}

function keep(state: GitHubState, hook: Hook, draft: Draft, status: "pending" | "dropped", nowMs: number): Delivery {
  const { job, ...rest } = draft;
  const repository = job?.repository ?? null;
  const delivery: Delivery = {
    ...rest,
    id: state.options.ids.number("delivery"),
    hookId: hook.id,
    jobId: job?.id ?? null,
    repository,
    installationId: repository === null ? null : (installationBehind(state, hook, repository)?.id ?? null),
    createdAtMs: nowMs,
    attempts: [],
    status,
  };
  state.deliveries.set(delivery.id, delivery);
  forgetOldest(state);
  return delivery;
}

function forgetOldest(state: GitHubState): void {
  if (state.deliveries.size <= DELIVERY_COUNT_MAX) return;
  for (const delivery of state.deliveries.values()) {
    if (delivery.status === "pending") continue;
    state.deliveries.delete(delivery.id);
    for (const { id } of delivery.attempts) state.attempts.delete(id);
    return;
  }
}

/** Takes what is due out of the outbox, in the order of the events. The driver posts it and records the attempt. */
export function takeDueSends(state: GitHubState, nowMs: number): readonly Send[] {
  const due = state.sends.filter(({ dueMs }) => dueMs <= nowMs);
  if (due.length > 0) state.sends.splice(0, state.sends.length, ...state.sends.filter(({ dueMs }) => dueMs > nowMs));
  return due;
}

export function recordAttempt(state: GitHubState, deliveryId: number, made: Omit<DeliveryAttempt, "id">): void {
  const delivery = state.deliveries.get(deliveryId);
  if (delivery === undefined) return;
  const { hasLargeDeliveryIds, ids } = state.options;
  const attempt = { ...made, id: (hasLargeDeliveryIds ? LARGE_ID_BASE : 0n) + BigInt(ids.number("attempt")) };
  delivery.attempts.push(attempt);
  state.attempts.set(attempt.id, { delivery, attempt });
  if (isOk(attempt)) delivery.status = "delivered";
  else if (delivery.status !== "delivered") delivery.status = "failed";
}

export function isOk(attempt: Pick<DeliveryAttempt, "statusCode">): boolean {
  return attempt.statusCode !== null && attempt.statusCode >= 200 && attempt.statusCode < 300;
}

export type Redelivery = "accepted" | "unknown" | "never-attempted" | "too-old";

/** Sends an event again under its old GUID. What was never attempted cannot be sent again, as at GitHub. */
export function redeliver(state: GitHubState, deliveryId: number, nowMs: number): Redelivery {
  const delivery = state.deliveries.get(deliveryId);
  if (delivery === undefined) return "unknown";
  if (delivery.attempts.length === 0) return "never-attempted";
  if (nowMs - delivery.createdAtMs > REDELIVERY_WINDOW_MS) return "too-old";
  state.sends.push({ deliveryId, dueMs: nowMs, isRedelivery: true });
  return "accepted";
}

/** The same by the event's GUID, for every hook that it was for. `unknown` if none was. */
export function redeliverEvent(state: GitHubState, guid: string, nowMs: number): Redelivery {
  const results = [...state.deliveries.values()]
    .filter((delivery) => delivery.guid === guid)
    .map(({ id }) => redeliver(state, id, nowMs));
  return results.find((result) => result === "accepted") ?? results[0] ?? "unknown";
}
