import type { Colours } from "../terminal/io.ts";
import { textWidth, wrapText } from "../terminal/text-width.ts";

interface Because {
  readonly reason: string;
  readonly sentence: string;
}

/** A table has room for the codes of reasons; what they mean stands once below it. */
export function renderReasons(reasons: readonly (Because | null)[], width: number, colours: Colours): string {
  const sentences = new Map(
    reasons.flatMap((because) => (because === null ? [] : [[because.reason, because.sentence]])),
  );
  if (sentences.size === 0) return "";
  const indent = Math.max(...[...sentences.keys()].map(textWidth)) + 2;
  const entries = [...sentences].map(([reason, sentence]) => {
    const lines = wrapText(sentence, width - indent);
    return `${reason.padEnd(indent)}${lines.join(`\n${" ".repeat(indent)}`)}`;
  });
  return `\n${colours.dim(entries.join("\n"))}\n`;
}
