import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { SECOND_MS } from "../../src/domain/units.ts";
import { listDecisions } from "../../src/store/evidence/decisions.ts";
import { jobSubject } from "../../src/store/subjects.ts";
import { connectionName } from "../domain/builders.ts";
import { GroupYard } from "./group-yard.ts";
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
