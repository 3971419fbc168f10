/** The contract's table of evidence, row by row: who may say busy, who may say idle, and with what weight. */
import { describe, expect, it } from "vitest";
import { missingForEnding } from "../../src/domain/permit.ts";
import { type KnownJob, missingForHostLost, type SlowQuestion } from "../../src/domain/slow-proofs.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { judgeMachine } from "../../src/domain/verdict.ts";
import {
  epoch,
  heard,
  heardFacts,
  holding,
  jobId,
  machine,
  observed,
  report,
  retiring,
  START_MS,
  seen,
  ticket,
  ticketId,
} from "./builders.ts";

const NOW_MS = START_MS + DAY_MS;
const running = ticket({ state: "running" });
const calm = { ticket: null, heardAtMs: START_MS, providerState: "running" } as const;
const AWAY = { awaySinceMs: START_MS, readAtMs: NOW_MS, wasConnected: true };
const OVER: KnownJob = { id: jobId(), terminalSinceMs: START_MS, changedAtMs: START_MS };

/** A host that has been silent for a day, with GitHub's word about its runner and its jobs. */
function silent(changes: { reading?: typeof AWAY; jobs?: readonly KnownJob[] }) {
  const { reading = AWAY, jobs = [OVER] } = changes;
  const question: SlowQuestion = {
    machine: machine({ state: "engaged" }),
    tickets: [running],
    facts: { ...heardFacts(START_MS), readings: new Map([[ticketId(), reading]]), jobs: new Map([[ticketId(), jobs]]) },
    deadlines: { lostHostMs: 20 * MINUTE_MS, unknownMs: 6 * HOUR_MS },
    time: heard(DAY_MS),
  };
  return missingForHostLost(question);
}

describe("evidence and verdict", () => {
  it("agent: a Worker or a held ticket says busy, a runner that ended says idle; decides while fresh", () => {
    const busy = machine({ state: "engaged", report: holding(ticketId(), "running") });
    expect(judgeMachine({ ...calm, machine: busy, ticket: running }, heard()).kind).toBe("busy");
    const orphan = machine({ report: report({ sighting: seen({ workerCount: 1 }) }) });
    expect(judgeMachine({ ...calm, machine: orphan }, heard()).kind).toBe("busy");
    expect(judgeMachine({ ...calm, machine: machine() }, heard())).toEqual({ kind: "idle", proof: "parked" });
    expect(judgeMachine({ ...calm, machine: machine() }, heard(HOUR_MS)).kind).toBe("unknown");
  });

  it("our store: a ticket that may be out says busy, none ever or all over says idle; decides", () => {
    for (const state of ["delivered", "online", "unknown", "handing-back"] as const)
      expect(judgeMachine({ ...calm, machine: machine(), ticket: ticket({ state }) }, heard()).kind).not.toBe("idle");
    expect(judgeMachine({ ...calm, machine: machine({ state: "planned" }) }, heard()).kind).toBe("idle");
  });

  it("GitHub's words that say busy: a job in progress, a runner online or busy; busy until the host disagrees", () => {
    expect(silent({ jobs: [{ ...OVER, terminalSinceMs: null }] })).toEqual(["job-not-terminal"]);
    expect(silent({ reading: { ...AWAY, awaySinceMs: null as never } })).toEqual(["github-says-online"]);
  });

  it("GitHub's words that say idle: completed, not busy, deleted, absent, offline; never more than a reason to ask", () => {
    const row = machine({ state: retiring(), sequence: 4, report: holding(ticketId(), "running"), ticketsGiven: 1 });
    const gone = { ...running, registration: "gone" as const };
    const rows = { kind: "end-machine", machine: row, tickets: [gone], epoch: epoch(), time: heard(DAY_MS) } as const;
    expect(missingForEnding({ ...rows, proof: { kind: "parked" } })).toContain("ticket-not-over");
    const facts = {
      ...heardFacts(NOW_MS),
      readings: new Map([[ticketId(), AWAY]]),
      jobs: new Map([[ticketId(), [OVER]]]),
    };
    const deadlines = { lostHostMs: 20 * MINUTE_MS, unknownMs: 6 * HOUR_MS };
    for (const kind of ["host-lost", "job-terminal"] as const)
      expect(missingForEnding({ ...rows, proof: { kind, facts, deadlines } })).not.toEqual([]);
  });

  it("an agent's refused check-in or report: somebody is there", () => {
    const tried = machine({ state: "provisioning", isAgentSeen: true });
    expect(judgeMachine({ ...calm, machine: tried }, heard()).kind).not.toBe("idle");
  });

  it("provider: dead is a proof, alive is not", () => {
    const engaged = machine({ state: "engaged" });
    expect(judgeMachine({ ...calm, machine: engaged, ticket: running, providerState: "dead" }, heard())).toEqual({
      kind: "idle",
      proof: "provider-dead",
    });
    const rows = { kind: "end-machine", machine: machine({ state: retiring() }), tickets: [], epoch: epoch() } as const;
    const alive = { kind: "provider-dead", observed: observed("running") } as const;
    expect(missingForEnding({ ...rows, proof: alive, time: heard() })).toEqual(["not-dead"]);
  });
});
