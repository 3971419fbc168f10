import { expect, it } from "vitest";
import type { MachineState } from "../../src/domain/machine.ts";
import { nextOfJob, nextOfMachine, nextOfPool } from "../../src/domain/next-step.ts";
import type { TicketStateKind } from "../../src/domain/ticket.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Verdict } from "../../src/domain/verdict.ts";
import { machine, pool, providerId, START_MS, ticket, ticketId } from "./builders.ts";

const { deadlines } = pool();
const PASS_MS = START_MS + 5_000;
const SILENT: Verdict = { kind: "unknown", missing: ["ticket-out", "agent-silent"] };
const BUSY: Verdict = { kind: "busy", reasons: ["ticket-out"] };
const there = { providerId: providerId(), sinceMs: START_MS } as const;
const engaged = { kind: "engaged", ...there, ticketId: ticketId() } as const;
const retiring = { kind: "retiring", ...there, stage: "proving", reason: "surplus", heardSequence: 1 } as const;

type Row = readonly [string, MachineState, TicketStateKind | null, Verdict | null, number | null];

it.each<Row>([
  ["planned: at the next pass", { kind: "planned", sinceMs: START_MS }, null, null, PASS_MS],
  ["provisioning: at its boot deadline", { kind: "provisioning", ...there }, null, null, START_MS + deadlines.bootMs],
  ["parked: at the next pass", { kind: "parked", ...there }, null, null, PASS_MS],
  ["delivered: at the online deadline", engaged, "delivered", BUSY, START_MS + deadlines.onlineMs],
  ["online: at the idle deadline", engaged, "online", BUSY, START_MS + deadlines.idleTicketMs],
  ["running: nobody knows when", engaged, "running", BUSY, null],
  [
    "its host silent: when it may count as lost",
    engaged,
    "running",
    SILENT,
    START_MS - MINUTE_MS + deadlines.lostHostMs,
  ],
  ["retiring: at the next pass", retiring, null, null, PASS_MS],
  ["retiring, silent: when it may count as lost", retiring, null, SILENT, START_MS - MINUTE_MS + deadlines.lostHostMs],
])("%s", (_name, state, ticketKind, verdict, atMs) => {
  const prospects = {
    machine: machine({ state }),
    ticket: ticketKind === null ? null : ticket({ state: ticketKind }),
    verdict,
    heardAtMs: START_MS - MINUTE_MS,
    deadlines,
    nextPassAtMs: PASS_MS,
  };
  expect(nextOfMachine(prospects)?.atMs).toBe(atMs);
});

it("nothing comes after a machine's end, and a pool that left tells no deadline", () => {
  const gone = { kind: "gone", providerId: providerId(), reason: "used-up", sinceMs: START_MS } as const;
  const rest = { ticket: null, verdict: null, heardAtMs: null, deadlines: null, nextPassAtMs: null };
  expect(nextOfMachine({ machine: machine({ state: gone }), ...rest })).toBeNull();
  const booting = machine({ state: { kind: "provisioning", ...there } });
  expect(nextOfMachine({ machine: booting, ...rest })?.atMs).toBeNull();
});

it("a job's next step is its pool's, a person's, or none", () => {
  const heldUp = { heldUpUntilMs: START_MS + MINUTE_MS, nextPassAtMs: PASS_MS };
  expect(nextOfJob({ status: "queued" }, heldUp)?.atMs).toBe(START_MS + MINUTE_MS);
  expect(nextOfPool({ ...heldUp, heldUpUntilMs: null }).atMs).toBe(PASS_MS);
  expect(nextOfJob({ status: "queued" }, null)?.sentence).toMatch(/^A pool that has all its labels/);
  expect(nextOfJob({ status: "waiting" }, heldUp)?.sentence).toMatch(/approve/);
  expect(nextOfJob({ status: "in_progress" }, heldUp)).toBeNull();
  expect(nextOfJob({ status: "completed" }, heldUp)).toBeNull();
});
