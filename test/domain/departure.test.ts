import { describe, expect, it } from "vitest";
import { type DemandInput, decideDemand } from "../../src/domain/demand.ts";
import { decideScale, launchRoom } from "../../src/domain/scale.ts";
import { heard, job, jobId, machineId, pool, ticket, ticketId } from "./builders.ts";

const departed = pool({ mode: "departed", warmParkedCount: 3 });
const room = { count: 5, limit: "at-max" } as const;

describe("a pool that left the configuration", () => {
  it("has no room for a launch", () => {
    const calm = { machineCount: 0, isListed: true, isPaused: false, isShuttingDown: false, isRunnerEnded: false };
    expect(launchRoom(departed, calm)).toEqual({ count: 0, limit: "pool-left" });
  });

  it("keeps nothing warm", () => {
    expect(
      decideScale(
        { decisions: [], spare: [], unneeded: [], standing: { registeredCount: 0, readyCount: 0 } },
        room,
        departed,
      ).launchCount,
    ).toBe(0);
  });

  it("gives its jobs nothing, and voids what has not left us, their own tickets too", () => {
    const waiting = { job: job(), ticketCount: 0, lastTicketAtMs: null, askedAtMs: null, isAskPaused: false };
    const states = ["minting", "issued", "delivered", "running"] as const;
    const input: DemandInput = {
      jobs: [waiting],
      tickets: states.map((state, index) => ticket({ id: ticketId(index), machineId: machineId(index), state })),
      unnamedRunning: [],
      machines: [{ id: machineId(9), state: "parked" }],
      mintPauses: new Map(),
      launchRoom: room,
    };
    const plan = decideDemand(input, departed, heard());
    expect(plan.decisions).toEqual([{ kind: "wait", jobId: jobId(), reason: "pool-left" }]);
    expect([...plan.unneeded].sort()).toEqual([ticketId(0), ticketId(1)]);
    expect(plan.spare).toEqual([]);
  });
});
