/** What stands out on a terminal. The word itself says the same without its colour. */
import type { Colours } from "../terminal/io.ts";
import type { Cell } from "../terminal/table.ts";

const TONES: Readonly<Record<string, keyof Colours>> = {
  busy: "cyan",
  running: "cyan",
  in_progress: "cyan",
  idle: "green",
  success: "green",
  unknown: "yellow",
  queued: "yellow",
  waiting: "yellow",
  failure: "red",
  timed_out: "red",
};

export function toned(word: string, colours: Colours): Cell {
  const tone = TONES[word];
  return tone === undefined ? { text: word } : { text: word, paint: colours[tone] };
}
