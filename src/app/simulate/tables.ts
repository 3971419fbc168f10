/** Worlds side by side: ours against other algorithms, one setting against another; and the mutants that were tried. */
import { type Column, renderTable } from "../terminal/table.ts";
import { wrapText } from "../terminal/text-width.ts";
import { count, counted, minutes, wait } from "./figures.ts";
import type { MutantOutcome } from "./mutants.ts";
import type { Screen } from "./report.ts";
import { sumOf, type Totals } from "./totals.ts";

export interface NamedTotals extends Totals {
  readonly name: string;
}

type Row = Column<NamedTotals>;

function bad(value: number, { colours }: Screen, say: (value: number) => string = count) {
  return value > 0 ? { text: say(value), paint: colours.red } : { text: say(value) };
}

const WAITS: readonly Row[] = [
  { head: "WAIT P50", cell: ({ waitSeconds }) => wait(waitSeconds.p50), align: "right" },
  { head: "P95", cell: ({ waitSeconds }) => wait(waitSeconds.p95), align: "right" },
];

export function renderAlgorithms(rows: readonly NamedTotals[], screen: Screen): string {
  const { colours, width } = screen;
  const columns: readonly Row[] = [
    { head: "ALGORITHM", cell: ({ name }) => ({ text: name, paint: colours.bold }), min: 12 },
    { head: "KILLED", cell: ({ jobs }) => bad(jobs.killedByUs, screen), align: "right" },
    { head: "LOST", cell: ({ jobs }) => count(jobs.lostForced + jobs.lostByWorld), align: "right" },
    { head: "NOT RUN", cell: ({ jobs }) => count(jobs.open), align: "right", rank: 2 },
    { head: "LEAKED", cell: ({ machines }) => bad(machines.leakedMinutes, screen, minutes), align: "right" },
    ...WAITS,
    { head: "PAID", cell: ({ machines }) => minutes(machines.paidMinutes), align: "right" },
    { head: "CALLS", cell: ({ calls }) => count(sumOf(calls.github)), align: "right", rank: 1 },
    { head: "VIOLATIONS", cell: ({ violations }) => bad(violations.length, screen), align: "right", rank: 3 },
  ];
  const legend =
    "KILLED: jobs that died by the algorithm. LOST: with a machine that was taken, broke or was ended by force, or by their own runner. NOT RUN: not over at the end. LEAKED, PAID: machine-minutes. CALLS: to GitHub.";
  return `${renderTable(rows, columns, width, colours)}${renderLegend(rows, legend, screen)}`;
}

export function renderSettings(rows: readonly NamedTotals[], screen: Screen): string {
  const { colours, width } = screen;
  const columns: readonly Row[] = [
    { head: "SETTING", cell: ({ name }) => ({ text: name, paint: colours.bold }), min: 12 },
    ...WAITS,
    { head: "P99", cell: ({ waitSeconds }) => wait(waitSeconds.p99), align: "right" },
    { head: "LONGEST", cell: ({ waitSeconds }) => wait(waitSeconds.max), align: "right" },
    { head: "PAID", cell: ({ machines }) => minutes(machines.paidMinutes), align: "right" },
    { head: "BUSY", cell: ({ machines }) => minutes(machines.busyMinutes), align: "right", rank: 1 },
    { head: "IDLE", cell: ({ machines }) => minutes(machines.idleMinutes), align: "right", rank: 1 },
    { head: "AT ONCE", cell: ({ machines }) => count(machines.max), align: "right" },
    { head: "NOT RUN", cell: ({ jobs }) => (jobs.open === 0 ? "" : count(jobs.open)), align: "right", rank: 2 },
    {
      head: "VIOLATIONS",
      cell: ({ violations }) => (violations.length === 0 ? "" : bad(violations.length, screen)),
      align: "right",
    },
  ];
  const legend = "PAID, BUSY, IDLE: machine-minutes. AT ONCE: the most machines at one time.";
  return `${renderTable(rows, columns, width, colours)}${renderLegend(rows, legend, screen)}`;
}

function renderLegend(rows: readonly NamedTotals[], text: string, { width, colours }: Screen): string {
  const worlds = rows[0]?.worlds ?? 0;
  const waits =
    worlds > 1 ? ` ${counted(worlds, "world")} each: waits are those of the world in the middle, LONGEST of all.` : "";
  // Where nobody's terminal says how wide it is, a paragraph still has a width.
  const lines = wrapText(`${text}${waits}`, Math.min(width, LEGEND_WIDTH_MAX));
  return `\n${lines.map((line) => `${colours.dim(line)}\n`).join("")}`;
}

const LEGEND_WIDTH_MAX = 100;

export function renderMutants(outcomes: readonly MutantOutcome[], screen: Screen): string {
  const { colours, width } = screen;
  const survivors = outcomes.filter(({ caughtBy }) => caughtBy === null);
  const columns: readonly Column<MutantOutcome>[] = [
    { head: "MUTANT", cell: ({ name }) => ({ text: name, paint: colours.bold }), min: 16 },
    { head: "KEEPS", cell: ({ expected }) => expected },
    {
      head: "CAUGHT BY",
      cell: ({ caughtBy, expected }) => {
        if (caughtBy === null) return { text: "survived", paint: colours.red };
        return caughtBy === expected ? { text: caughtBy } : { text: caughtBy, paint: colours.yellow };
      },
    },
    { head: "SEEDS", cell: ({ seedsTried }) => count(seedsTried), align: "right" },
    { head: "SOURCE", cell: ({ source }) => source, min: 12, rank: 2 },
    { head: "WHAT WAS SEEN", cell: ({ violation }) => violation ?? "", min: 20, rank: 1 },
  ];
  const planted = counted(outcomes.length, "mutant");
  const verdict =
    survivors.length === 0 ? colours.green("every one found") : colours.red(`${count(survivors.length)} survived`);
  return `${colours.bold(planted)}  ${verdict}\n\n${renderTable(outcomes, columns, width, colours)}`;
}
