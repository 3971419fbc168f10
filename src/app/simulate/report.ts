/** What a world was, for a person: its verdict first, then its figures, and of each violation what led to it. */

import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { plainAnswer } from "../../http/text/plain-text.ts";
import type { Invariant, WorldResult } from "../../simulator/scenario/result.ts";
import type { Colours } from "../terminal/io.ts";
import { wrapText } from "../terminal/text-width.ts";
import { clockAt, count, counted, dateAt, listCounts, minutes, sinceStart, wait } from "./figures.ts";
import { type FinishedWorld, type FoundViolation, sumOf, type Totals } from "./totals.ts";

export interface Screen {
  readonly width: number;
  readonly colours: Colours;
}

const NAME_WIDTH = 11;
const KINDS_SHOWN_MAX = 6;
/** A report is read from its top: more than these are for `--json`. */
const VIOLATIONS_SHOWN_MAX = 5;
const TIMELINE_SHOWN_MAX = 30;
const DIGEST_SHOWN_LENGTH = 16;

/** What each promises, in a line; docs/design/safety.md has them in full. */
const INVARIANT_SENTENCES: Readonly<Record<Invariant, string>> = {
  I1: "what has a job, or could get one, is not ended",
  I2: "everything that was started reaches its end",
  I3: "one live ticket for a machine, one machine for a row, never more than `machines.max`",
  I4: "what is not ours is not touched",
  I5: "a job that fits gets a machine",
  I6: "nothing waits without a reason",
  I7: "where nothing fails no safety net is needed",
  durable: "what was acknowledged is stored",
};

export function renderWorld(world: FinishedWorld, screen: Screen): string {
  const result = plainAnswer(world.result);
  const { colours } = screen;
  const { scenario, algorithm, seed, violations, jobs, machines, ghosts, calls, faults } = result;
  const head = `${colours.bold(scenario)}  ${algorithm}, seed ${seed}  ${renderVerdict(violations.length, colours)}`;
  const place = `${describeSpan(result)} from ${dateAt(world.startMs)}, ${counted(result.events, "event")}, digest ${result.digest.slice(0, DIGEST_SHOWN_LENGTH)}`;
  const found = violations.map((violation) => ({ ...violation, scenario, seed, algorithm, again: world.again }));
  return [
    `${head}\n${colours.dim(place)}\n\n`,
    renderFigures(
      { jobs, waitSeconds: jobs.waitSeconds, delays: jobs.delays, machines, ghosts, calls, faults },
      screen,
    ),
    renderProofs(machines.retiredByProof, screen),
    renderViolations(found, () => world.startMs, screen),
  ].join("");
}

/** @param hoursPerMinute of simulated time. */
export function renderTotals(
  worlds: readonly FinishedWorld[],
  given: Totals,
  pace: { readonly hoursPerMinute: number; readonly processes: number },
  screen: Screen,
): string {
  const totals = plainAnswer(given);
  const { colours } = screen;
  const head = `${colours.bold(counted(totals.worlds, "world"))}  ${renderVerdict(totals.violations.length, colours)}`;
  const speed = `${count(pace.hoursPerMinute)} simulated hours a minute on ${counted(pace.processes, "process", "processes")}`;
  const place = `${count(totals.simulatedHours)} hours, ${count(totals.machineHours)} machine-hours, ${speed}, digest ${totals.digest.slice(0, DIGEST_SHOWN_LENGTH)}`;
  const starts = new Map(worlds.map(({ again, startMs }) => [again, startMs]));
  return [
    `${head}\n${colours.dim(place)}\n\n`,
    renderFigures(totals, screen),
    renderProofs(totals.retiredByProof, screen),
    renderViolations(totals.violations, ({ again }) => starts.get(again) ?? 0, screen),
  ].join("");
}

function renderVerdict(violationCount: number, colours: Colours): string {
  return violationCount === 0 ? colours.green("no violation") : colours.red(counted(violationCount, "violation"));
}

function describeSpan({ simulatedHours }: WorldResult): string {
  const hours = Math.round(simulatedHours * 10) / 10;
  return hours < 1 ? counted(Math.round(simulatedHours * 60), "minute") : counted(hours, "hour");
}

type Figures = Pick<Totals, "jobs" | "waitSeconds" | "delays" | "machines" | "ghosts" | "calls" | "faults">;

function renderFigures(
  { jobs, waitSeconds, delays, machines, ghosts, calls, faults }: Figures,
  screen: Screen,
): string {
  const { colours } = screen;
  const loss = (value: number, words: string) => (value === 0 ? [] : [`${count(value)} ${words}`]);
  const killed = jobs.killedByUs === 0 ? "none killed by us" : `${count(jobs.killedByUs)} killed by us`;
  const jobWords = [
    `${count(jobs.succeeded)} succeeded`,
    ...loss(jobs.cancelled, "cancelled"),
    ...loss(jobs.lostForced, "lost with their machine"),
    ...loss(jobs.lostByWorld, "lost by their own runner or GitHub"),
    ...loss(jobs.open, "not over at the end"),
  ];
  const left = machines.leaked === 0 ? "none left behind" : `${count(machines.leaked)} left behind`;
  const leakedFor = machines.leakedMinutes > 0 ? ` (${minutes(machines.leakedMinutes)} machine-minutes)` : "";
  const ghostWords = `${counted(ghosts.created, "ghost")}, ${ghosts.leftover === 0 ? "none" : count(ghosts.leftover)} left behind`;
  const { p50, p95, p99, max } = waitSeconds;
  const isBad = (value: number, words: string) => (value === 0 ? words : colours.red(words));
  const lines: readonly (readonly [name: string, text: string, marked?: readonly [string, number]])[] = [
    ["Jobs", `${count(jobs.total)}: ${jobWords.join(", ")}; ${killed}`, [killed, jobs.killedByUs]],
    ["Waits", `p50 ${wait(p50)}, p95 ${wait(p95)}, p99 ${wait(p99)}, longest ${wait(max)}`],
    ...(delays === 0
      ? []
      : [["", `${counted(delays, "dispatch", "dispatches")} taken back before a runner had it`] as const]),
    [
      "Machines",
      `${count(machines.launched)} launched, ${count(machines.max)} at once; ${left}${leakedFor}`,
      [left, machines.leaked],
    ],
    [
      "",
      `${minutes(machines.paidMinutes)} machine-minutes paid: ${minutes(machines.busyMinutes)} busy, ${minutes(machines.idleMinutes)} idle`,
    ],
    ...(ghosts.created === 0 ? [] : [["Runners", ghostWords, [ghostWords, ghosts.leftover]] as const]),
    ["GitHub", describeCounts(calls.github, "call")],
    ["Provider", describeCounts(calls.provider, "call")],
    ["Faults", describeCounts(faults, "fault")],
  ];
  return lines
    .map(([name, text, marked]) => {
      const rendered = renderLine(name, text, screen);
      return marked === undefined ? rendered : rendered.replace(marked[0], isBad(marked[1], marked[0]));
    })
    .join("");
}

function describeCounts(counts: Readonly<Record<string, number>>, one: string): string {
  const sum = sumOf(counts);
  return sum === 0 ? `no ${one}` : `${counted(sum, one)}: ${listCounts(counts, KINDS_SHOWN_MAX)}`;
}

function renderProofs(retiredByProof: Readonly<Record<string, number>>, screen: Screen): string {
  return sumOf(retiredByProof) === 0 ? "" : renderLine("Ended by", listCounts(retiredByProof, KINDS_SHOWN_MAX), screen);
}

function renderLine(name: string, text: string, { width, colours }: Screen): string {
  const [first = "", ...rest] = wrapText(text, width - NAME_WIDTH);
  return [
    `${colours.dim(name.padEnd(NAME_WIDTH))}${first}\n`,
    ...rest.map((line) => `${" ".repeat(NAME_WIDTH)}${line}\n`),
  ].join("");
}

/** Which faults the violation above needs. */
export function renderShrunk(
  shrunk: { readonly faults: readonly string[]; readonly of: number; readonly worlds: number },
  { width }: Screen,
): string {
  const { faults, of, worlds } = shrunk;
  const needs = faults.length === 0 ? "no fault at all" : faults.join(", ");
  const tried = `${counted(of, "kind")} of faults were in the world; ${counted(worlds, "world")} tried`;
  return `\n${wrapText(`It takes ${needs}. (${tried}.)`, width).join("\n")}\n`;
}

/** @param startOf when the world of a violation began. */
export function renderViolations(
  violations: readonly FoundViolation[],
  startOf: (violation: FoundViolation) => number,
  screen: Screen,
): string {
  const shown = violations.slice(0, VIOLATIONS_SHOWN_MAX).map((one) => renderViolation(one, startOf(one), screen));
  const rest = violations.length - shown.length;
  const more =
    rest > 0 ? `\n${screen.colours.dim(`${counted(rest, "more violation")}: --json lists them all.`)}\n` : "";
  return `${shown.join("")}${more}`;
}

function renderViolation(violation: FoundViolation, startMs: number, screen: Screen): string {
  const { width, colours } = screen;
  const { invariant, atMs, what, timeline, explanation, again } = violation;
  const when = `${clockAt(startMs, atMs)}, ${sinceStart(atMs)}`;
  const block = (text: string, indent: string) =>
    wrapText(text, width - indent.length).map((line) => `${indent}${line}`);
  const omitted = timeline.length - TIMELINE_SHOWN_MAX;
  const told = explanation.filter((text) => INSTANT.test(text));
  const unexplained = told.length - TIMELINE_SHOWN_MAX;
  const lines = [
    "",
    `${colours.red(invariant)}  ${when}  ${colours.dim(INVARIANT_SENTENCES[invariant])}`,
    ...block(what, "  ").map(colours.bold),
    ...(timeline.length === 0 ? [] : ["", colours.dim("  What happened")]),
    ...(omitted > 0 ? [colours.dim(`    ${counted(omitted, "earlier event")} left out`)] : []),
    ...timeline.slice(-TIMELINE_SHOWN_MAX).flatMap((text) => renderEvent(text, startMs, screen)),
    ...(explanation.length === 0 ? [] : ["", colours.dim("  What `holdfast explain` says")]),
    ...explanation.filter((text) => !INSTANT.test(text)).flatMap((text) => block(text, "    ")),
    ...(unexplained > 0 ? [colours.dim(`    ${counted(unexplained, "line")} left out`)] : []),
    ...told.slice(-TIMELINE_SHOWN_MAX).flatMap((text) => renderEvent(text, startMs, screen)),
    "",
    `  ${colours.dim("Again:")} ${again}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** `0:14:07.120` since the start in what happened; an instant in what `explain` says. */
const OFFSET = /^(?<hours>\d+):(?<minutes>\d{2}):(?<seconds>\d{2}(?:\.\d+)?)\s+/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T(?<clock>\d{2}:\d{2}:\d{2})(?:\.\d+)?Z\s+/;
const CLOCK_WIDTH = "08:14:07  ".length;

/** With the world's clock before it, and what is too long beneath itself. */
function renderEvent(text: string, startMs: number, { width, colours }: Screen): readonly string[] {
  const { clock, rest } = splitTime(text, startMs);
  const indent = clock === null ? "    " : " ".repeat(4 + CLOCK_WIDTH);
  const [first = "", ...others] = wrapText(rest, width - indent.length);
  const lead = clock === null ? indent : `    ${colours.dim(clock)}  `;
  return [`${lead}${first}`, ...others.map((line) => `${indent}${line}`)];
}

function splitTime(text: string, startMs: number): { readonly clock: string | null; readonly rest: string } {
  const offset = OFFSET.exec(text);
  if (offset !== null) {
    const { hours, minutes, seconds } = offset.groups ?? {};
    const sinceMs = Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS + Math.floor(Number(seconds) * SECOND_MS);
    return { clock: clockAt(startMs, sinceMs), rest: text.slice(offset[0].length) };
  }
  const instant = INSTANT.exec(text);
  return { clock: instant?.groups?.clock ?? null, rest: text.slice(instant?.[0].length ?? 0) };
}
