import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvariantError } from "../../src/domain/invariant.ts";
import {
  canStageMove,
  countsAsMachine,
  hasTicketsLeft,
  type Machine,
  type MachineEvent,
  type MachineState,
  moveMachine,
  providerIdOf,
  RETIRING_STAGES,
} from "../../src/domain/machine.ts";
import { SECOND_MS } from "../../src/domain/units.ts";
import { incarnation, machine, machineState, providerId, report, retiring, START_MS, ticketId } from "./builders.ts";
import { always } from "./property.ts";

const NOW_MS = START_MS + SECOND_MS;

const STATES: Readonly<Record<string, MachineState>> = {
  planned: machineState("planned"),
  provisioning: machineState("provisioning"),
  parked: machineState("parked"),
  stopping: { ...machineState("stopping"), heardSequence: 3 } as MachineState,
  stopped: { ...machineState("stopped"), heardSequence: 3 } as MachineState,
  "stopped, starting": { ...machineState("stopped"), heardSequence: 3, isStarting: true } as MachineState,
  engaged: machineState("engaged"),
  "retiring, proving": retiring({ stage: "proving", heardSequence: 3 }),
  "retiring, deregistering": retiring({ stage: "deregistering", heardSequence: 3 }),
  "retiring, terminating": retiring({ stage: "terminating", heardSequence: 3 }),
  "retiring, confirming": retiring({ stage: "confirming", heardSequence: 3 }),
  gone: machineState("gone"),
};

const EVENTS: Readonly<Record<string, MachineEvent>> = {
  launched: { kind: "launched", providerId: providerId() },
  "never-launched": { kind: "never-launched" },
  parked: { kind: "parked" },
  engaged: { kind: "engaged", ticketId: ticketId(2) },
  stopping: { kind: "stopping" },
  stopped: { kind: "stopped" },
  "start-wanted": { kind: "start-wanted" },
  "start-refused": { kind: "start-refused" },
  started: { kind: "started" },
  retired: { kind: "retired", reason: "surplus" },
  "stage proving": { kind: "stage", stage: "proving" },
  "stage deregistering": { kind: "stage", stage: "deregistering" },
  "stage terminating": { kind: "stage", stage: "terminating" },
  "stage confirming": { kind: "stage", stage: "confirming" },
  "confirmed-gone": { kind: "confirmed-gone" },
};

/** What a row takes that knew less than the truth. */
const MENDING: Readonly<Record<string, MachineEvent>> = {
  presumed: { kind: "presumed", ticketId: ticketId(2) },
  resumed: { kind: "resumed", ticketId: ticketId(2) },
};
const ALL_EVENTS = { ...EVENTS, ...MENDING };

const provided = { providerId: providerId(), sinceMs: NOW_MS };
const proving = retiring({ stage: "proving", heardSequence: 7, sinceMs: NOW_MS });
const stage = (name: "deregistering" | "terminating" | "confirming") =>
  retiring({ stage: name, heardSequence: 3, sinceMs: NOW_MS });
const gone: MachineState = { kind: "gone", ...provided, reason: "surplus" };
const presumed: MachineState = { kind: "engaged", ...provided, ticketId: ticketId(2) };

/** What is drawn: state, event, the state after it. Every other pair throws. */
const DRAWN: readonly (readonly [from: string, event: string, to: MachineState])[] = [
  ["planned", "launched", { kind: "provisioning", ...provided }],
  ["planned", "never-launched", { kind: "gone", providerId: null, reason: "never-launched", sinceMs: NOW_MS }],
  ["provisioning", "parked", { kind: "parked", ...provided }],
  ["provisioning", "retired", proving],
  ["parked", "engaged", { kind: "engaged", ...provided, ticketId: ticketId(2) }],
  ["parked", "retired", proving],
  ["parked", "stopping", { kind: "stopping", ...provided, heardSequence: 7 }],
  ["stopping", "stopped", { kind: "stopped", ...provided, heardSequence: 3, isStarting: false }],
  ["stopping", "retired", proving],
  ["stopped", "start-wanted", { kind: "stopped", ...provided, heardSequence: 3, isStarting: true }],
  ["stopped", "started", { kind: "provisioning", ...provided }],
  ["stopped", "retired", proving],
  ["stopped, starting", "start-refused", { kind: "stopped", ...provided, heardSequence: 3, isStarting: false }],
  ["stopped, starting", "started", { kind: "provisioning", ...provided }],
  ["stopped, starting", "retired", proving],
  ["engaged", "parked", { kind: "parked", ...provided }],
  ["engaged", "retired", proving],
  ["retiring, proving", "stage deregistering", stage("deregistering")],
  ["retiring, proving", "stage terminating", stage("terminating")],
  ["retiring, proving", "stage confirming", stage("confirming")],
  ["retiring, proving", "confirmed-gone", gone],
  ["retiring, deregistering", "stage terminating", stage("terminating")],
  ["retiring, deregistering", "stage confirming", stage("confirming")],
  ["retiring, deregistering", "confirmed-gone", gone],
  ["retiring, terminating", "stage confirming", stage("confirming")],
  ["retiring, terminating", "confirmed-gone", gone],
  ["retiring, confirming", "stage terminating", stage("terminating")],
  ["retiring, confirming", "confirmed-gone", gone],
  ["provisioning", "presumed", presumed],
  ["parked", "presumed", presumed],
  ["stopping", "presumed", presumed],
  ["stopped", "presumed", presumed],
  ["stopped, starting", "presumed", presumed],
  ["engaged", "presumed", presumed],
  ["retiring, proving", "presumed", presumed],
  ["retiring, deregistering", "presumed", presumed],
  ["retiring, terminating", "presumed", presumed],
  ["retiring, confirming", "presumed", presumed],
  ["gone", "presumed", presumed],
  ["retiring, proving", "resumed", presumed],
];

const pairs = Object.keys(STATES).flatMap((from) => Object.keys(ALL_EVENTS).map((event) => [from, event] as const));
const notDrawn = pairs.filter(([from, event]) => !DRAWN.some((row) => row[0] === from && row[1] === event));

function inState(name: string): Machine {
  return machine({ state: STATES[name]!, sequence: 7, version: 4, ticketsGiven: 2 });
}

describe("moveMachine", () => {
  it.each(DRAWN)("%s takes %s", (from, event, to) => {
    const before = inState(from);
    const ticketsGiven = event === "engaged" ? 3 : 2;
    // Whoever spoke as it speaks no more once it is stopped.
    const voice = event === "stopped" ? { incarnation: null } : {};
    // It goes on for as long as its ticket, and then for the reason that it went before.
    const goes = event === "resumed" ? { retireWhenSpent: "surplus" } : {};
    const after = { ...before, ...voice, ...goes, state: to, version: 5, ticketsGiven };
    expect(moveMachine(before, ALL_EVENTS[event]!, NOW_MS)).toEqual(after);
  });

  it.each(notDrawn)("%s does not take %s", (from, event) => {
    expect(() => moveMachine(inState(from), ALL_EVENTS[event]!, NOW_MS)).toThrow(InvariantError);
  });

  it("forgets what was said before it was stopped once it is started, and keeps what a new agent says", () => {
    const stopped = { ...inState("stopped, starting"), incarnation: null, report: report() };
    expect(moveMachine(stopped, { kind: "started" }, NOW_MS)).toMatchObject({ sequence: 0, report: null });
    const heardAnew = { ...stopped, incarnation: incarnation(2) };
    expect(moveMachine(heardAnew, { kind: "started" }, NOW_MS)).toMatchObject({ sequence: 7, report: report() });
  });

  it("looks at every pair of a state and an event", () => {
    expect(DRAWN.length + notDrawn.length).toBe(Object.keys(STATES).length * Object.keys(ALL_EVENTS).length);
  });
});

describe("random walks", () => {
  const walk = fc.array(fc.constantFrom(...Object.values(EVENTS)), { maxLength: 60 });

  it("keep the version one ahead of each move, count every engagement, and never leave gone", () => {
    let goneCount = 0;
    always(
      fc.property(walk, (events) => {
        let row = machine({ state: "planned", version: 1 });
        let engagedCount = 0;
        for (const event of events) {
          const next = triedMove(row, event);
          if (next === null) continue;
          if (event.kind === "engaged") engagedCount += 1;
          expect(row.state.kind).not.toBe("gone");
          expect(next).toMatchObject({ version: row.version + 1, ticketsGiven: engagedCount, id: row.id });
          if (row.state.kind === "retiring") expect(["retiring", "gone"]).toContain(next.state.kind);
          if (next.state.kind === "gone") expect(["planned", "retiring"]).toContain(row.state.kind);
          row = next;
        }
        if (row.state.kind === "gone") goneCount += 1;
      }),
      1_000,
    );
    expect(goneCount).toBeGreaterThan(100);
  });

  it("keep the sequence at which it began to retire, through all stages", () => {
    always(
      fc.property(fc.array(fc.constantFrom(...RETIRING_STAGES), { maxLength: 12 }), (stages) => {
        let row = moveMachine(machine({ sequence: 9 }), { kind: "retired", reason: "surplus" }, NOW_MS);
        for (const stage of stages) row = triedMove({ ...row, sequence: 20 }, { kind: "stage", stage }) ?? row;
        expect(row.state).toMatchObject({ kind: "retiring", heardSequence: 9, reason: "surplus" });
      }),
      200,
    );
  });
});

describe("canStageMove", () => {
  const moves = RETIRING_STAGES.flatMap((from) =>
    RETIRING_STAGES.filter((to) => canStageMove(from, to)).map((to) => `${from} -> ${to}`),
  );

  it("goes forward, from confirming back to terminating, and never back to where no permit was needed", () => {
    expect(moves).toEqual([
      "proving -> deregistering",
      "proving -> terminating",
      "proving -> confirming",
      "deregistering -> terminating",
      "deregistering -> confirming",
      "terminating -> confirming",
      "confirming -> terminating",
    ]);
  });
});

describe("what a state means", () => {
  it.each(Object.entries(STATES))("%s: counts against machines.max unless it is gone", (_name, state) => {
    expect(countsAsMachine(machine({ state }))).toBe(state.kind !== "gone");
  });

  it.each(Object.entries(STATES))("%s: has the provider's id unless nothing was started yet", (_name, state) => {
    expect(providerIdOf(machine({ state }))).toBe(state.kind === "planned" ? null : providerId());
  });

  it.each<readonly [string, number, number, boolean]>([
    ["none given of one", 0, 1, true],
    ["one given of one", 1, 1, false],
    ["two given of three", 2, 3, true],
    ["more given than settings allow by now", 3, 1, false],
  ])("tickets left in its life: %s", (_name, ticketsGiven, jobsPerMachine, want) => {
    expect(hasTicketsLeft(machine({ ticketsGiven }), jobsPerMachine)).toBe(want);
  });
});

function triedMove(row: Machine, event: MachineEvent): Machine | null {
  try {
    return moveMachine(row, event, NOW_MS);
  } catch (error) {
    if (!(error instanceof InvariantError)) throw error;
    return null;
  }
}
