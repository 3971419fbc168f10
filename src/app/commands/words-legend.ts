import type { StandingWord } from "../../http/operators/answers.ts";
import { describeWord, distinctWords } from "../../http/text/words.ts";
import type { Colours } from "../terminal/io.ts";
import { wrapText } from "../terminal/text-width.ts";

/** What operators have said and not taken back, a line each: who, why, since when. Empty where nobody has. */
export function renderWords(words: readonly StandingWord[], now: string, width: number, colours: Colours): string {
  const told = distinctWords(words);
  const [longest = 0] = told.map(({ word }) => word.length).sort((a, b) => b - a);
  const indent = longest + 2;
  const lines = told.map((one) => {
    const [first = "", ...rest] = wrapText(`${one.about}, ${describeWord(one, now)}`, width - indent);
    const word = colours.magenta(one.word) + " ".repeat(indent - one.word.length);
    return [`${word}${first}`, ...rest.map((line) => `${" ".repeat(indent)}${line}`)].join("\n");
  });
  return lines.length === 0 ? "" : `\n${lines.join("\n")}\n`;
}
