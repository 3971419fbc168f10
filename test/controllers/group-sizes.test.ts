import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { SECOND_MS } from "../../src/domain/units.ts";
import { listDecisions } from "../../src/store/evidence/decisions.ts";
import { loadMachine } from "../../src/store/machines/load.ts";
import { jobSubject } from "../../src/store/subjects.ts";
import { connectionName } from "../domain/builders.ts";
import { GroupYard, OTHER } from "./group-yard.ts";
import type { Yard } from "./yard.ts";

let site: GroupYard;
let yard: Yard;

async function open(pool: Partial<PoolPolicy> = {}): Promise<void> {
  site = await GroupYard.open(pool);
  yard = site.yard;
}

beforeEach(() => open());
afterEach(() => site.close());

describe("the size of a group", () => {
  it("that others decide: nothing is launched, and nothing ends for want of jobs", async () => {
    await site.close();
    await open({ sizing: "external" });
    const jobId = await yard.queue();
    await yard.pass();
    expect(yard.provider.launches).toEqual([]);
    const [waits] = await listDecisions(yard.store.db, jobSubject(connectionName(), jobId), 1);
    expect(waits).toMatchObject({ action: "wait", reason: "group-sized-by-others" });
    const agent = await site.parked();
    expect((await agent.poll()).kind).toBe("ticket");
  });

  it("keeps what others sized though no job needs it", async () => {
    await site.close();
    await open({ sizing: "external" });
    const agent = await site.comes();
    await agent.checkIn();
    for (let minute = 0; minute < 3; minute += 1) {
      await agent.report();
      await yard.pass();
      yard.clock.advance(20 * SECOND_MS);
    }
    expect((await site.machine())?.state.kind).toBe("parked");
  });

  it("that others lowered below the members that it protects: idle ones end by name, no more than are beyond it", async () => {
    await site.close();
    await open({ sizing: "external" });
    site.group.spareCount = 1;
    // It is still there when the next pass looks, and still counted in what the group has too many.
    yard.provider.terminate = async () => {};
    const agents = [await site.otherWithAgent(), await site.parked()];
    for (let count = 0; count < 6; count += 1) {
      for (const agent of agents) await agent.report();
      await yard.pass();
      yard.clock.advance(20 * SECOND_MS);
    }
    const kinds = [await site.machine(), await loadMachine(yard.store.db, OTHER)].map((one) => one?.state.kind);
    expect(kinds.toSorted()).toEqual(["parked", "retiring"]);
  });

  it.each([
    ["is not taken below its minimum", 1, "parked"],
    ["is taken down to it", 0, "gone"],
  ])("%s", async (_what, minimumCount, kind) => {
    site.group.minimumCount = minimumCount;
    const agent = await site.comes();
    await agent.checkIn();
    for (let count = 0; count < 4; count += 1) {
      await agent.report();
      await yard.pass();
      yard.clock.advance(20 * SECOND_MS);
    }
    expect((await site.machine())?.state.kind).toBe(kind);
  });
});
