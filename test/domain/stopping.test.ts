import { describe, expect, it } from "vitest";
import { InvariantError } from "../../src/domain/invariant.ts";
import type { Machine } from "../../src/domain/machine.ts";
import type { ProviderState } from "../../src/domain/observed.ts";
import {
  decideStopping,
  LATE_CALL_MS,
  STOP_DEADLINE_MS,
  STOP_PATIENCE_MS,
  type StoppingInput,
  type StoppingStep,
  startedByItself,
} from "../../src/domain/stopping.ts";
import { SECOND_MS } from "../../src/domain/units.ts";
import {
  epoch,
  heard,
  incarnation,
  machine,
  machineState,
  observed,
  report,
  seen,
  ticket,
  ticketId,
} from "./builders.ts";

/** Its agent has said since the compare-and-set that it holds nothing. */
const proven = machine({ state: machineState("stopping"), sequence: 4 });

function decide(changes: Partial<StoppingInput> = {}): StoppingStep {
  const calm = { machine: proven, tickets: [], observed: null, askedAgoMs: null, unansweredAgoMs: null, isHeard: true };
  return decideStopping({ ...calm, epoch: epoch(), time: heard(SECOND_MS), ...changes });
}

const ROWS: readonly (readonly [name: string, changes: Partial<StoppingInput>, want: StoppingStep])[] = [
  ["its host holds nothing", {}, { kind: "stop" }],
  [
    "its host has said nothing since",
    { machine: { ...proven, sequence: 0 } },
    { kind: "wait", missing: ["awaits-report"] },
  ],
  ["what its host said is from before this process", { isHeard: false }, { kind: "wait", missing: ["awaits-report"] }],
  [
    "its host sees a listener",
    { machine: { ...proven, report: report({ sighting: seen({ hasListener: true }) }) } },
    { kind: "wait", missing: ["sees-processes"] },
  ],
  ["a ticket may be out", { tickets: [ticket({ state: "online" })] }, { kind: "wait", missing: ["ticket-not-over"] }],
  ["a ticket never left us", { tickets: [ticket({ state: "issued" })] }, { kind: "void-ticket", ticketId: ticketId() }],
  ["it was just asked for", { askedAgoMs: STOP_PATIENCE_MS - 1 }, { kind: "wait", missing: ["stopping"] }],
  ["it did not take", { askedAgoMs: STOP_PATIENCE_MS }, { kind: "stop" }],
  ["the provider says that it is stopped", { observed: observed("stopped") }, { kind: "confirm-stopped" }],
  [
    "the provider says that it runs",
    { observed: observed("running"), askedAgoMs: 0 },
    { kind: "wait", missing: ["stopping"] },
  ],
  ["its deadline is past", { time: heard(STOP_DEADLINE_MS) }, { kind: "give-up" }],
  [
    "it is stopped, and a call of which nobody knows may still come and stop it after its next start",
    { observed: observed("stopped"), unansweredAgoMs: LATE_CALL_MS - 1 },
    { kind: "wait", missing: ["stopping"] },
  ],
  [
    "it is stopped, and no such call can come any more",
    { observed: observed("stopped"), unansweredAgoMs: LATE_CALL_MS },
    { kind: "confirm-stopped" },
  ],
  [
    "it is stopped after its deadline",
    { time: heard(STOP_DEADLINE_MS), observed: observed("stopped") },
    { kind: "confirm-stopped" },
  ],
];

describe("the next step of a machine that is to wait stopped, where", () => {
  it.each(ROWS)("%s", (_name, changes, want) => {
    expect(decide(changes)).toEqual(want);
  });

  it("it is in another state: none", () => {
    expect(() => decide({ machine: machine() })).toThrow(InvariantError);
  });
});

describe("a machine that waits stopped was started by somebody else", () => {
  const stopped: Machine = { ...machine({ state: machineState("stopped") }), incarnation: null };
  const starting: Machine = { ...stopped, state: { ...machineState("stopped"), isStarting: true } as Machine["state"] };

  it.each<readonly [string, Machine, ProviderState | null, boolean]>([
    ["its agent checked in", { ...stopped, incarnation: incarnation(2) }, null, true],
    ["the provider says that it runs", stopped, "running", true],
    ["the provider says that it starts", stopped, "starting", true],
    ["the provider says that it is stopped", stopped, "stopped", false],
    ["the provider does not know it", stopped, "not-found", false],
    ["it could not be read", stopped, null, false],
    ["we start it", starting, "running", false],
    ["it is parked", machine(), "running", false],
  ])("%s", (_name, row, state, want) => {
    expect(startedByItself(row, state === null ? null : observed(state))).toBe(want);
  });
});
