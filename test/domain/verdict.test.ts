import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HostPhase } from "../../src/domain/protocol.ts";
import { isTicketOut, TICKET_STEPS } from "../../src/domain/ticket.ts";
import type { HeardTime } from "../../src/domain/time.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import {
  AGENT_FRESH_MS,
  isAgentFresh,
  judgeMachine,
  type MachineEvidence,
  type Verdict,
} from "../../src/domain/verdict.ts";
import { heard, holding, machine, report, START_MS, seen, ticket, ticketId, unheardMachine } from "./builders.ts";
import { always } from "./property.ts";

/** A parked machine whose agent was heard at the start; no ticket; listed as running. */
function evidence(overrides: Partial<MachineEvidence> = {}): MachineEvidence {
  return { machine: machine(), ticket: null, heardAtMs: START_MS, providerState: "running", ...overrides };
}

const engaged = machine({ state: "engaged", report: holding(ticketId(), "online") });
const unreadable = { kind: "unknown", why: "hidepid" } as const;
const fresh = heard(SECOND_MS);
const stale = heard(AGENT_FRESH_MS);

const busy = (...reasons: Extract<Verdict, { kind: "busy" }>["reasons"]): Verdict => ({ kind: "busy", reasons });
const unknown = (...missing: Extract<Verdict, { kind: "unknown" }>["missing"]): Verdict => ({
  kind: "unknown",
  missing,
});

type Row = readonly [name: string, evidence: Partial<MachineEvidence>, time: HeardTime, want: Verdict];

describe("judgeMachine", () => {
  it.each<Row>([
    ["parked, heard just now, holds none", {}, fresh, { kind: "idle", proof: "parked" }],
    ["parked, its last word one ms before it is old", {}, heard(AGENT_FRESH_MS - 1), { kind: "idle", proof: "parked" }],
    ["parked, its last word old", {}, stale, unknown("agent-silent")],
    ["parked, its last word from the future: the clock was set back", {}, heard(-HOUR_MS), unknown("agent-silent")],
    ["parked, not heard since this process started", { heardAtMs: null }, fresh, unknown("agent-silent")],
    [
      "parked by our store, its report names a ticket",
      { machine: machine({ report: holding(ticketId(9), "delivered") }) },
      fresh,
      busy("ticket-out"),
    ],
    [
      "parked by our store, a listener is seen",
      { machine: machine({ report: report({ sighting: seen({ hasListener: true }) }) }) },
      fresh,
      busy("ticket-out"),
    ],
    [
      "parked by our store, an orphan Worker is seen",
      { machine: machine({ report: report({ sighting: seen({ workerCount: 1 }) }) }) },
      fresh,
      busy("runs-job"),
    ],
    [
      "parked by our store, a Worker was seen in an old report",
      { machine: machine({ report: report({ sighting: seen({ workerCount: 1 }) }) }) },
      stale,
      busy("runs-job"),
    ],
    [
      "parked by our store, the host cannot be read",
      { machine: machine({ report: report({ sighting: unreadable }) }) },
      fresh,
      unknown("host-unreadable"),
    ],
    [
      "parked, a ticket issued and not yet sent",
      { ticket: ticket({ state: "issued" }) },
      fresh,
      { kind: "idle", proof: "parked" },
    ],
    [
      "parked, a ticket delivered that no report names yet",
      { ticket: ticket({ state: "delivered" }) },
      fresh,
      busy("ticket-out"),
    ],
    ["engaged and online", { machine: engaged, ticket: ticket({ state: "online" }) }, fresh, busy("ticket-out")],
    ["engaged and running", { machine: engaged, ticket: ticket({ state: "running" }) }, fresh, busy("runs-job")],
    [
      "engaged and running, agent silent",
      { machine: engaged, ticket: ticket({ state: "running" }) },
      stale,
      busy("runs-job"),
    ],
    [
      "engaged and online, agent silent",
      { machine: engaged, ticket: ticket({ state: "online" }) },
      stale,
      unknown("ticket-out", "agent-silent"),
    ],
    [
      "engaged, the host cannot be read",
      {
        machine: machine({ state: "engaged", report: report({ sighting: unreadable }) }),
        ticket: ticket({ state: "delivered" }),
      },
      fresh,
      unknown("ticket-out", "host-unreadable"),
    ],
    [
      "engaged, the report holds none: only a word about the ticket ends it",
      { machine: machine({ state: "engaged" }), ticket: ticket({ state: "delivered" }) },
      fresh,
      busy("ticket-out"),
    ],
    [
      "adopted, its ticket unknown, agent silent",
      { machine: unheardMachine({ origin: "adopted" }), ticket: ticket({ state: "unknown" }), heardAtMs: null },
      fresh,
      unknown("ticket-out", "agent-silent"),
    ],
    [
      "adopted, never heard of: what it did before, nobody knows",
      { machine: unheardMachine({ origin: "adopted" }), heardAtMs: null },
      fresh,
      unknown("agent-silent"),
    ],
    [
      "restored, never heard of",
      { machine: unheardMachine({ origin: "restored" }), heardAtMs: null },
      fresh,
      unknown("agent-silent"),
    ],
    [
      "launched, never heard of",
      { machine: unheardMachine(), heardAtMs: null },
      fresh,
      { kind: "idle", proof: "never-engaged" },
    ],
    [
      "planned",
      { machine: machine({ state: "planned" }), heardAtMs: null, providerState: null },
      fresh,
      { kind: "idle", proof: "never-engaged" },
    ],
    [
      "checked in and has not reported yet",
      { machine: unheardMachine({ isAgentSeen: true }) },
      fresh,
      unknown("host-unreadable"),
    ],
    [
      "somebody was refused as this machine",
      { machine: unheardMachine({ isAgentSeen: true }), heardAtMs: null },
      fresh,
      unknown("agent-silent"),
    ],
    [
      "dead by the provider's word, a ticket out",
      { machine: engaged, ticket: ticket({ state: "running" }), providerState: "dead" },
      fresh,
      { kind: "idle", proof: "provider-dead" },
    ],
    [
      "gone by the provider's word",
      { providerState: "gone", heardAtMs: null },
      fresh,
      { kind: "idle", proof: "provider-dead" },
    ],
    [
      "alive by the provider's word: proves nothing",
      { heardAtMs: null, providerState: "running" },
      fresh,
      unknown("agent-silent"),
    ],
    [
      "not listed by the provider: proves nothing",
      { machine: engaged, ticket: ticket({ state: "online" }), providerState: null },
      stale,
      unknown("ticket-out", "agent-silent"),
    ],
  ])("%s", (_name, fields, time, want) => {
    expect(judgeMachine(evidence(fields), time)).toEqual(want);
  });

  it("is never idle by anything but the provider's word while a ticket may be out", () => {
    always(
      fc.property(anyEvidence, anyTime, (given, time) => {
        const verdict = judgeMachine(given, time);
        const isOut = given.ticket !== null && isTicketOut(given.ticket);
        const isDead = given.providerState === "dead" || given.providerState === "gone";
        if (isOut && !isDead) expect(verdict.kind).not.toBe("idle");
        if (verdict.kind === "idle" && verdict.proof === "parked") {
          expect(given.machine.report).toMatchObject({ ticket: null, sighting: seen() });
          expect(given.heardAtMs).not.toBeNull();
        }
        if (verdict.kind === "unknown") expect(verdict.missing.length).toBeGreaterThan(0);
        if (verdict.kind === "busy") expect(verdict.reasons.length).toBeGreaterThan(0);
      }),
      2_000,
    );
  });

  it("is not moved from busy or unknown to idle by losing what is kept in memory", () => {
    always(
      fc.property(anyEvidence, anyTime, (given, time) => {
        if (judgeMachine(given, time).kind === "idle") return;
        expect(judgeMachine({ ...given, heardAtMs: null }, time).kind).not.toBe("idle");
      }),
      2_000,
    );
  });
});

describe("isAgentFresh", () => {
  it.each<readonly [string, number | null, HeardTime, boolean]>([
    ["one ms before it is old", START_MS, heard(AGENT_FRESH_MS - 1), true],
    ["when it is old", START_MS, heard(AGENT_FRESH_MS), false],
    ["never heard", null, heard(0), false],
  ])("%s: %s", (_name, heardAtMs, time, want) => {
    expect(isAgentFresh(evidence({ heardAtMs }), time)).toBe(want);
  });
});

describe("what an attack on this module found", () => {
  const afterGap: HeardTime = { heardSinceMs: START_MS + HOUR_MS - SECOND_MS, nowMs: START_MS + HOUR_MS };
  const starting = machine({ report: report({ phase: "starting" }) });

  // Evidence and verdict: "decides, while fresh". Heard time lengthens a silence; it does not make an old word young.
  it("a word an hour old is not fresh because we were deaf since", () => {
    expect(judgeMachine(evidence(), afterGap)).toEqual(unknown("agent-silent"));
  });

  // Time: "a new incarnation is `unknown` until it has reported its process table".
  it("an agent that is still starting says nothing about tickets", () => {
    expect(judgeMachine(evidence({ machine: starting }), fresh)).toEqual(unknown("host-unreadable"));
  });

  // Permits, never-engaged: "no agent ever tried to check in or report as this machine". The launch's answer was lost.
  it("a planned machine whose agent was seen is not never-engaged", () => {
    const planned = machine({ state: "planned", isAgentSeen: true });
    expect(judgeMachine(evidence({ machine: planned, providerState: null }), fresh)).toEqual(
      unknown("host-unreadable"),
    );
  });

  // The presumption: engaged is busy until the host says that the ticket is over; a row that we do not find says nothing.
  it("an engaged machine whose ticket our store does not find is not idle", () => {
    const rows = { machine: machine({ state: "engaged" }), ticket: null };
    expect(judgeMachine(evidence(rows), fresh)).toEqual(unknown("ticket-out"));
  });
});

const anyTime: fc.Arbitrary<HeardTime> = fc.nat(2 * MINUTE_MS).map((afterMs) => heard(afterMs));

const anyEvidence: fc.Arbitrary<MachineEvidence> = fc
  .record({
    // Not planned: no ticket can be out to a machine that the provider has not answered for.
    state: fc.constantFrom("provisioning", "parked", "engaged", "retiring"),
    origin: fc.constantFrom("launched", "adopted", "restored"),
    isAgentSeen: fc.boolean(),
    phase: fc.constantFrom<HostPhase>("starting", "preparing", "parked", "engaged", "leaving"),
    step: fc.constantFrom(null, ...TICKET_STEPS),
    sighting: fc.constantFrom(seen(), seen({ hasListener: true }), seen({ workerCount: 2 }), unreadable),
    ticketKind: fc.constantFrom(null, "minting", "issued", "delivered", "online", "running", "handing-back", "unknown"),
    heardAtMs: fc.option(fc.constant(START_MS), { nil: null }),
    providerState: fc.constantFrom(null, "starting", "running", "dead", "gone"),
  })
  .map(({ state, origin, isAgentSeen, phase, step, sighting, ticketKind, heardAtMs, providerState }) => {
    const word = report({ phase, sighting, ticket: step === null ? null : { id: ticketId(), step } });
    const row = isAgentSeen ? machine({ state, origin, report: word }) : unheardMachine({ state, origin });
    return { machine: row, ticket: ticketKind && ticket({ state: ticketKind }), heardAtMs, providerState };
  });
