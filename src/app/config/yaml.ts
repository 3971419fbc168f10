import { LineCounter, parseDocument } from "yaml";
import type { ProblemList } from "./problems.ts";

/** The parser's own messages quote the file, and with it perhaps a secret: said again in words that quote nothing. */
const SENTENCES: Readonly<Record<string, string>> = {
  BAD_INDENT: "is indented wrongly, or comes after a bracket that is open",
  BLOCK_AS_IMPLICIT_KEY: "has a colon where no key can be",
  DUPLICATE_KEY: "has a key for the second time",
  MISSING_CHAR: "lacks a character (a colon, a quote, a bracket)",
  MULTILINE_IMPLICIT_KEY: "has a key over several lines: a colon is missing, or a quote is open",
  TAB_AS_INDENT: "is indented with a tab",
  UNEXPECTED_TOKEN: "has something that cannot be here",
  MULTIPLE_DOCS: "begins a second document",
};

const ADVICE: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: "remove one of them",
  TAB_AS_INDENT: "indent with spaces",
  MULTIPLE_DOCS: "keep one document",
};

/** What the parser says of whatever comes after a mistake too: nothing there is read as it was meant. */
const FOLLOWS = "UNEXPECTED_TOKEN";

/**
 * @param example what an empty file can be started from.
 * @returns what the text says; null after adding problems: the file is not YAML, or says nothing.
 */
export function parseYaml(text: string, problems: ProblemList, example = "holdfast.example.yaml"): unknown {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "silent" });
  const found = [...document.errors, ...document.warnings];
  const told = new Set<number>();
  for (const { code, pos } of found) {
    const { line, col } = lines.linePos(pos[0]);
    if (told.has(line) || (told.size > 0 && code === FOLLOWS)) continue;
    told.add(line);
    const sentence = SENTENCES[code] ?? `is not YAML (${code.toLowerCase().replaceAll("_", " ")})`;
    problems.add(`line ${line}, column ${col}`, sentence, ADVICE[code] ?? "correct the line, or the one above it");
  }
  if (found.length > 0) return null;
  return toValue(() => document.toJS({ maxAliasCount: ALIAS_COUNT_MAX }), problems, example);
}

const ALIAS_COUNT_MAX = 100;

function toValue(convert: () => unknown, problems: ProblemList, example: string): unknown {
  let value: unknown;
  try {
    value = convert();
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    problems.add("(the file)", "has an alias that stands for nothing, or too many", "write it out");
    return null;
  }
  if (value === null || value === undefined) problems.add("(the file)", "is empty", `start from ${example}`);
  return value ?? null;
}
