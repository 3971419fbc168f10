import { html } from "hono/html";
import type { StandingWord } from "../operators/answers.ts";
import { describeWord } from "../text/words.ts";
import { explainHref, type Html } from "./layout.ts";

/** What operators have said and not taken back, a line each: who, why, since when. */
export function renderWordList(words: readonly StandingWord[], now: string): Html | "" {
  if (words.length === 0) return "";
  return html`<ul class="words" aria-label="What operators have said">${words.map(
    (one) =>
      html`<li><span class="chip word">${one.word}</span> ${renderAbout(one.about)} <span class="quiet">${describeWord(one, now)}</span></li>`,
  )}</ul>`;
}

function renderAbout(about: string): Html | string {
  const [, machineId] = /^machine (.+)$/.exec(about) ?? [];
  return machineId === undefined
    ? about
    : html`machine <a class="mono" href="${explainHref(machineId)}">${machineId}</a>`;
}
