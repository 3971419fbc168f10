/** The page that a person keeps open: what is wrong, what waits and why, and each pool as it is now. */
import { html } from "hono/html";
import type {
  JobAnswer,
  JobsAnswer,
  MachineAnswer,
  MachinesAnswer,
  PoolAnswer,
  StatusAnswer,
} from "../operators/answers.ts";
import { describeTrouble } from "../text/trouble.ts";
import { renderAgo } from "./ages.ts";
import { renderConnection } from "./connection-card.ts";
import type { Html } from "./layout.ts";
import { type LivePage, part } from "./parts.ts";
import { renderPool } from "./pool-card.ts";
import { renderEnded, renderMachine, renderRecentJob, renderWaitingJob } from "./rows.ts";
import { renderSources } from "./source-table.ts";
import { renderWordList } from "./words.ts";

/** Rows of each list; how many more there are is said below it. */
export const ROWS_MAX = 25;
export const ENDED_ROWS_MAX = 10;
/** Cards of pools, those first that want to be looked at; there may be hundreds. */
const POOLS_MAX = 24;

export interface StatusPage {
  readonly status: StatusAnswer;
  readonly waiting: JobsAnswer;
  /** In progress or completed, newest first. */
  readonly recent: JobsAnswer;
  /** Those of the present ones that want most to be looked at. */
  readonly machines: MachinesAnswer;
  readonly presentCount: number;
  /** Those that are gone, the last that ended first. */
  readonly ended: MachinesAnswer;
}

export function renderStatusPage(page: StatusPage): LivePage {
  const { status, waiting, recent, machines, presentCount, ended } = page;
  const { now } = status;
  const row = (job: JobAnswer) => renderWaitingJob(job, now);
  return {
    title: titleOf(status),
    now,
    isOver: false,
    parts: [
      part("health", html`<h1 class="unseen">Now</h1>${renderHealth(status)}${renderWordList(status.words, now)}`),
      part("figures", renderFigures(status, presentCount)),
      part("pools", html`<section><h2>Pools</h2>${renderPools(status)}</section>`),
      part(
        "sources",
        html`<section><h2>Sources</h2>${renderSources(status)}<div class="cards">${status.connections.map((connection) => renderConnection(connection, now))}</div></section>`,
      ),
      part(
        "waiting",
        html`<section><h2>Waiting jobs</h2>${renderList(waiting.jobs, status.jobs.queued, row, "No job waits.")}${renderAside(status)}</section>`,
      ),
      part(
        "machines",
        html`<section><h2>Machines</h2>${renderList(machines.machines, presentCount, (machine) => renderMachine(machine, now), NO_MACHINES)}</section>`,
      ),
      part(
        "recent",
        html`<section><h2>Jobs lately</h2>${renderList(recent.jobs, 0, (job: JobAnswer) => renderRecentJob(job, now), NO_JOBS)}</section>`,
      ),
      part(
        "ended",
        html`<section><h2>Ended machines</h2>${renderList(ended.machines, 0, (machine: MachineAnswer) => renderEnded(machine, now), NONE_ENDED)}</section>`,
      ),
    ],
  };
}

const NO_MACHINES =
  "No machines. One is started when a job is queued for a pool, or to keep some parked (warm.parked).";
const NO_JOBS = "No job has run yet. A job shows up here when GitHub delivers its first webhook.";
const NONE_ENDED = "None has ended yet. Each shows here with its reason and the proof that permitted its end.";

function titleOf({ jobs, health }: StatusAnswer): string {
  return `${health.isReady ? "" : "not ready, "}${jobs.running} running, ${jobs.queued} waiting`;
}

function renderHealth(status: StatusAnswer): Html {
  const { word, tone, problems } = describeTrouble(status);
  const quarantined = status.deliveries.quarantined;
  const bad = quarantined === 0 ? [] : [`${countOf(quarantined, "delivery", "deliveries")} could not be handled: see`];
  return html`<section class="health ${tone}" aria-label="Health">
  <p><span class="dot" aria-hidden="true"></span><strong>${word}</strong> <span class="quiet">version ${status.version}, started ${renderAgo(status.since, status.now)}</span></p>
  ${problems.map((text) => html`<p class="trouble"><span class="mark" aria-hidden="true">!</span> ${text}</p>`)}
  ${bad.map((text) => html`<p class="trouble"><span class="mark" aria-hidden="true">!</span> ${text} <code class="key">holdfast deliveries</code></p>`)}
</section>`;
}

function countOf(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

function renderFigures({ jobs, deliveries, pools }: StatusAnswer, presentCount: number): Html {
  const unknownCount = pools.reduce((sum, { verdicts }) => sum + verdicts.unknown, 0);
  return html`<dl class="figures">
  ${renderFigure("Running", jobs.running)}
  ${renderFigure("Waiting", jobs.queued)}
  ${renderFigure("Machines", presentCount)}
  ${renderFigure("Unknown", unknownCount, unknownCount > 0)}
  ${renderFigure("Done, last hour", jobs.completedLastHour)}
  ${deliveries.quarantined > 0 ? renderFigure("Quarantined", deliveries.quarantined, true) : ""}
</dl>`;
}

export function renderFigure(name: string, count: number, isWarning = false): Html {
  return html`<div class="${isWarning ? "warn" : count === 0 ? "zero" : ""}"><dt>${name}</dt><dd>${count.toLocaleString("en")}</dd></div>`;
}

function renderPools({ pools, now }: StatusAnswer): Html {
  if (pools.length === 0) return html`<p class="empty">No pools. Add one to the configuration and start again.</p>`;
  // In the configuration's order while all are shown.
  const shown = pools.length <= POOLS_MAX ? pools : [...pools].sort(byTrouble).slice(0, POOLS_MAX);
  const more = pools.length - shown.length;
  return html`<div class="cards">${shown.map((pool) => renderPool(pool, now))}</div>${more > 0 ? html`<p class="more">and ${more} more pools, in which less is the matter</p>` : ""}`;
}

function byTrouble(a: PoolAnswer, b: PoolAnswer): number {
  return troubleOf(b) - troubleOf(a) || b.waitingJobs - a.waitingJobs;
}

function troubleOf({ breakers, pauses, lastErrors, words, verdicts }: PoolAnswer): number {
  const wrong = breakers.length + pauses.length + lastErrors.length + words.length;
  return wrong > 0 ? 2 : verdicts.unknown > 0 ? 1 : 0;
}

export function renderList<Item>(
  items: readonly Item[],
  totalCount: number,
  render: (item: Item) => Html,
  empty: string,
): Html {
  if (items.length === 0) return html`<p class="empty">${empty}</p>`;
  const moreCount = totalCount - items.length;
  const more = moreCount > 0 ? html`<p class="more">and ${moreCount.toLocaleString("en")} more</p>` : "";
  return html`<ul class="rows">${items.map(render)}</ul>${more}`;
}

/** Jobs that are counted and not listed. */
function renderAside({ jobs }: StatusAnswer): Html | "" {
  const notes = [
    ...(jobs.unmatched > 0 ? [`${jobs.unmatched} queued that no pool takes`] : []),
    ...(jobs.waiting > 0 ? [`${jobs.waiting} held by GitHub for approval`] : []),
  ];
  const why = jobs.queued > 0 ? html` <a href="/explain">Why nothing starts, counted by reason</a>` : "";
  if (notes.length === 0) return why === "" ? "" : html`<p class="more">${why}</p>`;
  return html`<p class="more">Not listed: ${notes.join("; ")}.${why}</p>`;
}
