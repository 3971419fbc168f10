/** Endings by the proofs that time brings: their stages, their guard, and the way back to work. */
import { describe, expect, it } from "vitest";
import { moveMachine } from "../../src/domain/machine.ts";
import { issuePermit, type MachineProof } from "../../src/domain/permit.ts";
import type { RetireReason } from "../../src/domain/reasons.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { epoch, heard, heardFacts, jobId, machine, pool, retiring, START_MS, ticket, ticketId } from "./builders.ts";
import { at, decide, playToTheEnd, stage, waits } from "./ending-scene.ts";

const NOW_MS = START_MS + DAY_MS;
const running = ticket({ state: "running" });
const lost = machine({ state: retiring({ reason: "host-lost" }), ticketsGiven: 1 });
const silent = {
  heardAtMs: NOW_MS - HOUR_MS,
  stirredAtMs: NOW_MS - HOUR_MS,
  readings: new Map([[ticketId(), { awaySinceMs: NOW_MS - HOUR_MS, readAtMs: NOW_MS, wasConnected: true }]]),
  jobs: new Map([[ticketId(), [{ id: jobId(), terminalSinceMs: NOW_MS - HOUR_MS, changedAtMs: NOW_MS - HOUR_MS }]]]),
};
const ask = (overrides: Parameters<typeof decide>[0]) =>
  decide({ machine: lost, tickets: [running], facts: silent, ...overrides }, DAY_MS);

describe("host-lost, in its stages", () => {
  it("goes straight to terminate: its registration stays until the machine is gone", () => {
    expect(ask({})).toEqual(stage("terminating"));
    expect(ask({ machine: at(lost, "terminating") })).toMatchObject({
      kind: "terminate",
      proof: { kind: "host-lost" },
    });
  });

  it("waits behind a guard, in each stage before the call", () => {
    expect(ask({ guard: "too-many-endings" })).toEqual(waits("too-many-endings"));
    const late = { machine: at(lost, "terminating"), guard: "listing-not-whole" } as const;
    expect(ask(late)).toEqual(waits("listing-not-whole"));
  });

  it("no guard stands against a proof that the host or the provider speaks for", () => {
    const scene = {
      machine: machine({ state: retiring(), sequence: 4 }),
      tickets: [],
      guard: "listing-empty",
    } as const;
    expect(playToTheEnd(scene)).toContain("terminate by parked");
  });
});

describe("a host that speaks while it retires", () => {
  const spoke = { facts: heardFacts(NOW_MS) };

  it.each<RetireReason>(["host-lost", "job-terminal", "limit-past"])("goes on where it retired as %s", (reason) => {
    const row = machine({ state: retiring({ reason }), ticketsGiven: 1 });
    expect(ask({ ...spoke, machine: row })).toEqual({ kind: "resume", ticketId: ticketId() });
  });

  it("waits where a permit may have been issued, and where somebody else wants it gone", () => {
    expect(ask({ ...spoke, machine: at(lost, "terminating") }).kind).toBe("wait");
    const other = machine({ state: retiring({ reason: "surplus" }), ticketsGiven: 1 });
    expect(ask({ ...spoke, machine: other }).kind).toBe("wait");
  });

  it("is engaged again, to retire once its ticket is over, and never after a permit", () => {
    const resumed = moveMachine(lost, { kind: "resumed", ticketId: ticketId() }, NOW_MS);
    expect(resumed).toMatchObject({ state: { kind: "engaged", ticketId: ticketId() }, retireWhenSpent: "host-lost" });
    for (const name of ["deregistering", "terminating", "confirming"] as const)
      expect(() => moveMachine(at(lost, name), { kind: "resumed", ticketId: ticketId() }, NOW_MS)).toThrow(
        "does not take",
      );
  });
});

describe("the permit of a slow proof", () => {
  const { deadlines } = pool();
  const request = {
    kind: "end-machine",
    machine: lost,
    tickets: [running],
    epoch: epoch(),
    time: heard(DAY_MS),
  } as const;
  const permitFor = (proof: MachineProof) => issuePermit({ ...request, proof });

  it("names its proof; a limit that is past is forced", () => {
    const hour = { facts: silent, deadlines };
    expect(permitFor({ kind: "host-lost", ...hour })).toMatchObject({ permit: { proof: "host-lost" } });
    expect(permitFor({ kind: "overdue", limit: "works-on", ...hour })).toMatchObject({ permit: { proof: "forced" } });
  });

  it("is refused with what is missing, and to a machine that does not retire", () => {
    const spoke = { ...silent, stirredAtMs: NOW_MS - MINUTE_MS };
    expect(permitFor({ kind: "host-lost", facts: spoke, deadlines })).toEqual({
      kind: "refused",
      missing: ["host-not-silent"],
    });
    const engaged = { ...request, machine: machine({ state: "engaged" }) };
    expect(issuePermit({ ...engaged, proof: { kind: "host-lost", facts: silent, deadlines } })).toEqual({
      kind: "refused",
      missing: ["not-retiring"],
    });
  });
});
