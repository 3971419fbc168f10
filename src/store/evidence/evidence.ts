import type { Evidence, EvidenceSource, Subject } from "../../domain/evidence.ts";
import { readInChunks } from "../chunks.ts";
import type { Queryable } from "../schema.ts";
import { countOf, rowOf, rowsOf } from "../statement.ts";
import { type NewEvidence, toEvidence, toEvidenceColumns } from "./row.ts";

interface Said {
  readonly kind: string;
  readonly id: string;
  readonly source: string;
}

const newestOf = rowOf((db, { kind, id, source }: Said) =>
  db
    .selectFrom("evidence")
    .select(["id", "fact", "confirmed_ms"])
    .where("subject_kind", "=", kind)
    .where("subject_id", "=", id)
    .where("source", "=", source)
    .orderBy("id", "desc")
    .limit(1),
);
const insertion = countOf((db, columns: ReturnType<typeof toEvidenceColumns>) =>
  db.insertInto("evidence").values(columns),
);

/**
 * Appends a fact, or, where it is the newest that this source said of the subject, moves only its `confirmedAtMs` (never
 * back). Idempotent. Two calls at once outside a transaction may append the same fact twice, which changes no answer.
 */
export async function recordEvidence(db: Queryable, evidence: NewEvidence): Promise<void> {
  const { kind, id } = evidence.subject;
  const newest = await newestOf(db, { kind, id, source: evidence.source });
  if (newest === undefined || newest.fact !== evidence.fact) {
    await insertion(db, toEvidenceColumns(evidence));
  } else if (newest.confirmed_ms < evidence.observedAtMs) {
    await db
      .updateTable("evidence")
      .set({ confirmed_ms: evidence.observedAtMs })
      .where("id", "=", newest.id)
      .where("confirmed_ms", "<", evidence.observedAtMs)
      .execute();
  }
}

/** Newest first, of all sources. */
export async function listEvidence(db: Queryable, subject: Subject, limitCount: number): Promise<readonly Evidence[]> {
  const rows = await db
    .selectFrom("evidence")
    .selectAll()
    .where("subject_kind", "=", subject.kind)
    .where("subject_id", "=", subject.id)
    .orderBy("id", "desc")
    .limit(limitCount)
    .execute();
  return rows.map(toEvidence);
}

interface SaidOfMany extends Omit<Said, "id"> {
  readonly chunk: readonly string[];
}

const saidOfMany = rowsOf((db, { kind, source, chunk }: SaidOfMany) =>
  db
    .selectFrom("evidence")
    .selectAll()
    .where("subject_kind", "=", kind)
    .where("subject_id", "in", chunk)
    .where("source", "=", source),
);

/** What one source has said of each of these, in no order: of sources that say little of one subject. */
export async function listEvidenceBySource(
  db: Queryable,
  subjects: readonly Subject[],
  source: EvidenceSource,
): Promise<readonly Evidence[]> {
  const rows = [];
  for (const [kind, ofKind] of Map.groupBy(subjects, (subject) => subject.kind)) {
    const ids = [...new Set(ofKind.map(({ id }) => id))];
    rows.push(...(await readInChunks(ids, (chunk) => saidOfMany(db, { kind, source, chunk }))));
  }
  return rows.map(toEvidence);
}

/** Newest first, of all subjects. */
export async function listRecentEvidence(db: Queryable, limitCount: number): Promise<readonly Evidence[]> {
  const rows = await db.selectFrom("evidence").selectAll().orderBy("id", "desc").limit(limitCount).execute();
  return rows.map(toEvidence);
}
