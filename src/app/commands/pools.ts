/** `holdfast pools`: each pool against its maximum, what is stopped in it, and what its jobs wait for; one of them in full. */
import { type PoolDetailAnswer, PoolsAnswer } from "../../http/operators/answers.ts";
import { formatAgo, formatBetween } from "../../http/text/durations.ts";
import { listWords } from "../../http/text/words.ts";
import { type Colours, type CommandIo, coloursOf, widthOf } from "../terminal/io.ts";
import type { Live } from "../terminal/live-terminal.ts";
import { type Cell, type Column, renderTable } from "../terminal/table.ts";
import { wrapText } from "../terminal/text-width.ts";
import { CommandError, type ExitCode } from "./failure.ts";
import { type ReadOptions, runQuestion } from "./question.ts";
import { renderReasons } from "./reasons-legend.ts";
import { renderWords } from "./words-legend.ts";

/** @param name null for all of them. */
export function runPools(
  name: string | null,
  options: ReadOptions,
  io: CommandIo,
  live: Live | null = null,
): Promise<ExitCode> {
  return runQuestion(options, io, live, () => {
    if (name?.trim() === "")
      throw new CommandError("asking for a pool", {
        code: "usage",
        wrong: "nothing is named",
        mend: "Name a pool; without any name all are listed.",
      });
    const path = name === null ? "/pools" : `/pools/${encodeURIComponent(name.trim())}`;
    const what = name === null ? "for its pools" : `for pool ${name}`;
    return {
      ask: (client) => client.get(path, PoolsAnswer, what),
      render: (answer, screen) => (name === null ? renderPools(answer, screen) : renderDetails(answer, screen)),
    };
  });
}

function renderPools({ pools, now }: PoolsAnswer, io: CommandIo): string {
  if (pools.length === 0) return "No pools. Add one to the configuration and start again.\n";
  const colours = coloursOf(io);
  const width = widthOf(io);
  const words = pools.flatMap((pool) => pool.words);
  const reasons = pools.flatMap(({ waiting }) => waiting.slice(0, 1)).map(asBecause);
  return [
    renderTable(pools, columnsAt(now, colours), width, colours),
    renderWords(words, now, width, colours),
    renderReasons(reasons, width, colours),
  ].join("");
}

function asBecause({ reason, sentence }: PoolDetailAnswer["waiting"][number]) {
  return reason === null ? null : { reason, sentence };
}

const columnsAt = (now: string, colours: Colours): readonly Column<PoolDetailAnswer>[] => [
  { head: "POOL", cell: ({ name }) => ({ text: name, paint: colours.bold }), min: 8 },
  { head: "STATE", cell: (pool) => poolState(pool, colours), min: 8 },
  { head: "MACHINES", cell: (pool) => ({ text: countAgainstMax(pool), ...paintFull(pool, colours) }), align: "right" },
  { head: "BUSY", cell: ({ verdicts }) => String(verdicts.busy), align: "right" },
  { head: "IDLE", cell: ({ verdicts }) => String(verdicts.idle), align: "right" },
  {
    head: "UNKNOWN",
    cell: ({ verdicts }) => ({
      text: String(verdicts.unknown),
      ...(verdicts.unknown > 0 && { paint: colours.yellow }),
    }),
    align: "right",
    rank: 3,
  },
  {
    head: "STARTING",
    cell: ({ machines }) => String(machines.planned + machines.provisioning),
    align: "right",
    rank: 4,
  },
  { head: "RETIRING", cell: ({ machines }) => String(machines.retiring), align: "right", rank: 5 },
  { head: "WAITING", cell: ({ waitingJobs }) => String(waitingJobs), align: "right" },
  {
    head: "LONGEST",
    cell: ({ oldestWaitingAt }) => (oldestWaitingAt === null ? "" : formatBetween(oldestWaitingAt, now)),
    rank: 2,
  },
  { head: "WAITS FOR", cell: ({ waiting }) => waiting[0]?.reason ?? "", min: 10 },
  { head: "LAST LAUNCH", cell: ({ lastLaunch }) => tellLaunch(lastLaunch, now, colours), rank: 1 },
];

const MODES: Readonly<Record<PoolDetailAnswer["mode"], string>> = { run: "", observe: "observes", removed: "removed" };

/** What keeps it from doing what its jobs ask for: its mode, operators' words, open breakers; `runs` where nothing does. */
function poolState(pool: PoolDetailAnswer, colours: Colours): Cell {
  const stopped = pool.breakers.map(({ stops }) => `${stops} stopped`);
  const text = [MODES[pool.mode], listWords(pool.words), ...stopped].filter((part) => part !== "").join(", ");
  if (text === "") return { text: "runs", paint: colours.dim };
  return { text, paint: stopped.length > 0 ? colours.red : pool.words.length > 0 ? colours.magenta : colours.yellow };
}

type Counted = Pick<PoolDetailAnswer, "machines" | "max">;

function countMachines({ machines }: Counted): number {
  return Object.values(machines).reduce((sum, one) => sum + one, 0);
}

function countAgainstMax(pool: Counted): string {
  return pool.max === null ? String(countMachines(pool)) : `${countMachines(pool)}/${pool.max}`;
}

function paintFull(pool: Counted, colours: Colours): Pick<Cell, "paint"> {
  return pool.max !== null && countMachines(pool) >= pool.max ? { paint: colours.yellow } : {};
}

/** A launch that was answered says when; one that was not says how often it was tried. */
function tellLaunch(launch: PoolDetailAnswer["lastLaunch"], now: string, colours: Colours): Cell {
  if (launch === null) return { text: "" };
  const ago = formatAgo(launch.at, now);
  if (launch.state === "refused") return { text: `refused ${ago}`, paint: colours.red };
  if (launch.state === "open" && launch.error !== null) return { text: `fails, ${ago}`, paint: colours.yellow };
  return { text: launch.state === "open" ? `under way, ${ago}` : ago };
}

function renderDetails({ pools, now }: PoolsAnswer, io: CommandIo): string {
  return pools.map((pool) => renderDetail(pool, now, io)).join("\n");
}

const NAME_WIDTH = 13;

function renderDetail(pool: PoolDetailAnswer, now: string, io: CommandIo): string {
  const colours = coloursOf(io);
  const width = widthOf(io);
  const state = poolState(pool, colours);
  const facts = [
    ...describeFleet(pool),
    ...describeWaiting(pool, now),
    ...pool.breakers.map(
      ({ stops, since, failures, nextProbeAt }): Fact => [
        "stopped",
        `${stops}, ${formatAgo(since, now)}: ${failures} failed in a row; one is tried ${tellWhen(nextProbeAt, now)}`,
      ],
    ),
    ...describeLaunch(pool, now),
    ...pool.lastErrors.map((error): Fact => ["trouble", error]),
  ];
  const lines = facts.map(([name, text], index) => {
    const told = facts[index - 1]?.[0] === name ? "" : name;
    return `${colours.dim(told.padEnd(NAME_WIDTH))}${wrapText(text, width - NAME_WIDTH).join(`\n${" ".repeat(NAME_WIDTH)}`)}\n`;
  });
  const title = `${colours.bold(`pool ${pool.name}`)}  ${(state.paint ?? colours.dim)(state.text)}\n`;
  const next = colours.dim(`\n\`holdfast explain ${pool.name}\` tells what was seen and decided.\n`);
  return [title, ...lines, renderWords(pool.words, now, width, colours), next].join("");
}

type Fact = readonly [name: string, text: string];

function describeFleet(pool: PoolDetailAnswer): readonly Fact[] {
  const { machines, verdicts, priority, labels, liveTickets, standing } = pool;
  const states = Object.entries(machines).flatMap(([state, count]) => (count === 0 ? [] : [`${count} ${state}`]));
  const inAdvance = [
    ...(standing.registered > 0 ? [`${standing.registered} online in advance`] : []),
    ...(standing.ready > 0 ? [`${standing.ready} kept ready`] : []),
  ];
  return [
    ...(labels.length === 0 ? [] : [["labels", labels.join(", ")] as const]),
    ...(priority === null ? [] : [["priority", String(priority)] as const]),
    ["machines", [countAgainstMax(pool), ...states].join(", ")],
    ["verdicts", `${verdicts.busy} busy, ${verdicts.idle} idle, ${verdicts.unknown} unknown`],
    ["tickets", [`${liveTickets} out`, ...inAdvance].join(", ")],
  ];
}

function describeWaiting({ waitingJobs, oldestWaitingAt, waiting }: PoolDetailAnswer, now: string): readonly Fact[] {
  if (oldestWaitingAt === null) return [["waiting", `${waitingJobs} jobs`]];
  const jobs = waitingJobs === 1 ? "1 job" : `${waitingJobs} jobs`;
  return [
    ["waiting", `${jobs}, the longest for ${formatBetween(oldestWaitingAt, now)}`],
    ...waiting.map(
      (one): Fact => ["waiting", `${one.jobs}: ${one.sentence}${one.reason === null ? "" : ` (${one.reason})`}`],
    ),
  ];
}

function describeLaunch({ lastLaunch }: PoolDetailAnswer, now: string): readonly Fact[] {
  if (lastLaunch === null) return [];
  const { id, at, state, machines, tries, nextTryAt, error } = lastLaunch;
  const asked = `${id}, ${machines === 1 ? "1 machine" : `${machines} machines`} asked for ${formatAgo(at, now)}`;
  const outcome = { open: "not answered yet", done: "answered", refused: "refused: nothing was started" }[state];
  const again = nextTryAt === null ? [] : [`next try ${tellWhen(nextTryAt, now)}`];
  return [
    ["last launch", [`${asked}, ${outcome}`, `${tries === 1 ? "1 try" : `${tries} tries`}`, ...again].join(", ")],
    ...(error === null ? [] : [["last launch", error] as const]),
  ];
}

/** `in 30s`, or `now` for what is due. */
function tellWhen(at: string, now: string): string {
  return Date.parse(at) <= Date.parse(now) ? "now" : `in ${formatBetween(now, at)}`;
}
