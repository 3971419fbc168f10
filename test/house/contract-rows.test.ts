/**
 * Each row of the contract's tables of evidence, permits, and "found, done" is named in a test. A row is listed with the
 * words by which its test names it; who renames or removes that test is told here.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const TESTS = join(dirname(fileURLToPath(import.meta.url)), "..");
type Row = readonly [row: string, file: string, title: string];

const EVIDENCE = "domain/evidence-table.test.ts";
const FOUND = "controllers/found-and-done.test.ts";
const PERMIT = "domain/permit.test.ts";
const SLOW = "domain/slow-proofs.test.ts";

const EVIDENCE_ROWS: readonly Row[] = [
  ["agent", EVIDENCE, "agent: a Worker or a held ticket says busy"],
  ["our store", EVIDENCE, "our store: a ticket that may be out says busy"],
  ["GitHub says busy", EVIDENCE, "GitHub's words that say busy"],
  ["GitHub says idle", EVIDENCE, "GitHub's words that say idle"],
  ["a refused check-in or report", EVIDENCE, "an agent's refused check-in or report: somebody is there"],
  ["provider", EVIDENCE, "provider: dead is a proof, alive is not"],
];

const PERMIT_ROWS: readonly Row[] = [
  ["never-engaged", PERMIT, "a machine's permit by `never-engaged`"],
  ["parked", PERMIT, "a machine's permit by `parked`"],
  // Here the fence ends the ticket, and its machine ends as parked.
  [
    "fenced",
    "controllers/hand-back.test.ts",
    "is asked back, handed back, off GitHub without a listing, and its machine",
  ],
  ["provider-dead", PERMIT, "a machine's permit by `provider-dead`"],
  ["host-lost", SLOW, 'describe("host-lost"'],
  ["job-terminal", SLOW, 'describe("job-terminal"'],
  ["ticket-over", "domain/permit-registration.test.ts", "a registration's permit"],
  ["unknown-registration", "domain/permit-unknown-registration.test.ts", 'describe("unknown-registration"'],
  ["forced, by an operator", PERMIT, "a machine's permit by `forced`"],
  ["forced, by a limit", SLOW, "the limits past which an ending is forced"],
];

const FOUND_ROWS: readonly Row[] = [
  ["machine of ours without a row", FOUND, "machine of ours without a row:"],
  ["row whose machine is not listed", FOUND, "row whose machine is not listed:"],
  ["machine that never checked in", FOUND, "machine that never checked in by its boot deadline:"],
  ["ticket delivered, runner not online", FOUND, "ticket delivered, runner not online by its deadline:"],
  ["registration whose ticket is over", FOUND, "registration whose ticket is over:"],
  ["registration with our prefix, unknown", FOUND, "registration with our prefix that the store does not know:"],
  ["anything that fails after a launch", FOUND, "anything that fails after a launch:"],
  ["terminate did not take", FOUND, "terminate did not take:"],
  ["what belongs to a machine", "adapters/process/terminate.test.ts", "what keeps starting more of itself"],
];

const GUARD_ROWS: readonly Row[] = [
  ["too many at once", "controllers/guarded-endings.test.ts", "of eight lost hosts no more than two go"],
  ["listing incomplete", "domain/guards.test.ts", "the listing did not come whole"],
  ["listing empty although rows exist", "domain/guards.test.ts", "nothing is listed though there are rows"],
  ["many turned unknown", "domain/guards.test.ts", "more than a fifth turned unknown"],
  ["falls after 15 steady minutes", "domain/guards.test.ts", "many unknown falls after 15 steady minutes"],
];

describe.each([
  ["evidence", EVIDENCE_ROWS],
  ["permit", PERMIT_ROWS],
  ["found, done", FOUND_ROWS],
  ["guard", GUARD_ROWS],
] as const)("each row of the table %s is named in a test", (_table, rows) => {
  it.each(rows)("%s", (_row, file, title) => {
    expect(readFileSync(join(TESTS, file), "utf8")).toContain(title);
  });
});
