/** `--watch`: the words of it on the command line, and the process as a command sees it that goes on until it is stopped. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { systemClock } from "../adapters/system/clock.ts";
import { SECOND_MS } from "../domain/units.ts";
import { stopSignal } from "./stop-signal.ts";
import { type Live, openLiveTerminal } from "./terminal/live-terminal.ts";

export const EVERY_SECONDS = 2;
const EVERY_SECONDS_MAX = 3_600;

export interface WatchOptions {
  /** Seconds. */
  readonly watch?: number | undefined;
}

export function addWatch(command: Command): Command {
  const option = new Option("-w, --watch [seconds]", "ask again and again, every 2 seconds unless said otherwise");
  return command.addOption(option.preset(String(EVERY_SECONDS)).argParser(parseSeconds));
}

export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && seconds >= 1 && seconds <= EVERY_SECONDS_MAX) return seconds;
  throw new InvalidArgumentError(
    `It is no number of seconds from 1 to ${EVERY_SECONDS_MAX}. A name stands before --watch.`,
  );
}

/** @returns null where the command is to answer once. */
export function openLive({ watch }: WatchOptions): Live | null {
  return watch === undefined ? null : openLiveEvery(watch);
}

export function openLiveEvery(seconds: number): Live {
  const { stdout } = process;
  const gone = new AbortController();
  // Whoever read it has ended: `holdfast jobs --watch | head`.
  stdout.on("error", () => gone.abort());
  return {
    everyMs: seconds * SECOND_MS,
    clock: systemClock(),
    stop: AbortSignal.any([stopSignal(), gone.signal]),
    terminal: stdout.isTTY === true ? openLiveTerminal(process) : null,
  };
}
