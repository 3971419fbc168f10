import type { Migration } from "./migration.ts";

/** By which settings' places a machine was found that got its row so: no other of the pool's places has to be kept for it. */
export const foundBySettings: Migration = {
  number: 11,
  name: "found-by-settings",
  statements: () => ["alter table machines add column found_by_settings text"],
};
