/** `holdfast status`: the fleet now, on one screen. */
import { type ConnectionAnswer, type PoolAnswer, StatusAnswer } from "../../http/operators/answers.ts";
import { formatAgo } from "../../http/text/durations.ts";
import { describeTrouble } from "../../http/text/trouble.ts";
import { listWords } from "../../http/text/words.ts";
import { type Colours, type CommandIo, coloursOf, widthOf } from "../terminal/io.ts";
import type { Live } from "../terminal/live-terminal.ts";
import { type Cell, type Column, renderTable } from "../terminal/table.ts";
import { wrapText } from "../terminal/text-width.ts";
import type { ExitCode } from "./failure.ts";
import { type ReadOptions, runQuestion } from "./question.ts";
import { renderWords } from "./words-legend.ts";

export function runStatus(options: ReadOptions, io: CommandIo, live: Live | null = null): Promise<ExitCode> {
  return runQuestion(options, io, live, () => ({
    ask: (client) => client.get("/status", StatusAnswer, "for its status"),
    render: renderStatus,
  }));
}

function renderStatus(status: StatusAnswer, io: CommandIo): string {
  const colours = coloursOf(io);
  const width = widthOf(io);
  const { word, tone, problems } = describeTrouble(status);
  const paint = tone === "well" ? colours.green : tone === "warn" ? colours.yellow : colours.red;
  const age = colours.dim(`version ${status.version}, started ${formatAgo(status.since, status.now)}`);
  const errors = status.pools.flatMap(({ name, lastErrors }) => lastErrors.map((error) => `${name}: ${error}`));
  return [
    `${colours.bold(status.controllerId)}  ${paint(word)}  ${age}\n\n`,
    renderPools(status.pools, width, colours),
    renderWords(status.words, status.now, width, colours),
    `\n${renderCounts(status, width)}`,
    renderGitHub(status, width),
    renderTroubles([...problems, ...errors], width, colours),
    renderNext(status, colours),
  ].join("");
}

function renderPools(pools: readonly PoolAnswer[], width: number, colours: Colours): string {
  if (pools.length === 0) return "No pools. Add one to the configuration and start again.\n";
  return renderTable(pools, [...POOL_COLUMNS(colours), ...standingColumns(pools)], width, colours);
}

/** Only where a pool has such tickets: most have none. */
function standingColumns(pools: readonly PoolAnswer[]): readonly Column<PoolAnswer>[] {
  const columns = [
    { head: "ONLINE", count: ({ standing }: PoolAnswer) => standing.registered },
    { head: "READY", count: ({ standing }: PoolAnswer) => standing.ready },
  ];
  return columns
    .filter(({ count }) => pools.some((pool) => count(pool) > 0))
    .map(({ head, count }) => ({ head, cell: (pool) => String(count(pool)), align: "right", rank: 5 }));
}

const MODES: Readonly<Record<PoolAnswer["mode"], string>> = { run: "", observe: "observes", removed: "removed" };

const POOL_COLUMNS = (colours: Colours): readonly Column<PoolAnswer>[] => [
  { head: "POOL", cell: ({ name }) => ({ text: name, paint: colours.bold }), min: 8 },
  { head: "MODE", cell: (pool) => describeMode(pool, colours) },
  { head: "MACHINES", cell: describeCount, align: "right" },
  { head: "BUSY", cell: ({ verdicts }) => String(verdicts.busy), align: "right" },
  { head: "IDLE", cell: ({ verdicts }) => String(verdicts.idle), align: "right" },
  {
    head: "UNKNOWN",
    cell: ({ verdicts }) => ({
      text: String(verdicts.unknown),
      ...(verdicts.unknown > 0 && { paint: colours.yellow }),
    }),
    align: "right",
  },
  { head: "PARKED", cell: ({ machines }) => String(machines.parked), align: "right", rank: 3 },
  {
    head: "STARTING",
    cell: ({ machines }) => String(machines.planned + machines.provisioning),
    align: "right",
    rank: 2,
  },
  { head: "RETIRING", cell: ({ machines }) => String(machines.retiring), align: "right", rank: 4 },
  { head: "WAITING", cell: ({ waitingJobs }) => String(waitingJobs), align: "right" },
];

function describeMode({ mode, words }: PoolAnswer, colours: Colours): Cell {
  const text = [MODES[mode], listWords(words)].filter((part) => part !== "").join(", ");
  return words.length === 0 ? { text } : { text, paint: colours.magenta };
}

function describeCount({ machines, max }: PoolAnswer): string {
  const count = Object.values(machines).reduce((sum, one) => sum + one, 0);
  return max === null ? String(count) : `${count}/${max}`;
}

function renderCounts({ jobs, deliveries }: StatusAnswer, width: number): string {
  const counts = [
    `${jobs.running} running`,
    `${jobs.queued} waiting`,
    ...(jobs.waiting > 0 ? [`${jobs.waiting} held for approval`] : []),
    ...(jobs.unmatched > 0 ? [`${jobs.unmatched} that no pool takes`] : []),
    `${jobs.completedLastHour} done in the last hour`,
  ];
  const unread = [
    ...(deliveries.pending > 0 ? [`${deliveries.pending} pending`] : []),
    ...(deliveries.quarantined > 0 ? [`${deliveries.quarantined} quarantined, for a person to look at`] : []),
  ];
  return [
    renderLine("Jobs", counts.join(", "), width),
    ...(unread.length === 0 ? [] : [renderLine("Deliveries", unread.join(", "), width)]),
  ].join("");
}

/** What is left of GitHub's limits, a line for each installation. */
function renderGitHub({ connections }: StatusAnswer, width: number): string {
  const lines = connections.flatMap((connection) =>
    connection.budgets.map((budget) => `${connection.name}${describeBudget(budget)}`),
  );
  return lines.map((line, index) => renderLine(index === 0 ? "GitHub" : "", line, width)).join("");
}

function describeBudget(budget: ConnectionAnswer["budgets"][number]): string {
  const { limit, remaining, ticketsPerMinute, ticketsPerMinuteMax, blockedUntil } = budget;
  const account = budget.account === "token" ? "" : `, ${budget.account}`;
  const calls = limit === null ? "" : `${remaining} of ${limit} calls left this hour, `;
  const blocked = blockedUntil === null ? "" : `, GitHub wants no calls before ${blockedUntil.slice(11, 19)} UTC`;
  return `${account}: ${calls}${ticketsPerMinute} of ${ticketsPerMinuteMax} tickets in the last minute${blocked}`;
}

const NAME_WIDTH = 12;

function renderLine(name: string, text: string, width: number): string {
  return `${name.padEnd(NAME_WIDTH)}${wrapText(text, width - NAME_WIDTH).join(`\n${" ".repeat(NAME_WIDTH)}`)}\n`;
}

function renderTroubles(troubles: readonly string[], width: number, colours: Colours): string {
  if (troubles.length === 0) return "";
  return `\n${troubles.map((text) => colours.yellow(`! ${wrapText(text, width - 2).join("\n  ")}`)).join("\n")}\n`;
}

function renderNext({ jobs, pools }: StatusAnswer, colours: Colours): string {
  const isQuiet = jobs.queued + jobs.running + jobs.completedLastHour === 0;
  if (jobs.queued > 0) return colours.dim("\n`holdfast jobs` says why each job waits.\n");
  if (pools.some(({ verdicts }) => verdicts.unknown > 0))
    return colours.dim("\n`holdfast machines` says what is missing.\n");
  return isQuiet ? colours.dim("\nNo job yet: one shows up when GitHub delivers its first webhook.\n") : "";
}
