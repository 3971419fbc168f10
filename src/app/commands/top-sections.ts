/** The tables of `holdfast top`. The head of each says what its rows are; their first two columns stand below each other. */
import type { FleetAnswer, JobAnswer, MachineAnswer, PoolAnswer } from "../../http/operators/answers.ts";
import { formatAgo, formatBetween, formatDuration } from "../../http/text/durations.ts";
import { listWords } from "../../http/text/words.ts";
import type { Colours } from "../terminal/io.ts";
import type { Size } from "../terminal/live-terminal.ts";
import { type Cell, type Column, renderTable } from "../terminal/table.ts";
import { truncate } from "../terminal/text-width.ts";
import type { Silence } from "./live.ts";

export interface Drawing {
  readonly size: Size;
  readonly silence: Silence | null;
  readonly everyMs: number;
  /** The last picture, which stays: there is nothing to end any more. */
  readonly isOver?: boolean;
  readonly colours: Colours;
}

/** A part of the picture: a head and as many rows as there is room for. */
export interface Section {
  /** How many rows it would have, those that were not asked for included. */
  readonly rowCount: number;
  /** @returns the head and so many rows at most, in lines that fit. */
  render(rowCount: number): readonly string[];
}

/** As wide as a machine's id. */
const FIRST_WIDTH = 14;

/** What matters most comes first, and keeps its rows longest where there are few. */
export function topSections(fleet: FleetAnswer, drawing: Drawing): readonly Section[] {
  const { status, waiting, moving, unknown, ended } = fleet;
  const { colours } = drawing;
  const { now, pools } = status;
  const poolWidth = Math.max("POOL".length, ...pools.map(({ name }) => name.length));
  const sum = (count: (pool: PoolAnswer) => number) => pools.reduce((total, pool) => total + count(pool), 0);
  const movingCount = sum(
    ({ machines }) => machines.planned + machines.provisioning + machines.stopping + machines.retiring,
  );
  /** What is counted beside a list may have changed since; what is in the list is there. */
  const atLeast = (count: number, rows: readonly unknown[], isMore: true | undefined) =>
    isMore === true ? Math.max(count, rows.length + 1) : rows.length;
  const countOf = {
    waiting: atLeast(status.jobs.queued, waiting.jobs, waiting.isMore),
    unknown: atLeast(
      sum(({ verdicts }) => verdicts.unknown),
      unknown.machines,
      unknown.isMore,
    ),
    moving: atLeast(movingCount, moving.machines, moving.isMore),
    ended: ended.isMore === true ? null : ended.machines.length,
  };
  return [
    tableSection(pools, pools.length, poolColumns(pools, drawing), drawing),
    tableSection(waiting.jobs, countOf.waiting, waitingColumns(poolWidth, drawing), drawing),
    tableSection(unknown.machines, countOf.unknown, unknownColumns(poolWidth, now, colours), drawing),
    tableSection(moving.machines, countOf.moving, movingColumns(poolWidth, now), drawing),
    tableSection(ended.machines, countOf.ended, endedColumns(poolWidth, now, colours), drawing),
  ];
}

/** @param count of all there are, of which `rows` may be only the first; null where nobody counted the others. */
function tableSection<Row>(
  rows: readonly Row[],
  count: number | null,
  columns: readonly Column<Row>[],
  { size, colours }: Drawing,
): Section {
  const isAll = count !== null && count <= rows.length;
  return {
    rowCount: rows.length === 0 ? 0 : rows.length + (isAll ? 0 : 1),
    render: (roomCount) => {
      const isWhole = isAll && rows.length <= roomCount;
      // With one row only, the row itself says more than how many there are.
      const shown = rows.slice(0, isWhole || roomCount === 1 ? roomCount : roomCount - 1);
      const lines = renderTable(shown, columns, size.columns, colours).trimEnd().split("\n");
      const more = count === null ? "and more" : `and ${count - shown.length} more`;
      return isWhole || roomCount === 1 ? lines : [...lines, colours.dim(truncate(more, size.columns))];
    },
  };
}

const first = (text: string) => text.padEnd(FIRST_WIDTH);

/** Bars are drawn where a terminal has room for them beside the figures. */
const BAR_COLUMNS_MIN = 100;
const BAR_WIDTH = 24;

function poolColumns(pools: readonly PoolAnswer[], { size, colours }: Drawing): readonly Column<PoolAnswer>[] {
  const isWide = size.columns >= BAR_COLUMNS_MIN;
  const counted = ({ machines }: PoolAnswer) => Object.values(machines).reduce((sum, one) => sum + one, 0);
  // What is filled up may be cut, and would look as if a letter were missing.
  const named = isWide ? first : (name: string) => name;
  const greatest = Math.max(1, ...pools.map((pool) => Math.max(pool.max ?? 0, counted(pool))));
  return [
    { head: named("POOL"), cell: ({ name }) => ({ text: named(name), paint: colours.bold }), min: 8 },
    { head: "STATE", cell: (pool) => describeState(pool, colours), min: 6 },
    { head: "MACHINES", cell: (pool) => paintFull(pool, counted(pool), colours), align: "right" },
    ...(isWide ? [{ head: "", cell: (pool: PoolAnswer) => drawBar(pool, greatest, colours) }] : []),
    { head: "BUSY", cell: ({ verdicts }) => figure(verdicts.busy, colours.cyan), align: "right", rank: 2 },
    { head: "IDLE", cell: ({ verdicts }) => figure(verdicts.idle, colours.green), align: "right", rank: 3 },
    { head: "UNKNOWN", cell: ({ verdicts }) => figure(verdicts.unknown, colours.yellow), align: "right", rank: 1 },
    {
      head: "STARTING",
      cell: ({ machines }) => figure(machines.planned + machines.provisioning, (text) => text),
      align: "right",
      rank: 4,
    },
    { head: "RETIRING", cell: ({ machines }) => figure(machines.retiring, (text) => text), align: "right", rank: 5 },
    { head: "WAITING", cell: ({ waitingJobs }) => figure(waitingJobs, colours.yellow), align: "right" },
  ];
}

/** Nothing is a point: what is not zero is to be seen. */
function figure(count: number, paint: (text: string) => string): Cell {
  return count === 0 ? { text: "·" } : { text: String(count), paint };
}

const MODES: Readonly<Record<PoolAnswer["mode"], string>> = { run: "", observe: "observes", removed: "removed" };

function describeState({ mode, words, lastErrors }: PoolAnswer, colours: Colours): Cell {
  const text = [MODES[mode], listWords(words)].filter((part) => part !== "").join(", ");
  if (text !== "") return { text, paint: words.length > 0 ? colours.magenta : colours.dim };
  return lastErrors.length > 0 ? { text: "trouble", paint: colours.yellow } : { text: "runs", paint: colours.dim };
}

function paintFull({ max }: PoolAnswer, count: number, colours: Colours): Cell {
  if (max === null) return { text: String(count) };
  return { text: `${count}/${max}`, ...(count >= max && max > 0 && { paint: colours.yellow }) };
}

/** All bars have one scale. Busy, idle and unknown machines in their colours, then room up to the maximum. */
function drawBar({ max, verdicts }: PoolAnswer, greatest: number, colours: Colours): Cell {
  const cellsOf = (count: number) => Math.round((count / greatest) * BAR_WIDTH);
  const parts = [
    { count: verdicts.busy, letter: "█", paint: colours.cyan },
    { count: verdicts.idle, letter: "▓", paint: colours.green },
    { count: verdicts.unknown, letter: "▒", paint: colours.yellow },
  ];
  let drawnCount = 0;
  let counted = 0;
  const drawn = parts.map(({ count, letter, paint }) => {
    counted += count;
    // Rounded where it ends, so that the parts together are as long as their sum; and never to nothing.
    const cells = Math.max(count > 0 ? 1 : 0, cellsOf(counted) - drawnCount);
    drawnCount += cells;
    return { text: letter.repeat(cells), paint };
  });
  const rest = { text: "·".repeat(Math.max(0, cellsOf(max ?? 0) - drawnCount)), paint: colours.dim };
  const all = [...drawn, rest];
  return {
    text: all.map(({ text }) => text).join(""),
    paint: () => all.map(({ text, paint }) => (text === "" ? "" : paint(text))).join(""),
  };
}

/** As wide as most reasons: why it waits is what is looked for. */
const REASON_WIDTH = 22;
const NARROW_COLUMNS = 80;

function waitingColumns(poolWidth: number, { size, colours }: Drawing): readonly Column<JobAnswer>[] {
  const isNarrow = size.columns < NARROW_COLUMNS;
  return [
    { head: first("WAITING JOB"), cell: ({ id }) => ({ text: first(String(id)), paint: colours.yellow }) },
    { head: "POOL".padEnd(poolWidth), cell: ({ pool }) => pool ?? "-", min: 5 },
    { head: "FOR", cell: ({ queueMs }) => formatDuration(queueMs), align: "right" },
    {
      head: "WAITS FOR",
      cell: ({ waitingFor }) => waitingFor?.reason ?? "not decided yet",
      min: isNarrow ? 12 : REASON_WIDTH,
    },
    {
      head: "NAME",
      cell: ({ workflow, name }) => (workflow === "" ? name : `${workflow} / ${name}`),
      min: 12,
      rank: 1,
    },
    { head: "REPOSITORY", cell: ({ repository }) => repository, min: 12, rank: 2 },
    { head: "MACHINE", cell: ({ machineId }) => machineId ?? "", rank: 3 },
  ];
}

type MachineColumns = readonly Column<MachineAnswer>[];

function machineColumn(head: string, paint: (text: string) => string): Column<MachineAnswer> {
  return { head: first(head), cell: ({ id }) => ({ text: first(id), paint }) };
}

function poolColumn(poolWidth: number): Column<MachineAnswer> {
  return { head: "POOL".padEnd(poolWidth), cell: ({ pool }) => pool, min: 5 };
}

function stateOf({ state, stage }: MachineAnswer): string {
  return stage === null ? state : `${state}:${stage}`;
}

function jobOf({ jobs }: MachineAnswer): string {
  const job = jobs.at(-1);
  return job === undefined ? "" : `${job.id} ${job.name}`;
}

/** Why it retires, and what its ending waits for where that is not the stage itself. */
function whyMoving({ stage, waitingFor, retireReason }: MachineAnswer): string {
  const awaited = waitingFor?.reason === stage ? null : (waitingFor?.reason ?? null);
  return [...new Set([retireReason, awaited])].filter((reason) => reason !== null).join(", ");
}

function movingColumns(poolWidth: number, now: string): MachineColumns {
  return [
    machineColumn("IN MOTION", (text) => text),
    poolColumn(poolWidth),
    { head: "FOR", cell: ({ since }) => formatBetween(since, now), align: "right" },
    { head: "STATE", cell: stateOf, min: 12 },
    { head: "BECAUSE", cell: whyMoving, min: 12, rank: 1 },
    { head: "JOB", cell: jobOf, min: 12, rank: 2 },
  ];
}

function unknownColumns(poolWidth: number, now: string, colours: Colours): MachineColumns {
  return [
    machineColumn("UNKNOWN", colours.yellow),
    poolColumn(poolWidth),
    { head: "FOR", cell: ({ since }) => formatBetween(since, now), align: "right" },
    { head: "STATE", cell: stateOf, rank: 3 },
    { head: "BECAUSE", cell: ({ waitingFor }) => waitingFor?.reason ?? "", min: 12 },
    { head: "HEARD", cell: ({ heardAt }) => (heardAt === null ? "not yet" : formatAgo(heardAt, now)), rank: 1 },
    { head: "MISSING", cell: ({ verdict }) => verdict.sentences.join(" "), min: 12, rank: 2 },
  ];
}

function endedColumns(poolWidth: number, now: string, colours: Colours): MachineColumns {
  const paintProof = ({ proof }: MachineAnswer) => (proof === "forced" ? { paint: colours.red } : {});
  return [
    machineColumn("ENDED", colours.dim),
    poolColumn(poolWidth),
    { head: "AGO", cell: ({ since }) => formatBetween(since, now), align: "right" },
    { head: "BECAUSE", cell: ({ retireReason }) => retireReason ?? "", min: 12, rank: 1 },
    { head: "BY PROOF", cell: (machine) => ({ text: machine.proof ?? "", ...paintProof(machine) }), min: 8 },
    { head: "JOB", cell: jobOf, min: 12, rank: 2 },
  ];
}
