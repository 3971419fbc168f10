import { html } from "hono/html";
import type { StandingWord } from "../operators/answers.ts";
import { renderAgo } from "./ages.ts";
import { explainHref, type Html } from "./layout.ts";

/** What operators have said and not taken back, a line each: who, why, since when. */
export function renderWordList(words: readonly StandingWord[], now: string): Html | "" {
  if (words.length === 0) return "";
  return html`<ul class="words" aria-label="What operators have said">${words.map(
    (one) =>
      html`<li><span class="chip word">${one.word}</span> ${renderAbout(one.about)} <span class="quiet">${renderWord(one, now)}</span></li>`,
  )}</ul>`;
}

/** The words of `describeWord`, with an age that grows. */
function renderWord({ operator, reason, since }: StandingWord, now: string): Html {
  const who = operator === null ? "by an operator" : `by ${operator}`;
  return html`${who}${since === null ? "" : html` ${renderAgo(since, now)}`}${reason === "" ? "" : `: ${reason}`}`;
}

function renderAbout(about: string): Html | string {
  const [, machineId] = /^machine (.+)$/.exec(about) ?? [];
  return machineId === undefined
    ? about
    : html`machine <a class="mono" href="${explainHref(machineId)}">${machineId}</a>`;
}
