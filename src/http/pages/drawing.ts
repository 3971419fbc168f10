/**
 * A story drawn along time: the states of each thing as bands, why it stood so beneath them, and a mark for each thing that was
 * seen or decided. Places are percentages of the width, so that it fits any; all is said again in words below it.
 */
import { html } from "hono/html";
import { formatInstant } from "../../domain/instant.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { ExplainAnswer } from "../operators/answers.ts";
import { clockTime, formatDuration } from "../text/durations.ts";
import type { Html } from "./layout.ts";

type Lane = ExplainAnswer["lanes"][number];
type Band = Lane["bands"][number];
type Entry = ExplainAnswer["timeline"][number];

const BAND_HEIGHT = 24;
const REASON_HEIGHT = 18;
const MARKS_HEIGHT = 22;
/** About so many ticks stand on the axis. */
const TICKS_WANTED = 6;
const TICK_STEPS_MS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
].map((seconds) => seconds * SECOND_MS);
/** Its end moves by steps: what only grows with the time is not drawn anew all the time. */
const SPAN_STEPS = 40;

export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** @returns nothing where there are no bands to draw. */
export function renderDrawing({ lanes, timeline, now, subject }: ExplainAnswer, isOver: boolean): Html | "" {
  const span = spanOf(lanes, timeline, isOver ? null : Date.parse(now));
  if (span === null || lanes.length === 0) return "";
  const own = `${subject.kind} ${subject.id}`;
  const inOrder = [...lanes].sort((a, b) => Number(b.about === own) - Number(a.about === own));
  return html`<figure class="drawing" aria-label="${describeDrawing(inOrder, span)}">
<div class="lane axis"><div class="lane-name quiet">${formatDuration(span.untilMs - span.fromMs)}</div>${renderAxis(span)}</div>
${inOrder.map((lane, index) => renderLane(lane, span, inOrder[index - 1]?.about === lane.about))}
<div class="lane"><div class="lane-name quiet">seen, decided</div>${renderMarks(timeline, span)}</div>
<figcaption class="unseen">All of it is told in words below.</figcaption>
</figure>`;
}

function describeDrawing(lanes: readonly Lane[], { fromMs, untilMs }: Span): string {
  const states = lanes.filter(({ kind }) => kind === "states");
  const told = states.map(({ about, bands }) => `${about}: ${bands.map(({ word }) => spaced(word)).join(", ")}`);
  return `States over ${formatDuration(untilMs - fromMs)}. ${told.join(". ")}`;
}

function spanOf(lanes: readonly Lane[], timeline: readonly Entry[], nowMs: number | null): Span | null {
  const times = [
    ...timeline.map(({ at }) => Date.parse(at)),
    ...lanes
      .flatMap(({ bands }) => bands.flatMap(({ from, until }) => [from, until ?? from]))
      .map((at) => Date.parse(at)),
  ];
  if (times.length === 0) return null;
  const fromMs = Math.min(...times);
  const lastMs = Math.max(...times, nowMs ?? 0);
  const stepMs = Math.max(SECOND_MS, roundStep((lastMs - fromMs) / SPAN_STEPS));
  return {
    fromMs,
    untilMs:
      nowMs === null ? Math.max(lastMs, fromMs + 1) : fromMs + Math.ceil((lastMs - fromMs + 1) / stepMs) * stepMs,
  };
}

/** The next power of two: a span that grows keeps its step for long. */
function roundStep(ms: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, ms)));
}

function placeOf(atMs: number, { fromMs, untilMs }: Span): number {
  return Math.round(((Math.min(Math.max(atMs, fromMs), untilMs) - fromMs) / (untilMs - fromMs)) * 10_000) / 100;
}

function renderAxis(span: Span): Html {
  const lengthMs = span.untilMs - span.fromMs;
  const stepMs = TICK_STEPS_MS.find((step) => lengthMs / step <= TICKS_WANTED) ?? lengthMs;
  const ticks: number[] = [];
  for (
    let atMs = Math.ceil(span.fromMs / stepMs) * stepMs;
    atMs <= span.untilMs && ticks.length < 2 * TICKS_WANTED;
    atMs += stepMs
  )
    ticks.push(atMs);
  const shown = ticks.map((atMs) => ({ atMs, place: placeOf(atMs, span) })).filter(({ place }) => place <= 96);
  return html`<svg width="100%" height="18" aria-hidden="true">${shown.map(
    ({ atMs, place }) =>
      html`<line class="tick" x1="${place}%" x2="${place}%" y1="12" y2="18"></line><text class="tick-name" x="${place}%" dx="3" y="13">${nameTick(atMs, stepMs)}</text>`,
  )}</svg>`;
}

/** Hours and minutes, with seconds where they differ; the day where days pass. */
function nameTick(atMs: number, stepMs: number): string {
  const text = formatInstant(atMs);
  if (stepMs >= DAY_MS) return text.slice(5, 10);
  return stepMs < MINUTE_MS ? clockTime(text) : text.slice(11, 16);
}

function renderLane({ about, kind, bands }: Lane, span: Span, isBelowOwn: boolean): Html {
  const height = kind === "states" ? BAND_HEIGHT : REASON_HEIGHT;
  const name = isBelowOwn
    ? html`<span class="quiet">why</span>`
    : html`<span class="mono" title="${about}">${shortName(about)}</span>`;
  return html`<div class="lane"><div class="lane-name">${name}</div><svg width="100%" height="${height}" aria-hidden="true">${bands.map((band) => renderBand(band, kind, height, span))}</svg></div>`;
}

/** `ticket t-1`: the kind stands before the name, and says enough where there is no room for it. */
function shortName(about: string): string {
  return about.length <= 22 ? about : `${about.slice(0, 21)}…`;
}

/** An open band ends where the drawing does. A word that does not fit is cut off by the band's own frame. */
function renderBand({ word, from, until }: Band, kind: Lane["kind"], height: number, span: Span): Html {
  const start = placeOf(Date.parse(from), span);
  const end = until === null ? 100 : placeOf(Date.parse(until), span);
  const width = Math.max(0.15, Math.round((end - start) * 100) / 100);
  const lasted = until === null ? `since ${clockTime(from)}` : `${clockTime(from)} to ${clockTime(until)}`;
  const isNamed = width > 4;
  const label = isNamed ? html`<text class="band-name" x="6" y="${height / 2 + 4}">${spaced(word)}</text>` : "";
  return html`<svg x="${start}%" width="${width}%" height="${height}"><rect class="band ${kind} s-${word}" width="100%" height="${height - 2}" y="1" rx="3"></rect>${label}<title>${spaced(word)}, ${lasted}</title></svg>`;
}

function spaced(word: string): string {
  return word.replaceAll("_", " ");
}

/** What was seen is a dot, what was decided a square: not told apart by colour alone. */
function renderMarks(timeline: readonly Entry[], span: Span): Html {
  const middle = MARKS_HEIGHT / 2;
  return html`<svg width="100%" height="${MARKS_HEIGHT}" aria-hidden="true"><line class="ground" x1="0" x2="100%" y1="${middle}" y2="${middle}"></line>${timeline.map(
    (entry) => {
      const place = placeOf(Date.parse(entry.at), span);
      const title = html`<title>${clockTime(entry.at)} ${entry.fact}${entry.rule === null ? "" : ` (${entry.rule.reason})`}</title>`;
      return entry.rule === null
        ? html`<circle class="mark-seen" cx="${place}%" cy="${middle}" r="4">${title}</circle>`
        : html`<svg x="${place}%" overflow="visible"><rect class="mark-decided" x="-4" y="${middle - 4}" width="8" height="8">${title}</rect></svg>`;
    },
  )}</svg>`;
}
