import type { Migration } from "./migration.ts";

/** How a provider decided to make a launch, for those that repeat one request word by word. */
export const launchOrders: Migration = {
  number: 4,
  name: "launch-orders",
  statements: () => ["alter table launches add column provider_order text"],
};
