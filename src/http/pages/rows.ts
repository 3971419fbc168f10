/** One row for each job and machine; rows become blocks where the screen is narrow. */
import { html } from "hono/html";
import { AGENT_FRESH_MS } from "../../domain/verdict.ts";
import type { JobAnswer, MachineAnswer } from "../operators/answers.ts";
import { formatDuration } from "../text/durations.ts";
import { listWords } from "../text/words.ts";
import { renderAgo, renderFor } from "./ages.ts";
import { explainHref, type Html, renderSentence } from "./layout.ts";

export function renderWaitingJob(job: JobAnswer, now: string): Html {
  const because = renderSentence(job.waitingFor?.sentence ?? "No pass has looked at it yet.");
  return html`<li class="row" id="job-${job.connection}-${job.id}">
  <div class="who">${renderJobName(job)}<span class="quiet">${job.repository}</span></div>
  <div class="why">${because}${renderCode(job.waitingFor?.reason)}</div>
  <div class="when"><strong>${renderFor(job.createdAt, now)}</strong> <span class="quiet">${job.pool ?? "no pool"}</span></div>
</li>`;
}

export function renderRecentJob(job: JobAnswer, now: string): Html {
  const isRunning = job.status === "in_progress";
  const word = isRunning ? "running" : (job.conclusion ?? job.status);
  const when = isRunning
    ? html`<strong>${renderFor(job.startedAt ?? now, now)}</strong> <span class="quiet">so far</span>`
    : html`<span class="quiet">${renderAgo(job.completedAt ?? job.createdAt, now)}</span>`;
  return html`<li class="row" id="job-${job.connection}-${job.id}">
  <div class="who">${renderJobName(job)}<span class="quiet">${job.repository}</span></div>
  <div class="why"><span class="verdict ${toneOf(word)}">${word}</span> <span class="quiet">${renderPlace(job)}, after ${formatDuration(job.queueMs)} in the queue</span></div>
  <div class="when">${when}</div>
</li>`;
}

function toneOf(word: string): string {
  if (word === "running") return "busy";
  if (word === "success") return "idle";
  return word === "failure" || word === "timed_out" ? "bad" : "none";
}

function renderPlace(job: JobAnswer): Html | string {
  if (job.machineId !== null) return html`on <a class="mono" href="${explainHref(job.machineId)}">${job.machineId}</a>`;
  return job.runnerName === null || job.runnerName === "" ? "on no runner" : `on ${job.runnerName}, not ours`;
}

function renderJobName(job: JobAnswer): Html {
  const workflow = job.workflow === "" ? "" : html`<span class="quiet">${job.workflow} / </span>`;
  return html`<a class="name" href="${explainHref(job.id)}">${workflow}${job.name === "" ? `job ${job.id}` : job.name}</a>`;
}

function renderCode(reason: string | undefined): Html | "" {
  return reason === undefined ? "" : html` <code>${reason}</code>`;
}

export function renderMachine(machine: MachineAnswer, now: string): Html {
  const heard = machine.heardAt === null ? "agent not heard" : renderHeard(machine.heardAt, now);
  const state = machine.stage === null ? machine.state : `${machine.state}, ${machine.stage}`;
  return html`<li class="row" id="${machine.id}">
  <div class="who"><a class="name mono" href="${explainHref(machine.id)}">${machine.id}</a><span class="quiet">${machine.pool} · <i class="swatch ${machine.state}"></i> ${state}</span></div>
  <div class="why"><span class="verdict ${machine.verdict.kind}">${machine.verdict.kind}</span> ${explainMachine(machine)}${renderWords(machine)}${machine.jobs.slice(-1).map(renderMachineJob)}</div>
  <div class="when"><strong>${renderFor(machine.createdAt, now)}</strong> <span class="quiet">${heard}</span></div>
</li>`;
}

/** An agent that is heard as it should be is no news each time. */
function renderHeard(heardAt: string, now: string): Html | string {
  const isFresh = Date.parse(now) - Date.parse(heardAt) < AGENT_FRESH_MS;
  return isFresh ? "heard" : html`silent for ${renderFor(heardAt, now)}`;
}

/** What is said of the whole pool stands at the pool. */
function renderWords({ id, words }: MachineAnswer): Html | "" {
  const own = words.filter(({ about }) => about === `machine ${id}`);
  return own.length === 0 ? "" : html` <span class="chip word">${listWords(own)}</span>`;
}

/** Of an idle machine the reason for which it is kept says more than that it is idle. */
function explainMachine({ verdict, waitingFor, retireReason }: MachineAnswer): Html {
  if (verdict.kind !== "idle" || waitingFor === null) return renderSentence(verdict.sentences.join(" "));
  const retires = retireReason === null ? [] : verdict.sentences.slice(0, 1);
  return renderSentence([...retires, waitingFor.sentence].join(" "));
}

function renderMachineJob(job: MachineAnswer["jobs"][number]): Html {
  return html`<span class="sub">job <a href="${explainHref(job.id)}">${job.name === "" ? job.id : job.name}</a> <span class="quiet">${job.repository}</span></span>`;
}

export function renderEnded(machine: MachineAnswer, now: string): Html {
  const proof = machine.proof === null ? "" : html` <span class="proof">proof: ${machine.proof}</span>`;
  return html`<li class="row" id="${machine.id}">
  <div class="who"><a class="name mono" href="${explainHref(machine.id)}">${machine.id}</a><span class="quiet">${machine.pool} · lived ${formatDuration(Date.parse(machine.since) - Date.parse(machine.createdAt))}</span></div>
  <div class="why">${renderSentence(machine.verdict.sentences[0] ?? "")}${renderCode(machine.retireReason ?? undefined)}${proof}</div>
  <div class="when"><span class="quiet">${renderAgo(machine.since, now)}</span></div>
</li>`;
}
