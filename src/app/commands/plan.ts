/** `holdfast plan [pool]`: what the next pass would do and what it would leave, and why. Nothing of it is done. */
import { PlanAnswer } from "../../http/operators/answer-plan.ts";
import { formatBetween } from "../../http/text/durations.ts";
import { type Colours, type CommandIo, coloursOf, widthOf } from "../terminal/io.ts";
import type { Live } from "../terminal/live-terminal.ts";
import { type Column, renderTable } from "../terminal/table.ts";
import { wrapText } from "../terminal/text-width.ts";
import { CommandError, type ExitCode } from "./failure.ts";
import { type ReadOptions, runQuestion } from "./question.ts";
import { renderReasons } from "./reasons-legend.ts";
import { renderWords } from "./words-legend.ts";

export interface PlanOptions extends ReadOptions {
  /** Steps of each pool. */
  readonly limit?: number | undefined;
}

type PoolPlan = PlanAnswer["pools"][number];
type Step = PoolPlan["steps"][number];

/** @param pool every pool where it is null. */
export function runPlan(
  pool: string | null,
  options: PlanOptions,
  io: CommandIo,
  live: Live | null = null,
): Promise<ExitCode> {
  return runQuestion(options, io, live, () => {
    if (pool?.trim() === "")
      throw new CommandError("planning the next pass", {
        code: "usage",
        wrong: "nothing is named",
        mend: "Name a pool, or none for all of them; `holdfast pools` lists them.",
      });
    const query = options.limit === undefined ? "" : `?limit=${options.limit}`;
    const path = pool === null ? `/plan${query}` : `/plan/${encodeURIComponent(pool.trim())}${query}`;
    const what = pool === null ? "for its plan" : `for its plan of pool ${pool}`;
    return { ask: (client) => client.get(path, PlanAnswer, what), render: renderPlan };
  });
}

function renderPlan({ pools, unmatchedJobs, now }: PlanAnswer, io: CommandIo): string {
  const colours = coloursOf(io);
  const width = widthOf(io);
  const unmatched = unmatchedJobs === 0 ? "" : `${countOf(unmatchedJobs, "job")} that no pool takes: nothing is done.`;
  const parts = [
    ...pools.map((pool) => renderPool(pool, now, width, colours)),
    ...(unmatched === "" ? [] : [`${wrapText(unmatched, width).join("\n")}\n`]),
  ];
  const reasons = pools.flatMap(({ steps }) => steps);
  const none = parts.length === 0 ? "This process cares for no pool yet: try again in a moment.\n" : "";
  return `${none}${parts.join("\n")}${renderReasons(reasons, width, colours)}`;
}

function renderPool(pool: PoolPlan, now: string, width: number, colours: Colours): string {
  const { name, machines, max, waitingJobs, launches, steps, omittedCount, words } = pool;
  const size = `${machines}${max === null ? "" : `/${max}`} machines, ${countOf(waitingJobs, "job")} waiting`;
  const actCount = steps.filter(({ isAct }) => isAct).length;
  const launch = launches === 0 ? "" : `, ${countOf(launches, "machine")} to be launched`;
  const sum = actCount === 0 ? "nothing would be done now" : `${countOf(actCount, "step")} would be taken now`;
  return [
    ...wrapText(`pool ${name}: ${sum}${launch} (${size})`, width).map(colours.bold),
    ...tellState(pool).flatMap((sentence) => wrapText(sentence, width).map(colours.yellow)),
    ...(words.length === 0 ? [] : [renderWords(words, now, width, colours).trim()]),
    ...(steps.length === 0
      ? ["Nothing waits, and no machine is there."]
      : [renderTable(steps, columnsAt(now, colours), width, colours).trimEnd()]),
    ...(omittedCount === 0 ? [] : [colours.dim(`${countOf(omittedCount, "more step")}; --limit shows more of them.`)]),
    "",
  ].join("\n");
}

/** What keeps the whole plan from being carried out. */
function tellState({ mode, isHeld, unsound, room }: PoolPlan): readonly string[] {
  return [
    ...(isHeld ? [] : ["Another process holds this pool, or it has not been taken yet: this one does nothing of it."]),
    ...(mode === "observe" ? ["It only observes: it starts and ends nothing."] : []),
    ...(mode === "removed" ? ["It is no longer in the configuration: what it has runs to its end."] : []),
    ...unsound.map((note) => `Not carried out, because it is not sound: ${note}.`),
    ...(room.count === 0 ? [`No machine could be launched: ${room.limit.sentence}`] : []),
  ];
}

const columnsAt = (now: string, colours: Colours): readonly Column<Step>[] => [
  { head: "DOES", cell: ({ action, isAct }) => (isAct ? { text: action, paint: colours.green } : { text: action }) },
  { head: "ABOUT", cell: ({ about }) => `${about.kind} ${about.id}` },
  { head: "NAME", cell: ({ about }) => about.title ?? "", min: 12, rank: 3 },
  { head: "REASON", cell: ({ reason }) => reason, min: 12 },
  { head: "AGAIN", cell: ({ retryAt }) => (retryAt === null ? "" : `in ${formatBetween(now, retryAt)}`), rank: 2 },
  { head: "WITH", cell: ({ note }) => note ?? "", min: 16, rank: 1 },
];

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
