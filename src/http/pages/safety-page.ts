/** What was done to keep the two promises, and what went against them: a day of endings, refusals, force and alarms. */
import { html } from "hono/html";
import type { AlarmKind } from "../../domain/alarm-facts.ts";
import type { Refuser } from "../../domain/refusals.ts";
import type { SafetyAnswer } from "../operators/answer-safety.ts";
import { renderAgo } from "./ages.ts";
import { explainHref, type Html, renderSentence } from "./layout.ts";
import { type LivePage, part } from "./parts.ts";
import { renderFigure, renderList } from "./status-page.ts";

const WHO: Readonly<Record<Refuser, string>> = {
  host: "the host",
  store: "our own rows",
  github: "GitHub",
  provider: "the provider",
  operator: "an operator",
  guard: "a guard",
  time: "a deadline",
};

const ALARM_WORDS: Readonly<Record<AlarmKind, { readonly name: string; readonly sentence: string }>> = {
  "fence-contradicted": {
    name: "Fence contradicted",
    sentence: "GitHub called a runner busy after its host had handed the ticket back: each may be a job killed by us.",
  },
  "ticket-lost": { name: "Tickets lost", sentence: "A machine was gone while its ticket was out: a job went with it." },
  "fence-refused": {
    name: "Fence refused",
    sentence: "A host found work, or could not tell, and kept its listener: the machine goes on.",
  },
  "stray-adopted": {
    name: "Strays adopted",
    sentence: "The provider had a machine of ours that the store did not know: it was taken in, not ended.",
  },
  quarantined: { name: "Quarantined", sentence: "More than one agent spoke as one machine: it gets no more tickets." },
};
/** Those that may have cost a job come first. */
const ALARM_ORDER = Object.keys(ALARM_WORDS) as readonly AlarmKind[];
/** Alarms above zero of which somebody should know today. */
const GRAVE: ReadonlySet<AlarmKind> = new Set(["fence-contradicted", "ticket-lost", "quarantined"]);

export function renderSafetyPage(safety: SafetyAnswer): LivePage {
  return {
    title: "safety",
    now: safety.now,
    isOver: false,
    parts: [
      part(
        "headline",
        html`<h1>Safety</h1><p class="quiet">What was written down in the last 24 hours, and what is so now.</p>${renderFigures(safety)}`,
      ),
      part("endings", html`<section><h2>Endings, by proof</h2>${renderEndings(safety)}</section>`),
      part("refusals", html`<section><h2>Endings refused, and by whom</h2>${renderRefusals(safety)}</section>`),
      part("forced", html`<section><h2>Forced endings, with their jobs</h2>${renderForced(safety)}</section>`),
      part("alarms", html`<section><h2>What speaks against a promise</h2>${renderAlarms(safety)}</section>`),
      part("unknown", html`<section><h2>Unknown now</h2>${renderUnknown(safety)}</section>`),
    ],
  };
}

function renderFigures({ endings, refusals, forced, ghosts, unknown, adopted, alarms }: SafetyAnswer): Html {
  const total = (list: readonly { readonly machines: number }[]) =>
    list.reduce((sum, { machines }) => sum + machines, 0);
  const countOf = (kind: AlarmKind) => alarms.find((one) => one.kind === kind)?.count ?? 0;
  const contradicted = countOf("fence-contradicted");
  return html`<dl class="figures">
  ${renderFigure("Killed by us, perhaps", contradicted, contradicted > 0)}
  ${renderFigure("Ended", total(endings))}
  ${renderFigure("Refused", total(refusals))}
  ${renderFigure("Forced", forced.length, forced.length > 0)}
  ${renderFigure("Unknown now", unknown.count, unknown.count > 0)}
  ${renderFigure("Strays now", adopted, adopted > 0)}
  ${renderFigure("Ghosts, owed", ghosts.owed)}
  ${renderFigure("Ghosts, unknown", ghosts.unknown, ghosts.unknown > 0)}
</dl>`;
}

function renderEndings({ endings }: SafetyAnswer): Html {
  if (endings.length === 0) return html`<p class="empty">No machine was ended in the last day.</p>`;
  const most = Math.max(...endings.map(({ machines }) => machines));
  return html`<table class="counts"><thead><tr><th scope="col">Proof</th><th scope="col" class="number">Machines</th><th scope="col"><span class="unseen">Share</span></th><th scope="col">What it says</th></tr></thead>
<tbody>${endings.map(({ word, sentence, machines }) => html`<tr class="${word === "forced" ? "warn-row" : ""}"><th scope="row"><code class="key">${word}</code></th><td class="number">${machines.toLocaleString("en")}</td><td class="share">${renderShare(machines, most)}</td><td class="says">${renderSentence(sentence)}</td></tr>`)}</tbody></table>`;
}

/** Drawn with attributes only: the page's policy forbids styles in it. */
function renderShare(count: number, most: number): Html {
  return html`<svg class="share-bar" viewBox="0 0 ${most} 1" preserveAspectRatio="none" aria-hidden="true"><rect x="0" y="0" width="${count}" height="1"></rect></svg>`;
}

function renderRefusals({ refusals }: SafetyAnswer): Html {
  if (refusals.length === 0) return html`<p class="empty">No ending had to wait for a proof in the last day.</p>`;
  return html`<table class="counts"><thead><tr><th scope="col">Refused by</th><th scope="col" class="number">Machines</th><th scope="col">What was missing</th></tr></thead>
<tbody>${refusals.map(({ word, sentence, machines, by }) => html`<tr><th scope="row">${WHO[by]}</th><td class="number">${machines.toLocaleString("en")}</td><td class="says">${renderSentence(sentence)} <code>${word}</code></td></tr>`)}</tbody></table>
<p class="more">A machine counts once for each thing that was missing; most endings wait a moment for the host's next word.</p>`;
}

function renderForced({ forced, now }: SafetyAnswer): Html {
  return renderList(
    forced,
    0,
    (ending) => renderForcedEnding(ending, now),
    "No machine was ended by force in the last day.",
  );
}

function renderForcedEnding(
  { at, machineId, pool, by, reason, jobs }: SafetyAnswer["forced"][number],
  now: string,
): Html {
  const cost = jobs.length === 0 ? html`<span class="sub quiet">No job is known to have run there.</span>` : "";
  return html`<li class="row">
  <div class="who"><a class="name mono" href="${explainHref(machineId)}">${machineId}</a><span class="quiet">${pool ?? "no pool"}</span></div>
  <div class="why"><strong>${by}</strong>: ${renderSentence(reason)}${cost}${jobs.map(renderForcedJob)}</div>
  <div class="when"><span class="quiet">${renderAgo(at, now)}</span></div>
</li>`;
}

function renderForcedJob({ id, name, repository, conclusion }: SafetyAnswer["forced"][number]["jobs"][number]): Html {
  return html`<span class="sub">job <a href="${explainHref(id)}">${name === "" ? id : name}</a> <span class="quiet">${repository}, ${conclusion ?? "no conclusion yet"}</span></span>`;
}

function renderAlarms({ alarms, alarming, now }: SafetyAnswer): Html {
  const counts = ALARM_ORDER.map((kind) => ({ kind, count: alarms.find((one) => one.kind === kind)?.count ?? 0 }));
  return html`<table class="counts"><thead><tr><th scope="col">Fact</th><th scope="col" class="number">Times</th><th scope="col">What it means</th></tr></thead>
<tbody>${counts.map(({ kind, count }) => html`<tr class="${count > 0 && GRAVE.has(kind) ? "warn-row" : ""}"><th scope="row">${ALARM_WORDS[kind].name}</th><td class="number ${count === 0 ? "quiet" : ""}">${count.toLocaleString("en")}</td><td class="says">${ALARM_WORDS[kind].sentence}</td></tr>`)}</tbody></table>
${alarming.length === 0 ? "" : html`<ul class="rows">${alarming.map((one) => renderAlarm(one, now))}</ul>`}`;
}

function renderAlarm({ at, about, fact }: SafetyAnswer["alarming"][number], now: string): Html {
  const id = about.slice(about.indexOf(" ") + 1);
  const who = about.startsWith("machine ")
    ? html`<a class="name mono" href="${explainHref(id)}">${id}</a>`
    : html`<span class="mono">${about}</span>`;
  return html`<li class="row"><div class="who">${who}</div><div class="why">${fact}</div><div class="when"><span class="quiet">${renderAgo(at, now)}</span></div></li>`;
}

function renderUnknown({ unknown }: SafetyAnswer): Html {
  if (unknown.count === 0)
    return html`<p class="empty">None: of every machine somebody can tell whether a job runs there.</p>`;
  const more = unknown.count - unknown.machines.length;
  return html`<p>Nobody can tell whether a job runs there, so they are kept: ${unknown.machines.map((id, index) => html`${index > 0 ? ", " : ""}<a class="mono" href="${explainHref(id)}">${id}</a>`)}${more > 0 ? ` and ${more} more` : ""}.</p>`;
}
