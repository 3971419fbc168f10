/**
 * Text that came from a host, a workflow's author or GitHub, made harmless to look at: no escape sequences, no control
 * characters, nothing that turns the direction of what stands beside it. What remains is still to be escaped for HTML.
 */
import { stripVTControlCharacters } from "node:util";

/** Line breaks and tabs: a table's cell has one line. */
const BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
/** C0, DEL, C1; zero-width and direction marks, which make one text look like another. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

export function plainText(text: string): string {
  return stripVTControlCharacters(text).replace(BREAKS, " ").replace(INVISIBLE, "");
}

/** Every text inside an answer, so that whoever renders it cannot forget one. */
export function plainAnswer<Answer>(answer: Answer): Answer {
  return plainValue(answer) as Answer;
}

function plainValue(value: unknown): unknown {
  if (typeof value === "string") return plainText(value);
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainValue(inner)]));
}
