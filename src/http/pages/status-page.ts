import { html } from "hono/html";
import type { JobAnswer, JobsAnswer, MachineAnswer, MachinesAnswer, StatusAnswer } from "../operators/answers.ts";
import { formatAgo } from "../text/durations.ts";
import { describeTrouble } from "../text/trouble.ts";
import { renderConnection } from "./connection-card.ts";
import { type Html, renderPage } from "./layout.ts";
import { renderPool } from "./pool-card.ts";
import { renderEnded, renderMachine, renderRecentJob, renderWaitingJob } from "./rows.ts";
import { renderWordList } from "./words.ts";

const REFRESH_SECONDS = 5;
/** Rows of each list; how many more there are is said below it. */
export const ROWS_MAX = 25;
const ENDED_ROWS_MAX = 10;

export interface StatusPage {
  readonly status: StatusAnswer;
  readonly waiting: JobsAnswer;
  /** In progress or completed, newest first. */
  readonly recent: JobsAnswer;
  readonly machines: MachinesAnswer;
  /** Those that are gone. */
  readonly ended: MachinesAnswer;
}

export function renderStatusPage(page: StatusPage): Html {
  const { status, waiting, recent } = page;
  const { now } = status;
  const present = [...page.machines.machines].sort(byAttention);
  const ended = [...page.ended.machines].sort(byEnd);
  return renderPage({
    title: titleOf(status),
    controllerId: status.controllerId,
    refreshSeconds: REFRESH_SECONDS,
    now,
    body: html`
${renderHealth(status)}
${renderWordList(status.words, now)}
${renderFigures(status, present)}
<div class="beside"><section><h2>Pools</h2>${renderPools(status)}</section>
<section><h2>GitHub</h2><div class="cards">${status.connections.map((connection) => renderConnection(connection, now))}</div></section></div>
<section><h2>Waiting jobs</h2>${renderList(waiting.jobs, ROWS_MAX, status.jobs.queued, renderWaitingJob, "No job waits.")}${renderAside(status)}</section>
<section><h2>Machines</h2>${renderList(present, ROWS_MAX, present.length, (machine) => renderMachine(machine, now), NO_MACHINES)}</section>
<section><h2>Jobs lately</h2>${renderList(recent.jobs, ENDED_ROWS_MAX, 0, (job: JobAnswer) => renderRecentJob(job, now), "No job has run yet. A job shows up here when GitHub delivers its first webhook.")}</section>
<section><h2>Ended machines</h2>${renderList(ended, ENDED_ROWS_MAX, 0, (machine) => renderEnded(machine, now), "None has ended yet. Each shows here with its reason and the proof that permitted its end.")}</section>`,
  });
}

const NO_MACHINES =
  "No machines. One is started when a job is queued for a pool, or to keep some parked (warm.parked).";

function titleOf({ jobs, health }: StatusAnswer): string {
  return `${health.isReady ? "" : "not ready, "}${jobs.running} running, ${jobs.queued} waiting`;
}

/** What wants to be looked at comes first: unknown, then at work, then the rest. */
function byAttention(a: MachineAnswer, b: MachineAnswer): number {
  return attention(a) - attention(b) || (a.createdAt < b.createdAt ? 1 : -1);
}

function attention({ verdict }: MachineAnswer): number {
  if (verdict.kind === "unknown") return 0;
  return verdict.kind === "busy" ? 1 : 2;
}

function byEnd(a: MachineAnswer, b: MachineAnswer): number {
  return a.since < b.since ? 1 : -1;
}

function renderHealth(status: StatusAnswer): Html {
  const { word, tone, problems } = describeTrouble(status);
  return html`<section class="health ${tone}" aria-label="Health">
  <p><span class="dot" aria-hidden="true"></span><strong>${word}</strong> <span class="quiet">version ${status.version}, started ${formatAgo(status.since, status.now)}</span></p>
  ${problems.map((text) => html`<p class="trouble"><span class="mark" aria-hidden="true">!</span> ${text}</p>`)}
</section>`;
}

function renderFigures({ jobs, deliveries, pools }: StatusAnswer, present: readonly MachineAnswer[]): Html {
  const unknownCount = pools.reduce((sum, { verdicts }) => sum + verdicts.unknown, 0);
  const presentCount = pools.reduce((sum, { machines }) => sum + Object.values(machines).reduce((a, b) => a + b, 0), 0);
  return html`<dl class="figures">
  ${renderFigure("Running", jobs.running)}
  ${renderFigure("Waiting", jobs.queued)}
  ${renderFigure("Machines", Math.max(presentCount, present.length))}
  ${renderFigure("Unknown", unknownCount, unknownCount > 0)}
  ${renderFigure("Done, last hour", jobs.completedLastHour)}
  ${deliveries.quarantined > 0 ? renderFigure("Quarantined", deliveries.quarantined, true) : ""}
</dl>`;
}

function renderFigure(name: string, count: number, isWarning = false): Html {
  return html`<div class="${isWarning ? "warn" : count === 0 ? "zero" : ""}"><dt>${name}</dt><dd>${count}</dd></div>`;
}

function renderPools({ pools }: StatusAnswer): Html {
  if (pools.length === 0) return html`<p class="empty">No pools. Add one to the configuration and start again.</p>`;
  return html`<div class="cards">${pools.map(renderPool)}</div>`;
}

function renderList<Item>(
  items: readonly Item[],
  rowsMax: number,
  totalCount: number,
  render: (item: Item) => Html,
  empty: string,
): Html {
  if (items.length === 0) return html`<p class="empty">${empty}</p>`;
  const shown = items.slice(0, rowsMax);
  const moreCount = totalCount - shown.length;
  const more = moreCount > 0 ? html`<p class="more">and ${moreCount} more</p>` : "";
  return html`<ul class="rows">${shown.map(render)}</ul>${more}`;
}

/** Jobs that are counted and not listed. */
function renderAside({ jobs, deliveries }: StatusAnswer): Html | "" {
  const notes = [
    ...(jobs.unmatched > 0 ? [`${jobs.unmatched} queued that no pool takes`] : []),
    ...(jobs.waiting > 0 ? [`${jobs.waiting} held by GitHub for approval`] : []),
    ...(deliveries.quarantined > 0
      ? [
          `${deliveries.quarantined} ${deliveries.quarantined === 1 ? "delivery that" : "deliveries that"} could not be read`,
        ]
      : []),
  ];
  return notes.length === 0 ? "" : html`<p class="more">Not listed: ${notes.join("; ")}.</p>`;
}
