import type { ColumnWords, Migration } from "./migration.ts";

/** So that what endings waited for, what proved them and what went against them can be counted over a day at a look. */
export const safetyFigures: Migration = {
  number: 7,
  name: "safety-figures",
  statements: (_words: ColumnWords) => [
    "create index deliveries_connection on deliveries (connection, received_ms)",
    "create index decisions_waiting on decisions (subject_kind, decided_ms, reason, subject_id) where action = 'wait'",
    // What the controller and operators say of machines is their endings; agents, GitHub and providers say much more.
    `create index evidence_endings on evidence (subject_kind, observed_ms, source, fact, subject_id)
      where source in ('controller', 'operator')`,
    `create index evidence_alarms on evidence (observed_ms, fact, subject_id, subject_kind)
      where substr(fact, 1, 12) in ('the fence re', 'machine adop', 'GitHub calls', 'ticket lost ', 'quarantined:')`,
  ],
};
