/** Turns what Zod found into problems that a person can act on. */
import { closest, distance } from "fastest-levenshtein";
import type * as z from "zod";
import { INLINE_SECRET, noteOf } from "./key.ts";
import { type ProblemList, renderPath } from "./problems.ts";
import { findSchema, shapeOf } from "./schema-walk.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** What was checked: a whole file, or a part of one that has a schema of its own. */
export interface Checked {
  readonly root: z.ZodType;
  /** What was parsed, to tell a missing value from a wrong one. */
  readonly input: unknown;
  /** Where it stands in the file; the file itself unless given. */
  readonly at?: Path;
  /** The page that lists its keys; the configuration's unless given. */
  readonly reference?: string;
}

const REFERENCE = "docs/reference/configuration.md";

export function addIssues(problems: ProblemList, checked: Checked, issues: readonly Issue[]): void {
  for (const issue of issues) addIssue(problems, checked, issue, issue.path);
}

function addIssue(problems: ProblemList, checked: Checked, issue: Issue, path: Path): void {
  const { root, input, at = [] } = checked;
  if (issue.code === "unrecognized_keys") {
    for (const unknown of issue.keys)
      problems.add(renderPath([...at, ...path, unknown]), "unknown key", adviseKey(root, path, unknown));
    return;
  }
  if (issue.code === "invalid_union") {
    const branch = issue.errors.find((errors) => !errors.some(isOfWrongKind)) ?? null;
    if (branch !== null) {
      for (const inner of branch) addIssue(problems, checked, inner, [...path, ...inner.path]);
      return;
    }
  }
  const isSecretHere = issue.code === "invalid_type" && typeof valueAt(input, path) === "string";
  const instead = isSecretHere ? findSchema(root, path)?.note?.insteadOfSecret : undefined;
  const place = renderPath([...at, ...path]);
  if (instead !== undefined) problems.add(place, INLINE_SECRET, instead);
  else problems.add(place, describe(issue, valueAt(input, path)), advise(checked, issue, path));
}

function isOfWrongKind(issue: Issue): boolean {
  return issue.code === "invalid_type" && issue.path.length === 0;
}

function valueAt(input: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) => (typeof value === "object" && value !== null ? Reflect.get(value, part) : undefined),
    input,
  );
}

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "a block of keys",
  record: "a block of keys",
  array: "a list",
};

function describe(issue: Issue, found: unknown): string {
  if (found === undefined && issue.code !== "custom") return "is missing";
  if (found === null) return "has no value";
  switch (issue.code) {
    case "invalid_type":
      return `must be ${KINDS[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      return describeSize(issue.origin, "at least", issue.minimum);
    case "too_big":
      return describeSize(issue.origin, "at most", issue.maximum);
    case "invalid_key":
      return issue.issues[0]?.message ?? "is not a possible name";
    default:
      return issue.message;
  }
}

function describeSize(origin: string, bound: "at least" | "at most", size: number | bigint): string {
  if (origin === "array") return `needs ${bound} ${size} ${Number(size) === 1 ? "entry" : "entries"}`;
  if (origin === "string") return Number(size) === 1 ? "is empty" : `must have ${bound} ${size} characters`;
  return `must be ${bound} ${size}`;
}

function advise({ root, reference = REFERENCE }: Checked, issue: Issue, path: Path): string {
  const own = issue.code === "custom" ? issue.params?.mend : undefined;
  if (typeof own === "string") return own;
  const around = issue.code === "invalid_key" ? path.slice(0, -1) : path;
  const example = findSchema(root, around)?.note?.example;
  if (path.length === 0) return `write the keys that ${reference} lists`;
  return example === undefined ? `see ${reference}` : `as in \`${example}\``;
}

const SAME_WORD_DISTANCE_MAX = 3;

function adviseKey(root: z.ZodType, path: Path, unknown: string): string {
  const place = findSchema(root, path);
  const all = [...shapeOf(place?.schema ?? root)].filter(([, schema]) => noteOf(schema)?.says !== "");
  const nearest = nearestOf(
    unknown,
    all.map(([known]) => known),
  );
  if (nearest !== null) return `did you mean \`${nearest}\`?`;
  const usable = all.filter(([, schema]) => noteOf(schema)?.isReserved !== true).map(([known]) => known);
  return `remove it; known here: ${usable.join(", ")}`;
}

/** The nearest of some words, if it is near enough to be what was meant. */
export function nearestOf(word: string, known: readonly string[]): string | null {
  if (known.length === 0) return null;
  const nearest = closest(
    word.toLowerCase(),
    known.map((one) => one.toLowerCase()),
  );
  const bound = Math.min(SAME_WORD_DISTANCE_MAX, Math.ceil(word.length / 2));
  if (distance(word.toLowerCase(), nearest) > bound) return null;
  return known.find((one) => one.toLowerCase() === nearest) ?? null;
}
