/** The page that tells one subject's story: what was seen and decided, in time order. */
import { html } from "hono/html";
import type { ExplainAnswer } from "../operators/answers.ts";
import { clockTime, formatBetween } from "../text/durations.ts";
import { renderIn } from "./ages.ts";
import { renderDrawing } from "./drawing.ts";
import { explainHref, type Html, isWebAddress, renderPage, renderSentence } from "./layout.ts";
import { type LivePage, part } from "./parts.ts";
import { renderWordList } from "./words.ts";

const KINDS = { job: "Job", machine: "Machine", pool: "Pool", fleet: "All pools" } as const;

const BECAUSE = {
  job: "It waits because",
  machine: "It stands so because",
  pool: "Most of its jobs wait because",
  fleet: "Most jobs wait because",
} as const;

type Entry = ExplainAnswer["timeline"][number];

export function renderExplainPage(answer: ExplainAnswer): LivePage {
  const { subject, verdict, waitingFor, timeline, now } = answer;
  const isOver = verdict.kind === "completed" || verdict.kind === "gone";
  const isToldAlready = verdict.sentences.some((one) => waitingFor !== null && one.includes(waitingFor.sentence));
  const because = isToldAlready ? null : waitingFor;
  const drawing = renderDrawing(answer, isOver);
  return {
    title: subject.kind === "fleet" ? "why" : `${subject.kind} ${subject.name}`,
    now,
    isOver,
    parts: [
      part(
        "subject",
        html`<section class="subject">
  <p class="quiet">${KINDS[subject.kind]}</p>
  <h1 class="${subject.kind === "machine" ? "mono" : ""}">${nameOf(subject)}</h1>
  <dl class="of-subject">${renderFacts(subject)}</dl>
</section>`,
      ),
      part(
        "answer",
        html`<section class="answer" aria-label="The answer">
  <p><span class="verdict ${verdict.kind}">${wordOf(verdict.kind)}</span></p>
  ${verdict.sentences.map((sentence) => html`<p>${renderSentence(sentence)}</p>`)}
  ${because === null ? "" : html`<p class="because"><span class="quiet">${BECAUSE[subject.kind]}:</span> ${renderSentence(because.sentence)} <code>${because.reason}</code></p>`}
  ${renderNext(answer.next, now)}
  ${renderWordList(answer.words, now)}
</section>`,
      ),
      part("drawing", drawing === "" ? html`` : html`<section><h2>Along time</h2>${drawing}</section>`),
      part(
        "story",
        html`<section><h2>What happened</h2>
  ${answer.omittedCount > 0 ? html`<p class="more">${answer.omittedCount} older entries are left out.</p>` : ""}
  ${timeline.length === 0 ? html`<p class="empty">Nothing is written down about it yet.</p>` : html`<ol class="timeline">${timeline.map((entry, index) => renderEntry(entry, timeline[index - 1], answer))}</ol>`}
</section>`,
      ),
    ],
  };
}

function nameOf(subject: ExplainAnswer["subject"]): string {
  if (subject.kind === "fleet") return "Why nothing starts";
  return subject.name === "" ? subject.id : subject.name;
}

function renderNext(next: ExplainAnswer["next"], now: string): Html | "" {
  if (next === null) return "";
  const when = next.at === null ? "" : html` <strong>${renderIn(next.at, now)}</strong>`;
  return html`<p class="next"><span class="quiet">Next:</span>${when} ${renderSentence(next.sentence)}</p>`;
}

export function renderNotFoundPage(subject: string, controllerId: string, now: string): Html {
  return renderPage({
    title: "not found",
    controllerId,
    place: null,
    live: null,
    now,
    body: html`<section class="subject"><h1>Nothing of that name is known</h1>
<p>Looked for <span class="mono">${subject.slice(0, 200)}</span> among jobs, machines, provider ids, runner names and pools.</p>
<p class="quiet">A job is known from its first webhook on. An address of a job ends in <span class="mono">/job/123</span>; that of a whole run names no job.</p>
<p><a href="/">To the fleet</a></p></section>`,
  });
}

function wordOf(kind: string): string {
  return kind.replace("_", " ");
}

function renderFacts(subject: ExplainAnswer["subject"]): readonly (Html | "")[] {
  if (subject.kind === "machine") {
    return [
      renderFact("State", subject.state),
      renderFact("Pool", subject.pool),
      subject.providerId === null
        ? ""
        : renderFact("At the provider", html`<span class="mono">${subject.providerId}</span>`),
      subject.runnerNames.length === 0
        ? ""
        : renderFact("Runner", html`<span class="mono">${subject.runnerNames.slice(-3).join(", ")}</span>`),
    ];
  }
  if (subject.kind === "fleet") return [];
  if (subject.kind === "pool") {
    const { mode, machineCount, max } = subject;
    return [
      renderFact("Mode", mode),
      renderFact("Machines", `${machineCount}${max === null ? "" : ` of at most ${max}`}`),
    ];
  }
  const { machineId, runnerName, url } = subject;
  return [
    renderFact("Repository", subject.repository),
    renderFact("Pool", subject.pool ?? "none"),
    machineId === null
      ? ""
      : renderFact("Machine", html`<a class="mono" href="${explainHref(machineId)}">${machineId}</a>`),
    runnerName === null || runnerName === "" ? "" : renderFact("Runner", html`<span class="mono">${runnerName}</span>`),
    isWebAddress(url)
      ? renderFact("At GitHub", html`<a href="${url}" rel="noreferrer noopener">job ${subject.id}</a>`)
      : renderFact("Job", subject.id),
  ];
}

function renderFact(name: string, value: Html | string): Html {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

function renderEntry(entry: Entry, before: Entry | undefined, { subject, timeline }: ExplainAnswer): Html {
  const date = entry.at.slice(0, 10);
  const isNewDate = before === undefined || before.at.slice(0, 10) !== date;
  const start = timeline[0]?.at ?? entry.at;
  const isOther = entry.about !== `${subject.kind} ${subject.id}`;
  const until =
    entry.until === null
      ? ""
      : html` <time class="quiet" datetime="${entry.until}">until ${clockTime(entry.until)}</time>`;
  return html`${isNewDate ? html`<li class="date">${date}</li>` : ""}<li class="${entry.rule === null ? "seen" : "decided"}">
  <div class="at"><time class="mono" datetime="${entry.at}" title="${entry.at}">${clockTime(entry.at)}</time> <span class="quiet">${before === undefined ? "" : `+${formatBetween(start, entry.at)}`}</span></div>
  <div><p>${entry.fact}${isOther ? html` <span class="quiet mono">${entry.about}</span>` : ""}${until}</p>
  ${entry.rule === null ? "" : html`<p class="rule">${renderSentence(entry.rule.sentence)} <code>${entry.rule.reason}</code></p>`}</div>
  <div class="source">${entry.rule === null ? entry.source : "decision"}</div>
</li>`;
}
