import type { ColumnWords, Migration } from "./migration.ts";

/** Jobs that an operator wants to run again: who, and why. Of a pool's own wish both are null. */
export const wishedReruns: Migration = {
  number: 8,
  name: "wished-reruns",
  statements: (_words: ColumnWords) => [
    "alter table reruns add column operator text",
    "alter table reruns add column operator_reason text",
  ],
};
