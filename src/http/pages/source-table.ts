/** What Holdfast goes by, and how fresh each of it is: the oldest word of each kind. */
import { html } from "hono/html";
import { MINUTE_MS } from "../../domain/units.ts";
import type { StatusAnswer } from "../operators/answers.ts";
import { renderAgo } from "./ages.ts";
import type { Html } from "./layout.ts";
import { isFreshListing } from "./pool-card.ts";

/** Every controller that decides runs at least every ten seconds; some look around every few minutes. */
const PASS_FRESH_MS = 10 * MINUTE_MS;

interface SourceRow {
  readonly name: string;
  readonly tone: "well" | "warn";
  readonly word: string;
  readonly detail: Html | string;
}

export function renderSources(status: StatusAnswer): Html {
  const rows = [ofWebhooks(status), ofProviders(status), ofAgents(status), ofPasses(status)];
  return html`<table class="sources"><caption class="unseen">How fresh each source is</caption>
<thead><tr><th scope="col">Source</th><th scope="col">State</th><th scope="col">Last word</th></tr></thead>
<tbody>${rows.map(({ name, tone, word, detail }) => html`<tr><th scope="row">${name}</th><td><span class="verdict ${tone === "well" ? "idle" : "unknown"}">${word}</span></td><td>${detail}</td></tr>`)}</tbody></table>`;
}

function ofWebhooks({ connections, now }: StatusAnswer): SourceRow {
  const told = connections.filter(({ demand }) => demand === "webhooks");
  const last = told.flatMap(({ deliveredAt }) => deliveredAt ?? []).sort();
  const troubled = connections.filter(({ troubles }) => troubles.length > 0);
  const oldest = last[0];
  const detail =
    told.length === 0
      ? "jobs are asked for, no webhook is waited for"
      : oldest === undefined
        ? "none has arrived yet"
        : html`${renderAgo(oldest, now)}${told.length > 1 ? " at the quietest connection" : ""}`;
  return troubled.length === 0
    ? { name: "GitHub", tone: "well", word: "well", detail }
    : { name: "GitHub", tone: "warn", word: `trouble at ${troubled.map(({ name }) => name).join(", ")}`, detail };
}

function ofProviders({ pools, now }: StatusAnswer): SourceRow {
  const own = pools.flatMap(({ name, listing }) => (listing === null ? [] : [{ name, listing }]));
  const stale = own.filter(({ listing }) => !isFreshListing(listing, now));
  const oldest = own.flatMap(({ listing }) => listing.at ?? []).sort()[0];
  const detail = oldest === undefined ? "not listed by this process" : html`oldest listing ${renderAgo(oldest, now)}`;
  if (stale.length === 0)
    return {
      name: "Providers",
      tone: own.length === 0 ? "warn" : "well",
      word: own.length === 0 ? "elsewhere" : "well",
      detail,
    };
  return { name: "Providers", tone: "warn", word: `${stale.length} of ${own.length} pools not fresh`, detail };
}

function ofAgents({ pools, now }: StatusAnswer): SourceRow {
  const heard = pools.reduce((sum, { agents }) => sum + agents.heard, 0);
  const silent = pools.reduce((sum, { agents }) => sum + agents.silent, 0);
  const since = pools.flatMap(({ agents }) => agents.quietSince ?? []).sort()[0];
  const quiet = since === undefined ? "" : html`, the longest heard last ${renderAgo(since, now)}`;
  const detail = html`${heard} heard in the last minute${silent === 0 ? "" : html`, ${silent} silent${quiet}`}`;
  return {
    name: "Hosts",
    tone: silent === 0 ? "well" : "warn",
    word: silent === 0 ? "well" : `${silent} silent`,
    detail,
  };
}

function ofPasses({ health, now }: StatusAnswer): SourceRow {
  const failing = health.controllers.filter(({ lastError }) => lastError !== null).length;
  const ran = health.controllers.flatMap(({ lastRunAt }) => lastRunAt ?? []);
  const stale = ran.filter((at) => Date.parse(now) - Date.parse(at) > PASS_FRESH_MS).length;
  const detail = `${ran.length} of ${health.controllers.length} controllers have passed`;
  if (failing + stale === 0) return { name: "Own passes", tone: "well", word: "well", detail };
  const word = failing > 0 ? `${failing} failed last` : `${stale} not in ten minutes`;
  return { name: "Own passes", tone: "warn", word, detail };
}
