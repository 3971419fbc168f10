import type { StandingWord } from "../operators/answers.ts";
import { formatAgo } from "./durations.ts";

/** `by alice 3m ago: disk looks odd`. @param now ISO instant of the same clock. */
export function describeWord({ operator, reason, since }: StandingWord, now: string): string {
  const who = operator === null ? "by an operator" : `by ${operator}`;
  const when = since === null ? "" : ` ${formatAgo(since, now)}`;
  return `${who}${when}${reason === "" ? "" : `: ${reason}`}`;
}

/** Each kind of word once, in the order given: `held, frozen`. */
export function listWords(words: readonly StandingWord[]): string {
  return [...new Set(words.map(({ word }) => word))].join(", ");
}

/** The same word may stand about many machines of a pool: each is told once. */
export function distinctWords(words: readonly StandingWord[]): readonly StandingWord[] {
  return [...new Map(words.map((word) => [`${word.word} ${word.about}`, word])).values()];
}
