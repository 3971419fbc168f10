/** `holdfast machines`: every machine, what it is thought to be doing, and why it is kept. */
import { type MachineAnswer, MachinesAnswer } from "../../http/operators/answers.ts";
import { formatAgo, formatBetween } from "../../http/text/durations.ts";
import { listWords } from "../../http/text/words.ts";
import { type Colours, type CommandIo, coloursOf, widthOf } from "../terminal/io.ts";
import type { Live } from "../terminal/live-terminal.ts";
import { type Column, renderTable } from "../terminal/table.ts";
import type { ExitCode } from "./failure.ts";
import { describePage, listQuery, type PageOptions, renderMore } from "./page.ts";
import { type ReadOptions, runQuestion } from "./question.ts";
import { renderReasons } from "./reasons-legend.ts";
import { toned } from "./tones.ts";
import { renderWords } from "./words-legend.ts";

export interface MachinesOptions extends ReadOptions, PageOptions {
  /** Those that are gone, too. */
  readonly all?: boolean | undefined;
  /** One or several, separated by commas: planned, parked, engaged, gone … */
  readonly state?: string | undefined;
  /** One or several, separated by commas: busy, idle, unknown. */
  readonly verdict?: string | undefined;
}

export function runMachines(options: MachinesOptions, io: CommandIo, live: Live | null = null): Promise<ExitCode> {
  return runQuestion(options, io, live, () => {
    const { all, state, verdict } = options;
    const path = `/machines?${listQuery(options, { all: all === true ? "true" : undefined, state, verdict })}`;
    return {
      ask: (client) => client.get(path, MachinesAnswer, "for its machines"),
      render: (answer, screen) => renderMachines(answer, options, screen),
    };
  });
}

function renderMachines({ machines, now, isMore }: MachinesAnswer, options: MachinesOptions, io: CommandIo): string {
  if (machines.length === 0) return describeNone(options);
  const colours = coloursOf(io);
  const width = widthOf(io);
  const reasons = machines.map((machine) => machine.waitingFor);
  const words = machines.flatMap((machine) => machine.words);
  return [
    renderTable(machines, columnsAt(now, colours), width, colours),
    renderMore(isMore, machines.length, machines.at(-1)?.id ?? "", colours),
    renderWords(words, now, width, colours),
    renderReasons(reasons, width, colours),
  ].join("");
}

function describeNone({ all, state, verdict, ...page }: MachinesOptions): string {
  const kinds = [state, verdict].filter((words) => words !== undefined).map((words) => words.replaceAll(",", " or "));
  const narrowed = `${kinds.length === 0 ? "" : ` that is ${kinds.join(" and ")}`}${describePage(page)}`;
  if (narrowed !== "") return `No machine${narrowed}. \`holdfast machines --all\` lists every one that is kept.\n`;
  return all === true
    ? "No machine was ever started. One is when a job is queued for a pool, or to keep some parked (`warm.parked`).\n"
    : "No machines. One is started when a job is queued for a pool; `--all` lists those that are gone.\n";
}

const columnsAt = (now: string, colours: Colours): readonly Column<MachineAnswer>[] => [
  { head: "MACHINE", cell: ({ id }) => id },
  { head: "POOL", cell: ({ pool }) => pool, min: 8 },
  { head: "STATE", cell: ({ state, stage }) => (stage === null ? state : `${state}:${stage}`), min: 12 },
  { head: "VERDICT", cell: ({ verdict }) => toned(verdict.kind, colours) },
  { head: "BECAUSE", cell: describeReason, min: 12 },
  { head: "OPERATOR", cell: (machine) => ({ text: listWords(ownWords(machine)), paint: colours.magenta }) },
  { head: "JOB", cell: ({ jobs }) => String(jobs.at(-1)?.id ?? ""), rank: 2 },
  { head: "AGE", cell: ({ createdAt }) => formatBetween(createdAt, now), rank: 3 },
  { head: "HEARD", cell: ({ heardAt }) => (heardAt === null ? "-" : formatAgo(heardAt, now)), rank: 4 },
  { head: "AT PROVIDER", cell: ({ providerId }) => providerId ?? "", rank: 5 },
];

/** What is said of the whole pool stands once below the table. */
function ownWords({ id, words }: MachineAnswer): MachineAnswer["words"] {
  return words.filter(({ about }) => about === `machine ${id}`);
}

function describeReason({ waitingFor, retireReason, proof }: MachineAnswer): string {
  if (waitingFor !== null) return waitingFor.reason;
  return [retireReason, ...(proof === null ? [] : [`proof ${proof}`])].filter((part) => part !== null).join(", ");
}
