import type { DecisionRecord, Subject } from "../../domain/evidence.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import { readInChunks } from "../chunks.ts";
import type { Queryable } from "../schema.ts";
import { countOf, rowsOf } from "../statement.ts";
import { type NewDecision, subjectKey, toDecision, toDecisionColumns } from "./row.ts";

/** A decision that is made again in every pass is confirmed at most this often: each time is a write. */
const CONFIRM_EVERY_MS = MINUTE_MS;

/**
 * Appends a decision, or, where the subject's newest has the same action and reason, moves only its `confirmedAtMs`, once a
 * minute at most.
 */
export async function recordDecision(db: Queryable, decision: NewDecision): Promise<void> {
  await writeDecisions(db, await findNewDecisions(db, [decision]));
}

/** What is to be written of the decisions of a pass. */
export interface DecisionNews {
  readonly added: readonly NewDecision[];
  readonly confirmed: readonly { readonly id: number; readonly atMs: number }[];
}

/**
 * What `recordDecision` would write for each: a pass over a fleet in which nothing changed has nothing to write, and needs
 * no transaction for it. The last of several for one subject counts. What others write before it is written can make a
 * decision stand there twice, which changes no answer.
 */
export async function findNewDecisions(db: Queryable, decisions: readonly NewDecision[]): Promise<DecisionNews> {
  const bySubject = new Map(decisions.map((decision) => [subjectKey(decision.subject), decision]));
  const latest = await readLatest(
    db,
    [...bySubject.values()].map(({ subject }) => subject),
  );
  const added: NewDecision[] = [];
  const confirmed: { readonly id: number; readonly atMs: number }[] = [];
  for (const [key, decision] of bySubject) {
    const stored = latest.get(key);
    const atMs = decision.decidedAtMs;
    if (stored === undefined || !isSame(stored, decision)) added.push(decision);
    else if (atMs - stored.confirmedAtMs >= CONFIRM_EVERY_MS) confirmed.push({ id: stored.id, atMs });
  }
  return { added, confirmed };
}

export function isNothingNew({ added, confirmed }: DecisionNews): boolean {
  return added.length + confirmed.length === 0;
}

export async function writeDecisions(db: Queryable, { added, confirmed }: DecisionNews): Promise<void> {
  for (const decision of added) await insertion(db, toDecisionColumns(decision));
  for (const [atMs, ofMoment] of Map.groupBy(confirmed, (one) => one.atMs))
    await confirm(
      db,
      ofMoment.map(({ id }) => id),
      atMs,
    );
}

const insertion = countOf((db, columns: ReturnType<typeof toDecisionColumns>) =>
  db.insertInto("decisions").values(columns),
);

function isSame(a: NewDecision, b: NewDecision): boolean {
  return a.action === b.action && a.reason === b.reason;
}

async function confirm(db: Queryable, ids: readonly number[], confirmedAtMs: number): Promise<void> {
  await readInChunks(ids, async (chunk) => {
    await db.updateTable("decisions").set({ confirmed_ms: confirmedAtMs }).where("id", "in", chunk).execute();
    return [];
  });
}

/** Newest first. */
export async function listDecisions(
  db: Queryable,
  subject: Subject,
  limitCount: number,
): Promise<readonly DecisionRecord[]> {
  const rows = await db
    .selectFrom("decisions")
    .selectAll()
    .where("subject_kind", "=", subject.kind)
    .where("subject_id", "=", subject.id)
    .orderBy("id", "desc")
    .limit(limitCount)
    .execute();
  return rows.map(toDecision);
}

/** Newest first, of all subjects. */
export async function listRecentDecisions(db: Queryable, limitCount: number): Promise<readonly DecisionRecord[]> {
  const rows = await db.selectFrom("decisions").selectAll().orderBy("id", "desc").limit(limitCount).execute();
  return rows.map(toDecision);
}

/** The newest decision of each subject that has one, by `${kind}:${id}`. */
export async function latestDecisions(
  db: Queryable,
  subjects: readonly Subject[],
): Promise<Map<string, DecisionRecord>> {
  const latest = await readLatest(db, subjects);
  return new Map([...latest].map(([key, { id: _id, ...decision }]) => [key, decision]));
}

type StoredDecision = DecisionRecord & { readonly id: number };

const newestOf = rowsOf((db, { kind, chunk }: { readonly kind: string; readonly chunk: readonly string[] }) =>
  db
    .selectFrom("decisions")
    .selectAll()
    .where("id", "in", (select) =>
      select
        .selectFrom("decisions")
        .select((newest) => newest.fn.max("id").as("id"))
        .where("subject_kind", "=", kind)
        .where("subject_id", "in", chunk)
        .groupBy(["subject_kind", "subject_id"]),
    ),
);

async function readLatest(db: Queryable, subjects: readonly Subject[]): Promise<Map<string, StoredDecision>> {
  const latest = new Map<string, StoredDecision>();
  for (const [kind, ofKind] of Map.groupBy(subjects, (subject) => subject.kind)) {
    const ids = [...new Set(ofKind.map((subject) => subject.id))];
    const rows = await readInChunks(ids, (chunk) => newestOf(db, { kind, chunk }));
    for (const row of rows) {
      const decision = toDecision(row);
      latest.set(subjectKey(decision.subject), { ...decision, id: row.id });
    }
  }
  return latest;
}
