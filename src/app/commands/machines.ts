/** `holdfast machines`: every machine, what it is thought to be doing, and why it is kept. */
import { type MachineAnswer, MachinesAnswer } from "../../http/operators/answers.ts";
import { formatAgo, formatBetween } from "../../http/text/durations.ts";
import { plainAnswer } from "../../http/text/plain-text.ts";
import { listWords } from "../../http/text/words.ts";
import { openClient } from "../client.ts";
import { type Colours, type CommandIo, coloursOf, widthOf } from "../terminal/io.ts";
import { type Column, renderTable } from "../terminal/table.ts";
import { EXIT, type ExitCode, telling } from "./failure.ts";
import { renderReasons } from "./reasons-legend.ts";
import type { ReadOptions } from "./status.ts";
import { toned } from "./tones.ts";
import { renderWords } from "./words-legend.ts";

export interface MachinesOptions extends ReadOptions {
  /** Those that are gone, too. */
  readonly all?: boolean | undefined;
  readonly limit?: number | undefined;
}

export function runMachines(options: MachinesOptions, io: CommandIo): Promise<ExitCode> {
  return telling(io, options, async () => {
    const client = await openClient(options, io.environment);
    const query = new URLSearchParams({
      ...(options.all === true && { all: "true" }),
      ...(options.limit !== undefined && { limit: String(options.limit) }),
    });
    const answer = await client.get(`/machines?${query}`, MachinesAnswer, "for its machines");
    const text =
      options.json === true ? `${JSON.stringify(answer, null, 2)}\n` : renderMachines(plainAnswer(answer), options, io);
    io.stdout.write(text);
    return EXIT.ok;
  });
}

function renderMachines({ machines, now }: MachinesAnswer, { all }: MachinesOptions, io: CommandIo): string {
  if (machines.length === 0) {
    return all === true
      ? "No machine was ever started. One is when a job is queued for a pool, or to keep some parked (`warm.parked`).\n"
      : "No machines. One is started when a job is queued for a pool; `--all` lists those that are gone.\n";
  }
  const colours = coloursOf(io);
  const width = widthOf(io);
  const reasons = machines.map((machine) => machine.waitingFor);
  const words = machines.flatMap((machine) => machine.words);
  return `${renderTable(machines, columnsAt(now, colours), width, colours)}${renderWords(words, now, width, colours)}${renderReasons(reasons, width, colours)}`;
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
