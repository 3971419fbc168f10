/** Reads a trace: a CSV file of jobs that once were, `queued_at,labels,duration_seconds` and if you like `repository,name`. */
import { CsvError, parse } from "csv-parse/sync";
import { HOUR_MS, SECOND_MS } from "../../domain/units.ts";
import { nearestOf } from "../config/issues.ts";
import type { ProblemList } from "../config/problems.ts";
import { parseInstant } from "./fields.ts";
import { JOB_COUNT_MAX, JOB_DURATION_MS_MAX, NAME_LENGTH_MAX } from "./schema.ts";

export interface TraceRow {
  /** Of the file, from 1. */
  readonly line: number;
  /** An instant in epoch milliseconds, or milliseconds since the world's start. */
  readonly queuedAt:
    | { readonly kind: "instant"; readonly atMs: number }
    | { readonly kind: "after"; readonly afterMs: number };
  readonly labels: readonly string[];
  readonly durationMs: number;
  readonly repository: string | null;
  readonly name: string | null;
}

const REQUIRED = ["queued_at", "labels", "duration_seconds"] as const;
const OPTIONAL = ["repository", "name"] as const;
const KNOWN: readonly string[] = [...REQUIRED, ...OPTIONAL];

export const TRACE_BYTES_MAX = 32 * 1024 * 1024;
/** Whoever has more has one mistake many times. */
const PROBLEM_COUNT_MAX = 10;
const SECONDS = /^\d{1,9}(\.\d+)?$/;
const OWNER_AND_NAME = /^[\w.-]+\/[\w.-]+$/;

interface Row {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/** @param file as the scenario names it. @returns the rows without a problem, in the file's order. */
export function readTrace(text: string, file: string, problems: ProblemList): readonly TraceRow[] {
  const rows = parseRows(text, file, problems);
  if (rows === null) return [];
  const [header, ...records] = rows;
  const columns = header === undefined ? null : readHeader(header.record, file, problems);
  if (header === undefined) problems.add(file, "is empty", `begin it with \`${REQUIRED.join(",")}\``);
  if (columns === null) return [];
  if (records.length > JOB_COUNT_MAX) {
    problems.add(file, `has ${records.length} jobs`, `at most ${JOB_COUNT_MAX}: take a part of it`);
    return [];
  }
  const found: TraceProblem[] = [];
  const jobs = records.flatMap((row) => readRow(row, columns, found));
  for (const { line, problem, mend } of found.slice(0, PROBLEM_COUNT_MAX))
    problems.add(`${file}, line ${line}`, problem, mend);
  const more = found.length - PROBLEM_COUNT_MAX;
  if (more > 0) problems.add(file, `has ${more} more such problems`, "correct the ones above first");
  return jobs;
}

function parseRows(text: string, file: string, problems: ProblemList): readonly Row[] | null {
  try {
    const options = { bom: true, info: true, relax_column_count: true, skip_empty_lines: true, trim: true };
    return parse(text, options) as unknown as readonly Row[];
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error.lines === "number" ? `, line ${error.lines}` : "";
    problems.add(
      `${file}${line}`,
      `is not CSV: ${error.message}`,
      "a quote that is open, or one in the middle of a field",
    );
    return null;
  }
}

type Columns = ReadonlyMap<string, number>;

function readHeader(names: readonly string[], file: string, problems: ProblemList): Columns | null {
  const columns: Columns = new Map(names.map((name, index) => [name.toLowerCase(), index]));
  const missing = REQUIRED.filter((name) => !columns.has(name));
  for (const name of columns.keys()) {
    const nearest = nearestOf(name, missing);
    if (KNOWN.includes(name) || nearest === null) continue;
    problems.add(`${file}, line 1`, `has a column \`${name}\``, `did you mean \`${nearest}\`?`);
    return null;
  }
  if (missing.length === 0) return columns;
  problems.add(
    `${file}, line 1`,
    `lacks ${missing.join(", ")}`,
    `the first line names the columns: \`${REQUIRED.join(",")}\``,
  );
  return null;
}

interface TraceProblem {
  readonly line: number;
  readonly problem: string;
  readonly mend: string;
}

function readRow({ record, info }: Row, columns: Columns, found: TraceProblem[]): readonly TraceRow[] {
  const line = info.lines;
  const cell = (name: string) => record[columns.get(name) ?? -1] ?? "";
  const queuedAt = readMoment(cell("queued_at"));
  const labels = cell("labels")
    .split(/[;\s]+/)
    .filter((label) => label !== "");
  const seconds = cell("duration_seconds");
  const durationMs = SECONDS.test(seconds) ? Math.round(Number(seconds) * SECOND_MS) : Number.NaN;
  const repository = cell("repository");
  const name = cell("name");
  const problem = (what: string, mend: string) => {
    found.push({ line, problem: what, mend });
    return [];
  };
  if (queuedAt === null)
    return problem("has no `queued_at` that is one", "write `2026-01-05T08:00:00Z`, or seconds since the start");
  if (labels.length === 0) return problem("has no labels", "write `self-hosted;linux`");
  if (!(durationMs >= 0 && durationMs <= JOB_DURATION_MS_MAX))
    return problem("has no `duration_seconds` that is one", "write seconds, 0 to 432000 (5 days)");
  if (repository !== "" && !OWNER_AND_NAME.test(repository))
    return problem("has a `repository` that is none", "write `owner/name`");
  if (name.length > NAME_LENGTH_MAX) return problem("has a long name", `at most ${NAME_LENGTH_MAX} characters`);
  return [
    {
      line,
      queuedAt,
      labels,
      durationMs,
      repository: repository === "" ? null : repository,
      name: name === "" ? null : name,
    },
  ];
}

function readMoment(text: string): TraceRow["queuedAt"] | null {
  if (SECONDS.test(text)) return { kind: "after", afterMs: Math.round(Number(text) * SECOND_MS) };
  const atMs = parseInstant(text);
  return atMs === null ? null : { kind: "instant", atMs };
}

/** The full hour in which the first job came that has an instant; null where none has. */
export function firstHourMs(rows: readonly TraceRow[]): number | null {
  let firstMs = Number.POSITIVE_INFINITY;
  for (const { queuedAt } of rows) if (queuedAt.kind === "instant") firstMs = Math.min(firstMs, queuedAt.atMs);
  return Number.isFinite(firstMs) ? Math.floor(firstMs / HOUR_MS) * HOUR_MS : null;
}
