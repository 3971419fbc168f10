import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decideLifecycle,
  type LifecycleDecision,
  type LifecycleInput,
  SURPLUS_GRACE_MS,
} from "../../src/domain/lifecycle.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import type { ReasonCode, RetireReason } from "../../src/domain/reasons.ts";
import { isTicketOut } from "../../src/domain/ticket.ts";
import type { HeardTime } from "../../src/domain/time.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { AGENT_FRESH_MS } from "../../src/domain/verdict.ts";
import {
  heard,
  heardFacts,
  holding,
  machine,
  pool,
  report,
  START_MS,
  seen,
  ticket,
  ticketId,
  unheardMachine,
} from "./builders.ts";
import { fleets } from "./fleet.ts";
import { always } from "./property.ts";

const BOOT_MS = 5 * MINUTE_MS;
const ONLINE_MS = 2 * MINUTE_MS;
const IDLE_MS = 2 * MINUTE_MS;

const keep = (reason: ReasonCode): LifecycleDecision => ({ kind: "keep", reason });
const retire = (reason: RetireReason): LifecycleDecision => ({ kind: "retire", reason });

function decide(
  input: Partial<LifecycleInput>,
  time: HeardTime = heard(),
  settings: Partial<PoolPolicy> = {},
): LifecycleDecision {
  const calm = { ticket: null, heardAtMs: time.nowMs, providerState: "running" } as const;
  const facts = heardFacts(time.nowMs);
  const quiet = { surplusSinceMs: null, notReadySinceMs: null, isShuttingDown: false, tickets: [], facts };
  return decideLifecycle({ machine: machine(), ...calm, ...quiet, ...input }, pool(settings), time);
}

/** Could be heard only since this long after the start; it is `nowMs` after the start. */
const deafUntil = (sinceMs: number, nowMs: number) => heard(nowMs, { heardSinceMs: START_MS + sinceMs });

type Row = readonly [name: string, input: Partial<LifecycleInput>, time: HeardTime, want: LifecycleDecision];

describe("a planned machine", () => {
  it.each<Row>([
    ["is kept", { machine: machine({ state: "planned" }) }, heard(), keep("being-launched")],
    [
      "is kept at any age: only the provider knows",
      { machine: machine({ state: "planned" }) },
      heard(30 * DAY_MS),
      keep("being-launched"),
    ],
    [
      "is kept when all is taken down",
      { machine: machine({ state: "planned" }), isShuttingDown: true },
      heard(),
      keep("being-launched"),
    ],
  ])("%s", (_name, input, time, want) => {
    expect(decide(input, time)).toEqual(want);
  });
});

describe("a provisioning machine", () => {
  const booting = { machine: unheardMachine(), heardAtMs: null };
  it.each<Row>([
    ["one ms before the boot deadline", booting, heard(BOOT_MS - 1), keep("booting")],
    ["at the boot deadline", booting, heard(BOOT_MS), retire("boot-deadline")],
    [
      "past the boot deadline, and we were deaf until a moment ago",
      booting,
      deafUntil(HOUR_MS - BOOT_MS + 1, HOUR_MS),
      keep("booting"),
    ],
    [
      "at the boot deadline after we were deaf",
      booting,
      deafUntil(HOUR_MS - BOOT_MS, HOUR_MS),
      retire("boot-deadline"),
    ],
    [
      "planned long ago, started just now",
      { machine: unheardMachine({ createdAtMs: START_MS - HOUR_MS }) },
      heard(SECOND_MS),
      keep("booting"),
    ],
    ["dead by the provider's word", { ...booting, providerState: "dead" }, heard(), retire("machine-dead")],
    ["gone by the provider's word", { ...booting, providerState: "gone" }, heard(), retire("machine-dead")],
    ["not listed proves nothing", { ...booting, providerState: null }, heard(), keep("booting")],
    [
      "its agent reports and makes itself ready, one ms before the boot deadline",
      { machine: unheardMachine({ isAgentSeen: true, report: report({ phase: "preparing" }), sequence: 9 }) },
      heard(BOOT_MS - 1),
      keep("booting"),
    ],
    [
      "its agent reports and does not get ready by the boot deadline",
      { machine: unheardMachine({ isAgentSeen: true, report: report({ phase: "preparing" }), sequence: 9 }) },
      heard(BOOT_MS),
      retire("boot-deadline"),
    ],
    [
      "its agent leaves",
      { machine: unheardMachine({ report: report({ phase: "leaving" }) }) },
      heard(),
      retire("agent-leaving"),
    ],
  ])("%s", (_name, input, time, want) => {
    expect(decide(input, time)).toEqual(want);
  });
});

describe("a parked machine", () => {
  const surplusSince = (ms: number) => ({ surplusSinceMs: START_MS + ms });
  const issued = ticket({ state: "issued" });
  const usedUp = { machine: machine({ ticketsGiven: 1 }) };
  const preparing = { machine: machine({ report: report({ phase: "preparing" }) }), notReadySinceMs: START_MS };
  it.each<Row>([
    ["is kept warm", {}, heard(), keep("kept-warm")],
    ["is kept warm at any age", {}, heard(30 * DAY_MS), keep("kept-warm")],
    ["waits for its ticket", { ticket: issued }, heard(), keep("waits-for-ticket")],
    [
      "waits for its ticket, though no job needed it before",
      { ticket: issued, ...surplusSince(0) },
      heard(HOUR_MS),
      keep("waits-for-ticket"),
    ],
    [
      "no job needs it, one ms before the grace ends",
      surplusSince(0),
      heard(SURPLUS_GRACE_MS - 1),
      keep("within-surplus-grace"),
    ],
    ["no job needs it, at the grace's end", surplusSince(0), heard(SURPLUS_GRACE_MS), retire("surplus")],
    [
      "no job needs it, and we were deaf until a moment ago",
      surplusSince(0),
      deafUntil(HOUR_MS, HOUR_MS),
      keep("within-surplus-grace"),
    ],
    ["has run what it may", { machine: machine({ ticketsGiven: 1 }) }, heard(), retire("used-up")],
    [
      "has run what it may, and was given a ticket before the settings changed",
      { machine: machine({ ticketsGiven: 1 }), ticket: issued },
      heard(),
      retire("used-up"),
    ],
    [
      "was marked to retire when spent",
      { machine: machine({ retireWhenSpent: "operator-forced" }) },
      heard(),
      retire("operator-forced"),
    ],
    [
      "its agent leaves",
      { machine: machine({ report: report({ phase: "leaving" }) }) },
      heard(),
      retire("agent-leaving"),
    ],
    ["all is taken down", { isShuttingDown: true }, heard(), retire("shutting-down")],
    [
      "all is taken down, and it waits for its ticket",
      { isShuttingDown: true, ticket: issued },
      heard(),
      keep("waits-for-ticket"),
    ],
    ["dead by the provider's word", { providerState: "dead" }, heard(), retire("machine-dead")],
    ["not listed proves nothing", { providerState: null }, heard(), keep("kept-warm")],
    ["silent for as long as we could have heard", { heardAtMs: null }, heard(), keep("agent-silent")],
    ["silent since a moment", { heardAtMs: START_MS - MINUTE_MS + 1 }, heard(), keep("kept-warm")],
    ["silent for a minute", { heardAtMs: START_MS - MINUTE_MS }, heard(), keep("agent-silent")],
    [
      "unheard, but we could not have heard it either",
      { heardAtMs: null },
      heard(0, { heardSinceMs: START_MS - MINUTE_MS + 1 }),
      keep("kept-warm"),
    ],
    ["silent, and a ticket is ready for it", { heardAtMs: null, ticket: issued }, heard(), keep("agent-silent")],
    [
      "silent, and no job needs it: within the grace",
      { heardAtMs: null, ...surplusSince(0) },
      heard(SURPLUS_GRACE_MS - 1),
      keep("within-surplus-grace"),
    ],
    [
      "silent, and no job needs it: past the grace",
      { heardAtMs: null, ...surplusSince(0) },
      heard(SURPLUS_GRACE_MS),
      retire("surplus"),
    ],
    ["silent, and it has run what it may", { ...usedUp, heardAtMs: null }, heard(), retire("used-up")],
    [
      "parked for a day, and made itself ready again since a moment: its agent was restarted",
      { ...preparing, notReadySinceMs: START_MS + DAY_MS },
      heard(DAY_MS),
      keep("kept-warm"),
    ],
    ["makes itself ready again, one ms before the boot deadline", preparing, heard(BOOT_MS - 1), keep("kept-warm")],
    ["makes itself ready again for as long as a boot may take", preparing, heard(BOOT_MS), retire("boot-deadline")],
    [
      "makes itself ready again, and we were deaf until a moment ago",
      preparing,
      deafUntil(HOUR_MS - BOOT_MS + 1, HOUR_MS),
      keep("kept-warm"),
    ],
  ])("%s", (_name, input, time, want) => {
    expect(decide(input, time)).toEqual(want);
  });

  const leaving = { machine: machine({ report: report({ phase: "leaving" }) }) };
  const marked = { machine: machine({ retireWhenSpent: "operator-forced" }) };
  it.each(["delivered", "online", "running", "handing-back", "unknown"] as const)(
    "whose ticket is %s is kept, whatever else speaks for its end, until the provider says that it is dead",
    (state) => {
      const out = { ticket: ticket({ state }) };
      const reasons = [{}, usedUp, marked, leaving, preparing, { isShuttingDown: true }, surplusSince(0)];
      for (const input of [...reasons, { heardAtMs: null }])
        expect(decide({ ...input, ...out }, heard(HOUR_MS)), JSON.stringify(input)).toEqual(keep("ticket-out"));
      for (const providerState of ["dead", "gone"] as const)
        expect(decide({ ...out, providerState })).toEqual(retire("machine-dead"));
    },
  );

  it.each<readonly [number, number, LifecycleDecision]>([
    [2, 3, keep("kept-warm")],
    [3, 3, retire("used-up")],
    [4, 3, retire("used-up")],
  ])("that was given %d tickets of %d", (ticketsGiven, jobsPerMachine, want) => {
    expect(decide({ machine: machine({ ticketsGiven }) }, heard(), { jobsPerMachine })).toEqual(want);
  });
});

describe("an engaged machine", () => {
  const engaged = machine({ state: "engaged", report: holding(ticketId(), "online") });
  const at = (kind: "delivered" | "online" | "running" | "handing-back" | "unknown") => ({
    machine: engaged,
    ticket: ticket({ state: kind }),
  });
  const silent = { heardAtMs: null };
  it.each<Row>([
    ["its ticket was delivered", at("delivered"), heard(), keep("ticket-out")],
    ["delivered, one ms before the runner is late", at("delivered"), heard(ONLINE_MS - 1), keep("ticket-out")],
    ["delivered, the runner is late", at("delivered"), heard(ONLINE_MS), keep("ticket-out")],
    ["asked for its ticket", at("handing-back"), heard(ONLINE_MS), keep("handing-back")],
    ["online, one ms before it is idle too long", at("online"), heard(IDLE_MS - 1), keep("ticket-out")],
    ["online, idle too long", at("online"), heard(IDLE_MS), keep("waits-for-github")],
    ["online, idle too long, and we were deaf", at("online"), deafUntil(HOUR_MS, HOUR_MS), keep("ticket-out")],
    ["running", at("running"), heard(), keep("runs-job")],
    ["running for a month", at("running"), heard(30 * DAY_MS), keep("runs-job")],
    ["running, and its agent is silent", { ...at("running"), ...silent }, heard(), keep("runs-job")],
    ["its ticket unknown", at("unknown"), heard(), keep("ticket-out")],
    ["its agent is silent", { ...at("online"), ...silent }, heard(30 * DAY_MS), keep("agent-silent")],
    ["its agent's word is old", { ...at("online"), heardAtMs: START_MS }, heard(AGENT_FRESH_MS), keep("agent-silent")],
    [
      "the host cannot be read",
      {
        ...at("online"),
        machine: machine({ state: "engaged", report: report({ sighting: { kind: "unknown", why: "hidepid" } }) }),
      },
      heard(),
      keep("host-unreadable"),
    ],
    [
      "an orphan Worker is seen",
      {
        ...at("online"),
        machine: machine({ state: "engaged", report: report({ sighting: seen({ workerCount: 1 }) }) }),
      },
      heard(),
      keep("runs-job"),
    ],
    [
      "its agent leaves: it ends when the ticket is over",
      { ...at("online"), machine: machine({ state: "engaged", report: report({ phase: "leaving" }) }) },
      heard(),
      keep("ticket-out"),
    ],
    ["all is taken down", { ...at("online"), isShuttingDown: true }, heard(), keep("ticket-out")],
    [
      "it is marked to retire when spent",
      { ...at("online"), machine: { ...engaged, retireWhenSpent: "shutting-down" } },
      heard(),
      keep("ticket-out"),
    ],
    ["not listed proves nothing", { ...at("online"), providerState: null }, heard(), keep("ticket-out")],
    ["dead by the provider's word", { ...at("running"), providerState: "dead" }, heard(), retire("machine-dead")],
    ["gone by the provider's word", { ...at("online"), providerState: "gone" }, heard(), retire("machine-dead")],
  ])("%s", (_name, input, time, want) => {
    expect(decide(input, time)).toEqual(want);
  });
});

describe("a machine on its way out", () => {
  it.each(["retiring", "gone"] as const)("that is %s is left to its ending", (state) => {
    expect(decide({ machine: machine({ state }), isShuttingDown: true, providerState: "dead" }).kind).toBe("keep");
  });
});

it("no machine retires while a ticket is out, but by the provider's word that it is dead", () => {
  let retiredCount = 0;
  always(
    fc.property(fleets, fc.boolean(), fc.nat(2 * HOUR_MS), (fleet, isShuttingDown, afterMs) => {
      for (const [index, one] of fleet.machines.entries()) {
        const out = fleet.tickets.find((other) => other.machineId === one.id && isTicketOut(other)) ?? null;
        const providerState = fleet.providerStates[index] ?? null;
        const heardAtMs = fleet.heardAtMs[index] ?? null;
        const input = {
          machine: one,
          ticket: out,
          heardAtMs,
          providerState,
          isShuttingDown,
          surplusSinceMs: START_MS,
          notReadySinceMs: null,
          tickets: [],
          facts: heardFacts(START_MS + afterMs),
        };
        const decision = decideLifecycle(input, fleet.pool, heard(afterMs));
        if (decision.kind === "retire") retiredCount += 1;
        if (out !== null && decision.kind === "retire") expect(decision.reason).toBe("machine-dead");
        if (decision.kind === "retire" && decision.reason === "machine-dead")
          expect(["dead", "gone"]).toContain(providerState);
      }
    }),
    2_000,
  );
  expect(retiredCount).toBeGreaterThan(1_000);
});

describe("what an attack on this module found", () => {
  // The presumption: where our store has a parked row and a ticket that is out, the ticket decides.
  it("a parked row whose ticket is out does not retire because it was used up", () => {
    const input = { machine: machine({ ticketsGiven: 1 }), ticket: ticket({ state: "unknown" }) };
    expect(decide(input).kind).toBe("keep");
  });
});
