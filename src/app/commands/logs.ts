/** `holdfast logs <job|machine>`: the last lines that were kept when a ticket ended or a machine never came up. */
import { LogsAnswer } from "../../http/operators/answers.ts";
import { formatAgo } from "../../http/text/durations.ts";
import { plainAnswer } from "../../http/text/plain-text.ts";
import { openClient } from "../client.ts";
import { type Colours, type CommandIo, coloursOf, widthOf } from "../terminal/io.ts";
import { wrapText } from "../terminal/text-width.ts";
import { CommandError, EXIT, type ExitCode, telling } from "./failure.ts";
import type { ReadOptions } from "./question.ts";

export interface LogsOptions extends ReadOptions {
  /** So many lines of each log, the last ones. */
  readonly lines?: number | undefined;
  /** Only logs that have this in their name. */
  readonly name?: string | undefined;
}

/** @param subject a job's id or address, a machine id, a provider's id or a runner's name. */
export function runLogs(subject: string, options: LogsOptions, io: CommandIo): Promise<ExitCode> {
  return telling(io, options, async () => {
    if (subject.trim() === "")
      throw new CommandError("reading logs", {
        code: "usage",
        wrong: "nothing is named",
        mend: "Name a job, a machine or a runner.",
      });
    const client = await openClient(options, io.environment);
    const path = `/logs/${encodeURIComponent(subject.trim())}`;
    const whole = await client.get(path, LogsAnswer, `for the logs of ${subject}`);
    const text =
      options.json === true
        ? `${JSON.stringify(narrow(whole, options), null, 2)}\n`
        : renderLogs(plainAnswer(whole), options, io);
    io.stdout.write(text);
    return EXIT.ok;
  });
}

function narrow(answer: LogsAnswer, { lines, name = "" }: LogsOptions): LogsAnswer {
  const logs = answer.logs
    .filter((log) => log.name.toLowerCase().includes(name.toLowerCase()))
    .map((log) => (lines === undefined ? log : { ...log, lines: log.lines.slice(-lines) }));
  return { ...answer, logs };
}

function renderLogs(whole: LogsAnswer, options: LogsOptions, io: CommandIo): string {
  const { subject, logs, omittedCount, now } = narrow(whole, options);
  const colours = coloursOf(io);
  const width = widthOf(io);
  const paragraphs =
    logs.length === 0
      ? [
          wrapText(
            describeNone(
              `${subject.kind} ${subject.id}`,
              whole.logs.map(({ name }) => name),
            ),
            width,
          ),
        ]
      : logs.map((log) => [...renderHead(log, now, width, colours), ...renderLines(log.lines, colours)]);
  const omitted = omittedCount > 0 ? [[colours.dim(`${omittedCount} older logs are left out.`)]] : [];
  return `${[...omitted, ...paragraphs].map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function describeNone(subject: string, names: readonly string[]): string {
  if (names.length > 0)
    return `No log of ${subject} has that in its name; there are ${[...new Set(names)].join(", ")}.`;
  return `Nothing is kept of ${subject}. The last lines of agent, runner and Worker are kept when a ticket ends, and a machine's console where its provider has one and no agent came in time.`;
}

function renderHead(
  { name, machineId, runnerName, savedAt }: LogsAnswer["logs"][number],
  now: string,
  width: number,
  colours: Colours,
): readonly string[] {
  const whose = runnerName === null ? `machine ${machineId}` : `machine ${machineId}, runner ${runnerName}`;
  return [
    ...wrapText(name, width).map(colours.bold),
    ...wrapText(`${whose}, kept ${formatAgo(savedAt, now)}`, width).map(colours.dim),
  ];
}

/** As they were written, however long: a terminal breaks them, and nothing of a log may be missing. */
function renderLines(lines: readonly string[], colours: Colours): readonly string[] {
  return lines.length === 0 ? [colours.dim("(empty)")] : lines;
}
