import { html } from "hono/html";
import { MINUTE_MS } from "../../domain/units.ts";
import type { PoolAnswer } from "../operators/answers.ts";
import { listWords } from "../text/words.ts";
import { renderAgo, renderFor, renderIn } from "./ages.ts";
import { explainHref, type Html, renderSentence } from "./layout.ts";

const LISTING_FRESH_MS = MINUTE_MS;

type PoolState = keyof PoolAnswer["machines"];

/** In the order of a machine's life, as the bar shows them. */
const STATES: readonly { readonly state: PoolState; readonly word: string }[] = [
  { state: "engaged", word: "engaged" },
  { state: "parked", word: "parked" },
  { state: "stopped", word: "stopped" },
  { state: "stopping", word: "stopping" },
  { state: "provisioning", word: "starting" },
  { state: "planned", word: "planned" },
  { state: "retiring", word: "retiring" },
];

const MODES: Readonly<Record<PoolAnswer["mode"], string>> = {
  run: "",
  observe: "observes only",
  removed: "left the configuration, drains",
};

const CALLS = { launches: "Launches", tickets: "Tickets" } as const;

export function renderPool(pool: PoolAnswer, now: string): Html {
  const presentCount = STATES.reduce((sum, { state }) => sum + pool.machines[state], 0);
  const mode = MODES[pool.mode];
  return html`<article class="card" id="pool-${pool.name}">
  <div class="card-head">
    <h3><a href="${explainHref(`pool:${pool.name}`)}">${pool.name}</a></h3>
    ${mode === "" ? "" : html`<span class="chip">${mode}</span>`}
    ${pool.words.length === 0 ? "" : html`<span class="chip word">${listWords(pool.words)}</span>`}
    <span class="of"><strong>${presentCount}</strong>${pool.max === null ? "" : html` <span class="quiet">of ${pool.max}</span>`}</span>
  </div>
  ${renderBar(pool, presentCount)}
  <p class="legend">${presentCount === 0 ? html`<span class="quiet">no machines</span>` : STATES.map(({ state, word }) => renderKey(state, word, pool.machines[state]))}</p>
  <p class="facts">${describeCounts(pool)}</p>
  <p class="facts">${renderFreshness(pool, now)}</p>
  ${pool.breakers.map((breaker) => renderBreaker(breaker, now))}
  ${pool.pauses.map((pause) => renderPause(pause, now))}
  ${pool.lastErrors.map((error) => html`<p class="trouble"><span class="mark" aria-hidden="true">!</span> ${error}</p>`)}
</article>`;
}

function renderBreaker({ stops, failures, nextProbeAt }: PoolAnswer["breakers"][number], now: string): Html {
  return html`<p class="trouble"><span class="mark" aria-hidden="true">!</span> Breaker open: ${failures} ${stops} in a row came to nothing. One is tried ${renderIn(nextProbeAt, now)}.</p>`;
}

function renderPause({ what, because, until }: PoolAnswer["pauses"][number], now: string): Html {
  return html`<p class="trouble"><span class="mark" aria-hidden="true">!</span> ${CALLS[what]} rest: ${renderSentence(because.sentence)} Again ${renderIn(until, now)}.</p>`;
}

/** How old the provider's word is, and whether agents speak. */
function renderFreshness({ listing, agents }: PoolAnswer, now: string): Html {
  const listed = renderListing(listing, now);
  const { heard, silent, quietSince } = agents;
  const spoken = `${heard} ${heard === 1 ? "agent" : "agents"} heard`;
  const since = quietSince === null ? "" : html`, the longest for ${renderFor(quietSince, now)}`;
  return html`${listed} · ${spoken}${silent === 0 ? "" : html`, <strong class="bad-ink">${silent} silent</strong>${since}`}`;
}

function renderListing(listing: PoolAnswer["listing"], now: string): Html | string {
  if (listing === null) return "listed by another process";
  if (listing.at === null) return "not listed yet";
  if (isFreshListing(listing, now)) return "listed just now";
  return html`<strong class="bad-ink">last listed ${renderAgo(listing.at, now)}</strong>`;
}

/** The provider is asked every few seconds. */
export function isFreshListing({ at, isFailing }: NonNullable<PoolAnswer["listing"]>, now: string): boolean {
  return !isFailing && at !== null && Date.parse(now) - Date.parse(at) < LISTING_FRESH_MS;
}

function renderKey(state: PoolState, word: string, count: number): Html | "" {
  return count === 0 ? "" : html`<span class="key"><i class="swatch ${state}"></i>${count} ${word}</span>`;
}

/** Its length is `machines.max`. Drawn with attributes only: the page's policy forbids styles in it. */
function renderBar(pool: PoolAnswer, presentCount: number): Html {
  const length = Math.max(pool.max ?? 0, presentCount, 1);
  let start = 0;
  const segments = STATES.filter(({ state }) => pool.machines[state] > 0).map(({ state, word }) => {
    const count = pool.machines[state];
    const segment = html`<rect class="${state}" x="${start}" y="0" width="${count}" height="1"><title>${count} ${word}</title></rect>`;
    start += count;
    return segment;
  });
  return html`<svg class="bar" viewBox="0 0 ${length} 1" preserveAspectRatio="none" role="img" aria-label="${presentCount} of ${length} machines">${segments}</svg>`;
}

function describeCounts(pool: PoolAnswer): string {
  const { busy, idle, unknown } = pool.verdicts;
  const verdicts = [`${busy} busy`, `${idle} idle`, ...(unknown > 0 ? [`${unknown} unknown`] : [])];
  const waiting =
    pool.waitingJobs === 0
      ? "no job waits"
      : `${pool.waitingJobs} ${pool.waitingJobs === 1 ? "job waits" : "jobs wait"}`;
  const { registered, ready } = pool.standing;
  const standing = [
    ...(registered > 0 ? [`${registered} online in advance`] : []),
    ...(ready > 0 ? [`${ready} ${ready === 1 ? "ticket" : "tickets"} ready`] : []),
  ];
  return [...verdicts, ...standing, waiting].join(" · ");
}
