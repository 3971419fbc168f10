/** GitHub's outbox, emptied once a second: what is due goes to whoever runs the fleet. */
import { SECOND_MS } from "../../domain/units.ts";
import type { Delivery, Send } from "../github/delivery.ts";
import { headersOf, renderBody } from "../github/hooks.ts";
import { recordAttempt, setHook, takeDueSends } from "../github/outbox.ts";
import type { Fleet } from "./algorithm.ts";
import { HOOK_SECRET, WEBHOOKS_URL } from "./controller.ts";
import type { WorldDatabase } from "./database.ts";
import type { GitHubWorld } from "./github-world.ts";
import type { Installation } from "./installation.ts";
import type { Judge } from "./judge.ts";
import type { Remote } from "./remote.ts";
import type { Scheduler } from "./scheduler.ts";

const PUMP_MS = SECOND_MS;
/** GitHub waits no longer for an answer. */
const TIMEOUT_MS = 10 * SECOND_MS;

export interface WebhookWorld {
  readonly scheduler: Scheduler;
  readonly github: GitHubWorld;
  readonly githubRemote: Remote;
  readonly judge: Judge;
  readonly installation: Installation | null;
  readonly database: WorldDatabase | null;
  readonly fleet: Fleet | null;
}

export class Webhooks {
  readonly #world: WebhookWorld;

  constructor(world: WebhookWorld) {
    this.#world = world;
  }

  start(): void {
    const { scheduler, github } = this.#world;
    const [app] = github.state.apps.values();
    if (app === undefined) throw new Error("GitHub has no App");
    const target = { url: WEBHOOKS_URL, secret: HOOK_SECRET, events: ["workflow_job"], contentType: "json" } as const;
    const place = { kind: "app", appId: app.id } as const;
    setHook(github.state, place, { ...target, isCertificateChecked: true, isActive: true }, scheduler.nowMs);
    scheduler.every(PUMP_MS, () => this.#pump());
  }

  #pump(): void {
    const { scheduler, github, githubRemote } = this.#world;
    if (githubRemote.isOut || github.state.sends.length === 0) return;
    for (const send of takeDueSends(github.state, scheduler.nowMs)) this.#send(send);
  }

  #send(send: Send): void {
    const { github, fleet } = this.#world;
    const delivery = github.state.deliveries.get(send.deliveryId);
    if (delivery === undefined) return;
    if (fleet === null) this.#post(send, delivery);
    else tellFleet(fleet, github, delivery);
  }

  #post(send: Send, delivery: Delivery): void {
    const { scheduler, github, installation } = this.#world;
    const hook = github.state.hooks.get(delivery.hookId);
    if (hook === undefined || installation === null) return;
    const atMs = scheduler.nowMs;
    let isOver = false;
    const conclude = (statusCode: number | null, failure: "failed to connect to host" | "timed out" | null): void => {
      if (isOver) return;
      isOver = true;
      const made = { atMs, durationMs: scheduler.nowMs - atMs, isRedelivery: send.isRedelivery, response: null };
      recordAttempt(github.state, delivery.id, { ...made, statusCode, failure });
      if (statusCode !== null && statusCode < 300) this.#checkDurable(delivery);
    };
    const body = renderBody(hook, delivery);
    const isTaken = installation.receiveWebhook(headersOf(hook, delivery, body), body, (answer) =>
      answer === null ? conclude(null, "failed to connect to host") : conclude(answer.status, null),
    );
    if (!isTaken) conclude(null, "failed to connect to host");
    else scheduler.after(TIMEOUT_MS, () => conclude(null, "timed out"));
  }

  /** What was acknowledged to GitHub is in the store by then: GitHub never sends it again. */
  #checkDurable({ guid, event }: Delivery): void {
    const { database, judge } = this.#world;
    if (database === null || event === "ping") return;
    if (database.read("select 1 from deliveries where id = ?", guid).length === 0)
      judge.violate("durable", `the delivery ${guid} was acknowledged and is not in the store`, {});
  }
}

function tellFleet(fleet: Fleet, { state }: GitHubWorld, { jobId, action }: Delivery): void {
  const job = jobId === null ? undefined : state.jobs.get(jobId);
  if (job === undefined || action === null || action === "waiting") return;
  const runnerId = "runnerId" in job.phase ? job.phase.runnerId : null;
  const runnerName = runnerId === null ? null : (state.runners.get(runnerId)?.name ?? null);
  fleet.onJobEvent({ action, jobId: job.id, labels: job.labels, repository: job.repository.fullName, runnerName });
}
