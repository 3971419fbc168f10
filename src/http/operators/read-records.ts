import type { Subject } from "../../domain/evidence.ts";
import type { Records } from "../../domain/timeline.ts";
import { listDecisions } from "../../store/evidence/decisions.ts";
import { listEvidence } from "../../store/evidence/evidence.ts";
import type { Queryable } from "../../store/schema.ts";

/** What is written down about each of them. @param countMax of each subject, the newest. */
export async function readRecords(db: Queryable, subjects: readonly Subject[], countMax: number): Promise<Records> {
  const evidence = [];
  const decisions = [];
  for (const subject of subjects) {
    evidence.push(...(await listEvidence(db, subject, countMax)));
    decisions.push(...(await listDecisions(db, subject, countMax)));
  }
  return { evidence, decisions };
}
