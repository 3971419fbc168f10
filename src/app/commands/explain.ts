/** `holdfast explain <anything>`: one timeline with the evidence and the rules that were followed. */
import { SECOND_MS } from "../../domain/units.ts";
import { ExplainAnswer } from "../../http/operators/answers.ts";
import { clockTime, formatBetween } from "../../http/text/durations.ts";
import { describeWord } from "../../http/text/words.ts";
import { type Colours, type CommandIo, coloursOf, widthOf } from "../terminal/io.ts";
import type { Live } from "../terminal/live-terminal.ts";
import { wrapText } from "../terminal/text-width.ts";
import { CommandError, type ExitCode } from "./failure.ts";
import { type ReadOptions, runQuestion } from "./question.ts";
import { toned } from "./tones.ts";

/** @param subject whatever names a job, a machine, a runner or a pool; null for all pools. */
export function runExplain(
  subject: string | null,
  options: ReadOptions,
  io: CommandIo,
  live: Live | null = null,
): Promise<ExitCode> {
  return runQuestion(options, io, live, () => {
    if (subject?.trim() === "")
      throw new CommandError("explaining", {
        code: "usage",
        wrong: "nothing is named",
        mend: "Name a job, a machine, a runner or a pool; without any name it tells why nothing starts.",
      });
    const path = subject === null ? "/explain" : `/explain/${encodeURIComponent(subject.trim())}`;
    const what = subject === null ? "why nothing starts" : `to explain ${subject}`;
    return { ask: (client) => client.get(path, ExplainAnswer, what), render: renderExplanation };
  });
}

function renderExplanation(answer: ExplainAnswer, io: CommandIo): string {
  const colours = coloursOf(io);
  const width = widthOf(io);
  const { verdict, waitingFor, omittedCount, timeline } = answer;
  const word = toned(verdict.kind, colours);
  const isToldAlready = waitingFor !== null && verdict.sentences.some((one) => one.includes(waitingFor.sentence));
  const because =
    waitingFor === null || isToldAlready ? [] : [`Because: ${waitingFor.sentence} (${waitingFor.reason})`];
  const sentences = [...verdict.sentences, ...because].flatMap((sentence) => wrapText(sentence, width - 2));
  const lines = [
    ...renderSubject(answer.subject, width, colours),
    "",
    (word.paint ?? colours.bold)(word.text.replace("_", " ")),
    ...sentences.map((sentence) => `  ${sentence}`),
    ...renderNext(answer, width, colours),
    ...renderStandingWords(answer, width, colours),
    "",
    ...(omittedCount > 0 ? [colours.dim(`${omittedCount} older entries are left out.`)] : []),
    ...(timeline.length === 0 ? ["Nothing is written down about it yet."] : renderTimeline(answer, width, colours)),
  ];
  return `${lines.join("\n")}\n`;
}

function renderSubject(subject: ExplainAnswer["subject"], width: number, colours: Colours): readonly string[] {
  const [title, facts, address] = describeSubject(subject);
  return [
    ...wrapText(title, width).map(colours.bold),
    ...(facts === "" ? [] : wrapText(facts, width)),
    // Whole, however long: it is there to be followed.
    ...(address === "" ? [] : [colours.dim(address)]),
  ];
}

function describeSubject(subject: ExplainAnswer["subject"]): readonly [title: string, facts: string, address: string] {
  if (subject.kind === "machine") {
    const { id, pool, state, providerId, runnerNames } = subject;
    const place = providerId === null ? "" : `, at the provider ${providerId}`;
    const runner = runnerNames.length === 0 ? "" : `runner ${runnerNames.at(-1)}`;
    return [`machine ${id}`, `pool ${pool}, ${state}${place}`, runner];
  }
  if (subject.kind === "fleet") return [`all pools of ${subject.id}`, "", ""];
  if (subject.kind === "pool") {
    const { id, mode, machineCount, max } = subject;
    return [`pool ${id}`, `${mode}, ${machineCount}${max === null ? "" : `/${max}`} machines`, ""];
  }
  const { id, name, repository, pool, machineId, url } = subject;
  const place = machineId === null ? "" : `, machine ${machineId}`;
  return [`job ${id}  ${name}`, `${repository}, ${pool === null ? "no pool" : `pool ${pool}`}${place}`, url];
}

/** What has to happen before it goes on, and in what time it is tried or looked at. */
function renderNext({ next, now }: ExplainAnswer, width: number, colours: Colours): readonly string[] {
  if (next === null) return [];
  const [first = "", ...rest] = wrapText(`${describeNext(next, now)} ${next.sentence}`, width - 2);
  return [`  ${first.replace("Next", colours.bold("Next"))}`, ...rest.map((line) => `  ${line}`)];
}

function describeNext({ at }: NonNullable<ExplainAnswer["next"]>, now: string): string {
  if (at === null) return "Next:";
  return Date.parse(at) - Date.parse(now) < SECOND_MS ? "Next (now):" : `Next (in ${formatBetween(now, at)}):`;
}

/** What operators have said about it and not taken back. */
function renderStandingWords({ words, now }: ExplainAnswer, width: number, colours: Colours): readonly string[] {
  return words.flatMap((one) => {
    const [first = "", ...rest] = wrapText(`${one.word} (${one.about}) ${describeWord(one, now)}`, width - 2);
    return [`  ${first.replace(one.word, colours.magenta(one.word))}`, ...rest.map((line) => `  ${line}`)];
  });
}

const TIME_WIDTH = 9;
const SINCE_WIDTH = 9;

function renderTimeline({ timeline, subject }: ExplainAnswer, width: number, colours: Colours): readonly string[] {
  const own = `${subject.kind} ${subject.id}`;
  const start = timeline[0]?.at ?? "";
  const sourceWidth = Math.max(...timeline.map(({ source, rule }) => (rule === null ? source : "decision").length)) + 2;
  const indent = TIME_WIDTH + SINCE_WIDTH + sourceWidth;
  const lines: string[] = [];
  let date = "";
  for (const { at, until, about, source, fact, rule } of timeline) {
    if (at.slice(0, 10) !== date) lines.push(colours.dim(`${at.slice(0, 10)} UTC`));
    date = at.slice(0, 10);
    const since = at === start ? "" : `+${formatBetween(start, at)}`;
    const whose = about === own ? "" : ` [${about.slice(about.indexOf(" ") + 1)}]`;
    const toldUntil = until === null ? "" : ` (until ${clockTime(until)})`;
    const [first = "", ...rest] = wrapText(`${fact}${whose}${toldUntil}`, width - indent);
    const from = (rule === null ? source : "decision").padEnd(sourceWidth);
    lines.push(
      `${clockTime(at).padEnd(TIME_WIDTH)}${colours.dim(since.padEnd(SINCE_WIDTH))}${rule === null ? from : colours.cyan(from)}${first}`,
    );
    const because = rule === null ? [] : wrapText(`${rule.sentence} (${rule.reason})`, width - indent);
    for (const line of [...rest, ...because.map(colours.dim)]) lines.push(`${" ".repeat(indent)}${line}`);
  }
  return lines;
}
