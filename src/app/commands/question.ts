/** What a command that reads asks of a server, and how the answer looks: told once, or with `--watch` again and again. */

import { clockTime, formatDuration } from "../../http/text/durations.ts";
import { plainAnswer } from "../../http/text/plain-text.ts";
import { type Client, openClient, type ServerOptions } from "../client.ts";
import { type CommandIo, coloursOf } from "../terminal/io.ts";
import type { Live, Size } from "../terminal/live-terminal.ts";
import { truncate } from "../terminal/text-width.ts";
import { EXIT, type ExitCode, telling } from "./failure.ts";
import { askOnAndOn, type Silence, tellSilence } from "./live.ts";

export interface ReadOptions extends ServerOptions {
  readonly json?: boolean | undefined;
}

export interface Question<Answer extends { readonly now: string }> {
  ask(client: Client): Promise<Answer>;
  /** @param answer with every text in it made harmless. */
  render(answer: Answer, io: CommandIo): string;
}

/**
 * @param open throws what is wrong with the words of the command before anybody is asked.
 * @param live null for one answer.
 */
export function runQuestion<Answer extends { readonly now: string }>(
  options: ReadOptions,
  io: CommandIo,
  live: Live | null,
  open: () => Question<Answer>,
): Promise<ExitCode> {
  return telling(io, options, async () => {
    const question = open();
    const client = await openClient(options, io.environment);
    const ask = () => question.ask(client);
    if (live === null) {
      const answer = await ask();
      io.stdout.write(options.json === true ? `${JSON.stringify(answer, null, 2)}\n` : tell(question, answer, io));
      return EXIT.ok;
    }
    // A program reads line by line, a person sees the terminal: both at once is for neither.
    const terminal = options.json === true ? null : live.terminal;
    await askOnAndOn(
      {
        ask,
        frame: (answer, size, silence) => frame(question, answer, { size, silence, live, io }),
        tell: (answer) => (options.json === true ? `${JSON.stringify(answer)}\n` : `${timed(question, answer, io)}\n`),
        leave: (answer, size) => timed(question, answer, { ...io, columns: size.columns }),
      },
      { ...live, terminal },
      io,
    );
    return EXIT.ok;
  });
}

function tell<Answer extends { readonly now: string }>(
  question: Question<Answer>,
  answer: Answer,
  io: CommandIo,
): string {
  return question.render(plainAnswer(answer), io);
}

function timed<Answer extends { readonly now: string }>(
  question: Question<Answer>,
  answer: Answer,
  io: CommandIo,
): string {
  return `${clockTime(answer.now)} UTC\n${tell(question, answer, io)}`;
}

interface Showing {
  readonly size: Size;
  readonly silence: Silence | null;
  readonly live: Live;
  readonly io: CommandIo;
}

/** The head says how old the picture is; what the screen has no rows for is counted. */
function frame<Answer extends { readonly now: string }>(
  question: Question<Answer>,
  answer: Answer,
  { size, silence, live, io }: Showing,
): readonly string[] {
  const colours = coloursOf(io);
  const usual = `${clockTime(answer.now)} UTC, every ${formatDuration(live.everyMs)}; q or Ctrl-C ends it`;
  const head =
    silence === null
      ? colours.dim(truncate(usual, size.columns))
      : colours.yellow(truncate(tellSilence(silence, live.everyMs), size.columns));
  const body = tell(question, answer, { ...io, columns: size.columns })
    .replace(/\n+$/, "")
    .split("\n");
  const roomCount = Math.max(1, size.rows - 2);
  if (body.length <= roomCount) return [head, "", ...body];
  const shown = body.slice(0, roomCount - 1);
  const cutText = `and ${body.length - shown.length} more lines: the terminal has ${size.rows}`;
  return [head, "", ...shown, colours.dim(truncate(cutText, size.columns))];
}
