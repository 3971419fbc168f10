/** Reads `world.faults`: each entry by the schema of its kind. */
import type { Fault, FaultKind } from "../../simulator/scenario/fault.ts";
import { addIssues, nearestOf } from "../config/issues.ts";
import { type ProblemList, renderPath } from "../config/problems.ts";
import { SHARES } from "./fault-fields.ts";
import { blockOf, FAULT_KINDS, FAULTS } from "./schema-faults.ts";

export const SCENARIO_REFERENCE = "docs/reference/scenario.md";

/** In the type their names end in `Ms`. */
const TIMES: ReadonlySet<string> = new Set(["lag", "after", "for", "delay", "every", "boot", "at", "age", "by"]);

const AT = ["world", "faults"] as const;
/** An entry without a share that names its one job means that job. */
const ALL = 1;

/** @returns those without a problem; what is wrong with the others is added. */
export function readFaults(entries: readonly unknown[], problems: ProblemList): readonly Fault[] {
  return entries.flatMap((entry, index) => {
    const fault = readFault(entry, [...AT, index], problems);
    return fault === null ? [] : [fault];
  });
}

function readFault(entry: unknown, at: readonly PropertyKey[], problems: ProblemList): Fault | null {
  const kind = findKind(entry, at, problems);
  if (kind === null) return null;
  const root = blockOf(kind);
  const parsed = root.safeParse(entry);
  if (!parsed.success) {
    addIssues(problems, { root, input: entry, at, reference: SCENARIO_REFERENCE }, parsed.error.issues);
    return null;
  }
  return toFault(kind, parsed.data, at, problems);
}

function findKind(entry: unknown, at: readonly PropertyKey[], problems: ProblemList): FaultKind | null {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) {
    problems.add(renderPath(at), "must be a block of keys", "as in `{ kind: controller.crash, every: 7m }`");
    return null;
  }
  const { kind } = entry as { readonly kind?: unknown };
  const known = FAULT_KINDS.find((one) => one === kind);
  if (known !== undefined) return known;
  const nearest = typeof kind === "string" ? nearestOf(kind, FAULT_KINDS) : null;
  const problem = kind === undefined ? "is missing" : "is not a kind of fault";
  const mend = nearest === null ? `the kinds are in ${SCENARIO_REFERENCE}` : `did you mean \`${nearest}\`?`;
  problems.add(renderPath([...at, "kind"]), problem, mend);
  return null;
}

function toFault(
  kind: FaultKind,
  written: Readonly<Record<string, unknown>>,
  at: readonly PropertyKey[],
  problems: ProblemList,
): Fault | null {
  const values = new Map(Object.entries(written));
  const share = SHARES.find((name) => name in FAULTS[kind].fields);
  if (share !== undefined) {
    const { [share]: own, probability, job } = written;
    if (own !== undefined && probability !== undefined) {
      problems.add(renderPath([...at, "probability"]), `says the same as \`${share}\``, "remove one of them");
      return null;
    }
    if (own === undefined && probability === undefined && job === undefined) {
      problems.add(renderPath([...at, share]), "is missing", `as in \`${FAULTS[kind].example}\``);
      return null;
    }
    values.delete("probability");
    values.set(share, own ?? probability ?? ALL);
  }
  const fields = [...values].filter(([, value]) => value !== undefined);
  // The table of kinds is checked against the type field by field; only here they are put together.
  return Object.fromEntries(fields.map(([name, value]) => [TIMES.has(name) ? `${name}Ms` : name, value])) as Fault;
}
