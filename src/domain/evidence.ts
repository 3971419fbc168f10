/** One observation, kept for as long as somebody may ask why. Append-only; a fact seen again only moves `confirmedAtMs`. */
import type { ReasonCode } from "./reasons.ts";

export type EvidenceSource =
  | "agent"
  | "store"
  | "github-webhook"
  | "github-api"
  | "provider"
  | "operator"
  | "controller";

export type SubjectKind = "job" | "machine" | "ticket" | "pool" | "delivery";

export interface Subject {
  readonly kind: SubjectKind;
  readonly id: string;
}

export interface Evidence {
  readonly subject: Subject;
  readonly source: EvidenceSource;
  /** What was seen, in a few words of `docs/glossary.md`: "ticket online", "machine dead". */
  readonly fact: string;
  readonly observedAtMs: number;
  readonly confirmedAtMs: number;
}

/** What was decided about a subject, under which rule, and when that was first and last so. */
export interface DecisionRecord {
  readonly subject: Subject;
  readonly action: string;
  readonly reason: ReasonCode;
  readonly decidedAtMs: number;
  readonly confirmedAtMs: number;
}
