import type { DecisionRecord, Evidence, EvidenceSource, Subject, SubjectKind } from "../../domain/evidence.ts";
import type { ReasonCode } from "../../domain/reasons.ts";
import type { DecisionsTable, EvidenceTable } from "../schema.ts";

/** Evidence as it is handed in: observed now, and confirmed by nothing else yet. */
export type NewEvidence = Omit<Evidence, "confirmedAtMs">;
export type NewDecision = Omit<DecisionRecord, "confirmedAtMs">;

/** How a subject is named where it is the key of a map. */
export function subjectKey(subject: Subject): string {
  return `${subject.kind}:${subject.id}`;
}

export function toEvidenceColumns(evidence: NewEvidence): Omit<EvidenceTable, "id"> {
  return {
    subject_kind: evidence.subject.kind,
    subject_id: evidence.subject.id,
    source: evidence.source,
    fact: evidence.fact,
    observed_ms: evidence.observedAtMs,
    confirmed_ms: evidence.observedAtMs,
  };
}

export function toEvidence(row: Omit<EvidenceTable, "id">): Evidence {
  return {
    subject: { kind: row.subject_kind as SubjectKind, id: row.subject_id },
    source: row.source as EvidenceSource,
    fact: row.fact,
    observedAtMs: row.observed_ms,
    confirmedAtMs: row.confirmed_ms,
  };
}

export function toDecisionColumns(decision: NewDecision): Omit<DecisionsTable, "id"> {
  return {
    subject_kind: decision.subject.kind,
    subject_id: decision.subject.id,
    action: decision.action,
    reason: decision.reason,
    decided_ms: decision.decidedAtMs,
    confirmed_ms: decision.decidedAtMs,
  };
}

export function toDecision(row: Omit<DecisionsTable, "id">): DecisionRecord {
  return {
    subject: { kind: row.subject_kind as SubjectKind, id: row.subject_id },
    action: row.action,
    reason: row.reason as ReasonCode,
    decidedAtMs: row.decided_ms,
    confirmedAtMs: row.confirmed_ms,
  };
}
