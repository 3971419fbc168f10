/**
 * A question that is asked again and again: drawn in one place on a terminal, one answer after the other elsewhere. A server
 * that does not answer for a while is said to be silent, and asked on.
 */

import { formatInstant } from "../../domain/instant.ts";
import { clockTime, formatDuration } from "../../http/text/durations.ts";
import { plainText } from "../../http/text/plain-text.ts";
import type { CommandIo } from "../terminal/io.ts";
import { openLiveScreen } from "../terminal/live-screen.ts";
import type { Live, LiveTerminal, Size } from "../terminal/live-terminal.ts";
import { CommandError } from "./failure.ts";

/** How long the server has said nothing, and why. */
export interface Silence {
  readonly forMs: number;
  readonly wrong: string;
  /** `16:08:55`: the moment of the last answer. */
  readonly since: string;
}

export interface LiveQuestion<Answer> {
  ask(): Promise<Answer>;
  /** Lines for a screen of this size. @param silence null while the server answers. */
  frame(answer: Answer, size: Size, silence: Silence | null): readonly string[];
  /** What is written where there is no screen. */
  tell(answer: Answer): string;
  /** What is left on the terminal once the screen is given back. */
  leave(answer: Answer, size: Size): string;
}

/** Failures that pass: a server that restarts, or cannot read its store for a moment. */
const PASSING: ReadonlySet<string> = new Set(["server-unreachable", "store-unavailable", "internal"]);

/** @throws {CommandError} of the first question, and later what does not pass by itself. */
export async function askOnAndOn<Answer>(question: LiveQuestion<Answer>, live: Live, io: CommandIo): Promise<void> {
  // Nothing is drawn before something is known: a wrong address is told as it always is.
  const first = await askUntilStopped(question, live);
  if (first === null) return;
  if (live.terminal === null) return append(question, first, live, io);
  const last = await draw(question, first, live, live.terminal);
  io.stdout.write(question.leave(last, live.terminal.size()));
}

async function askUntilStopped<Answer>({ ask }: LiveQuestion<Answer>, { stop }: Live): Promise<Answer | null> {
  try {
    return await ask();
  } catch (error) {
    if (stop.aborted) return null;
    throw error;
  }
}

/** @returns the last answer. */
async function draw<Answer>(
  question: LiveQuestion<Answer>,
  first: Answer,
  live: Live,
  terminal: LiveTerminal,
): Promise<Answer> {
  const ended = new AbortController();
  const stop = AbortSignal.any([live.stop, ended.signal]);
  const screen = openLiveScreen(terminal);
  let shown: { readonly answer: Answer; readonly silence: Silence | null } = { answer: first, silence: null };
  const frame = () => question.frame(shown.answer, terminal.size(), shown.silence);
  const paint = () => screen.paint(frame());
  const forgetSize = terminal.onResize(paint);
  const forgetKeys = terminal.onKey((key) => {
    if (key === CTRL_Z) screen.suspend();
    else if (QUIT.has(key)) ended.abort();
  });
  try {
    paint();
    await repeat(question, { ...live, stop }, (answer, silence) => {
      shown = { answer: answer ?? shown.answer, silence };
      paint();
    });
  } finally {
    forgetKeys();
    forgetSize();
    screen.close();
  }
  return shown.answer;
}

const CTRL_C = "\u0003";
const CTRL_Z = "\u001a";
const ESCAPE = "\u001b";
const QUIT: ReadonlySet<string> = new Set(["q", "Q", ESCAPE, CTRL_C]);

/** Each answer after the last; that the server is silent, and that it answers again, goes to `stderr`, once each. */
async function append<Answer>(question: LiveQuestion<Answer>, first: Answer, live: Live, io: CommandIo): Promise<void> {
  io.stdout.write(question.tell(first));
  let told: Silence | null = null;
  await repeat(question, live, (answer, silence) => {
    if (answer !== null) {
      if (told !== null) io.stderr.write(`It answers again, after ${formatDuration(told.forMs)}.\n`);
      told = null;
      io.stdout.write(question.tell(answer));
    } else if (silence !== null) {
      if (told === null) io.stderr.write(`${tellSilence(silence, live.everyMs)}\n`);
      told = silence;
    }
  });
}

/** `No answer since 16:08:55 UTC, 12s: connect ECONNREFUSED …; asked every 2s.` */
export function tellSilence({ forMs, wrong, since }: Silence, everyMs: number): string {
  const why = plainText(wrong).replace(/^no answer: /, "");
  return `No answer since ${since} UTC, ${formatDuration(forMs)}: ${why}; asked every ${formatDuration(everyMs)}.`;
}

/** Until it is stopped. @param show an answer, or null with how long there was none. */
async function repeat<Answer>(
  question: LiveQuestion<Answer>,
  { clock, everyMs, stop }: Live,
  show: (answer: Answer | null, silence: Silence | null) => void,
): Promise<void> {
  let answeredAtMs = clock.monotonicMs();
  let since = clockTime(formatInstant(clock.nowMs()));
  for (;;) {
    await clock.sleep(everyMs, stop);
    if (stop.aborted) return;
    try {
      const answer = await stoppable(question.ask(), stop);
      if (answer === null) return;
      answeredAtMs = clock.monotonicMs();
      since = clockTime(formatInstant(clock.nowMs()));
      show(answer.value, null);
    } catch (error) {
      if (stop.aborted) return;
      if (!(error instanceof CommandError) || !PASSING.has(error.code)) throw error;
      show(null, { forMs: clock.monotonicMs() - answeredAtMs, wrong: error.wrong, since });
    }
  }
}

/** Whoever ends it waits for no answer. @returns null where it was stopped before there was one. */
async function stoppable<Value>(asked: Promise<Value>, stop: AbortSignal): Promise<{ readonly value: Value } | null> {
  const stopped = Promise.withResolvers<null>();
  const end = () => stopped.resolve(null);
  stop.addEventListener("abort", end, { once: true });
  if (stop.aborted) end();
  try {
    return await Promise.race([asked.then((value) => ({ value })), stopped.promise]);
  } finally {
    stop.removeEventListener("abort", end);
  }
}
