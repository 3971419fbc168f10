import { DAY_MS } from "../../domain/units.ts";
import { formatInstant } from "./instant.ts";
import { type JobView, renderWorkflowJobEvent, viewJob } from "./job-payloads.ts";
import { renderSender } from "./owner-payloads.ts";
import type { Delivery, DeliveryAttempt, GitHubState, Hook, Job, JobAction, Send } from "./state.ts";

/** Deliveries that are kept; the oldest settled ones are forgotten beyond it. */
const DELIVERY_COUNT_MAX = 50_000;
/** GitHub keeps a delivery for redelivery for three days. */
const REDELIVERY_WINDOW_MS = 3 * DAY_MS;

/** Sets the webhook and sends `ping` to it, as GitHub does. There are no deliveries while no webhook is set. */
export function setHook(state: GitHubState, hook: Pick<Hook, "url" | "events">, nowMs: number): Hook {
  const set: Hook = { ...hook, id: state.hook?.id ?? state.options.ids.number("delivery"), createdAtMs: nowMs };
  state.hook = set;
  post(
    state,
    { event: "ping", action: null, jobId: null, repository: null, render: () => renderPing(state, set) },
    nowMs,
  );
  return set;
}

/** Announces the job as it is now, and tells the lies that the job was queued with. */
export function announceJob(
  state: GitHubState,
  job: Job,
  action: JobAction,
  nowMs: number,
  view: JobView = viewJob(state, job),
): void {
  if (state.hook === null || !state.hook.events.includes("workflow_job")) return;
  const { lies } = job;
  const render = () => JSON.stringify(renderWorkflowJobEvent(state, action, job, view));
  const delivery = {
    event: "workflow_job",
    action,
    jobId: job.id,
    repository: job.repository.fullName,
    render,
  } as const;
  if (lies.drop?.includes(action) === true) {
    keep(state, delivery, "dropped", nowMs);
    return;
  }
  const dueMs = nowMs + (lies.delayMs?.[action] ?? 0);
  const { guid } = post(state, delivery, nowMs, dueMs);
  if (lies.duplicate?.includes(action) === true) state.sends.push({ guid, dueMs, isRedelivery: false });
}

type Draft = Pick<Delivery, "event" | "action" | "jobId" | "repository" | "render">;

function post(state: GitHubState, draft: Draft, nowMs: number, dueMs = nowMs): Delivery {
  const delivery = keep(state, draft, "pending", nowMs);
  state.sends.push({ guid: delivery.guid, dueMs, isRedelivery: false });
  return delivery;
}

function keep(state: GitHubState, draft: Draft, status: "pending" | "dropped", nowMs: number): Delivery {
  const { ids } = state.options;
  const delivery: Delivery = {
    ...draft,
    guid: ids.uuid(),
    id: ids.number("delivery"),
    createdAtMs: nowMs,
    attempts: [],
    status,
  };
  state.deliveries.set(delivery.guid, delivery);
  forgetOldest(state);
  return delivery;
}

function forgetOldest(state: GitHubState): void {
  if (state.deliveries.size <= DELIVERY_COUNT_MAX) return;
  for (const delivery of state.deliveries.values()) {
    if (delivery.status === "pending") continue;
    state.deliveries.delete(delivery.guid);
    return;
  }
}

/** Takes what is due out of the outbox, in the order of the events. The driver posts it and records the attempt. */
export function takeDueSends(state: GitHubState, nowMs: number): readonly Send[] {
  const due = state.sends.filter(({ dueMs }) => dueMs <= nowMs);
  if (due.length > 0) state.sends.splice(0, state.sends.length, ...state.sends.filter(({ dueMs }) => dueMs > nowMs));
  return due;
}

export function recordAttempt(state: GitHubState, guid: string, attempt: DeliveryAttempt): void {
  const delivery = state.deliveries.get(guid);
  if (delivery === undefined) return;
  delivery.attempts.push(attempt);
  const isOk = attempt.statusCode !== null && attempt.statusCode >= 200 && attempt.statusCode < 300;
  if (isOk) delivery.status = "delivered";
  else if (delivery.status !== "delivered") delivery.status = "failed";
}

export type Redelivery = "accepted" | "unknown" | "never-attempted" | "too-old";

/** Sends a delivery again under its old GUID. What was never attempted cannot be sent again, as at GitHub. */
export function redeliver(state: GitHubState, guid: string, nowMs: number): Redelivery {
  const delivery = state.deliveries.get(guid);
  if (delivery === undefined) return "unknown";
  if (delivery.attempts.length === 0) return "never-attempted";
  if (nowMs - delivery.createdAtMs > REDELIVERY_WINDOW_MS) return "too-old";
  state.sends.push({ guid, dueMs: nowMs, isRedelivery: true });
  return "accepted";
}

function renderPing(state: GitHubState, hook: Hook): string {
  const created = formatInstant(hook.createdAtMs);
  return JSON.stringify({
    zen: "Keep it logically awesome.",
    hook_id: hook.id,
    hook: {
      type: "App",
      id: hook.id,
      name: "web",
      active: true,
      events: hook.events,
      config: { content_type: "json", insecure_ssl: "0", secret: "********", url: hook.url },
      updated_at: created,
      created_at: created,
      app_id: state.options.appId,
      deliveries_url: `${state.apiUrl}/app/hook/deliveries`,
    },
    sender: renderSender(state),
  });
}
