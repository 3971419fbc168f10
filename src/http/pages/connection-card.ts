import { html } from "hono/html";
import type { ConnectionAnswer } from "../operators/answers.ts";
import { renderAgo, renderFor } from "./ages.ts";
import type { Html } from "./layout.ts";

type Budget = ConnectionAnswer["budgets"][number];

/** What is left of GitHub's limits, and how far back a missed event could lie. */
export function renderConnection(connection: ConnectionAnswer, now: string): Html {
  const { name, demand, budgets } = connection;
  return html`<article class="card">
  <div class="card-head">
    <h3>${name}</h3>
    <span class="of quiet">${demand === "poll" ? "asked for jobs" : "by webhooks"}</span>
  </div>
  ${budgets.length === 0 ? html`<p class="legend"><span class="quiet">no call yet</span></p>` : budgets.map(renderBudget)}
  <p class="facts">${renderLook(connection, now)}</p>
  ${demand === "poll" ? "" : html`<p class="facts">${renderDelivered(connection, now)}</p>`}
</article>`;
}

function renderBudget(budget: Budget): Html {
  const { account, limit, remaining, blockedUntil } = budget;
  const left = limit === null ? "calls are not limited" : `${remaining} of ${limit} calls left this hour`;
  const blocked =
    blockedUntil === null ? "" : html` <span class="mark">paused until ${blockedUntil.slice(11, 19)} UTC</span>`;
  return html`${limit === null ? "" : renderBar(remaining ?? 0, limit)}
  <p class="legend">${account === "token" ? "" : html`<strong>${account}</strong> `}${left}${blocked}</p>
  <p class="facts">in the last minute ${budget.ticketsPerMinute} of ${budget.ticketsPerMinuteMax} tickets, ${budget.pointsPerMinute} of ${budget.pointsPerMinuteMax} points</p>`;
}

/** Drawn with attributes only: the page's policy forbids styles in it. */
function renderBar(remaining: number, limit: number): Html {
  return html`<svg class="bar" viewBox="0 0 ${Math.max(limit, 1)} 1" preserveAspectRatio="none" role="img" aria-label="${remaining} of ${limit} calls left"><rect class="engaged" x="0" y="0" width="${remaining}" height="1"></rect></svg>`;
}

function renderLook({ repositories, lookedAt }: ConnectionAnswer, now: string): Html | string {
  if (repositories === null) return "its repositories have not been listed yet";
  const count = `${repositories} ${repositories === 1 ? "repository" : "repositories"}`;
  return lookedAt === null
    ? `${count}, looked at for the first time`
    : html`${count}, each looked at in the last ${renderFor(lookedAt, now)}`;
}

function renderDelivered({ deliveredAt }: ConnectionAnswer, now: string): Html | string {
  return deliveredAt === null ? "no webhook has arrived yet" : html`last webhook ${renderAgo(deliveredAt, now)}`;
}
