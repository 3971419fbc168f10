/** Whom nothing of ours would end once it is idle: it is held for a job that it took from us, and for nothing else. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { observe } from "../../src/controllers/observe.ts";
import { poolName } from "../domain/builders.ts";
import { GroupYard, MEMBER, SERVING, TIMEOUT_MS, WAITS } from "./group-yard.ts";
import type { Yard } from "./yard.ts";

let site: GroupYard;
let yard: Yard;
beforeEach(async () => {
  site = await GroupYard.open();
  yard = site.yard;
});
afterEach(() => site.close());

describe("a machine that its group wants to end, in a pool that only observes,", () => {
  const observes = () => Object.assign(yard.context, { pool: { ...yard.context.pool, mode: "observe" } });

  it("is held by nobody where it is none of ours", async () => {
    observes();
    await site.comes(WAITS);
    expect(await site.hold()).toEqual([]);
    await site.withoutStore(async () => expect(await site.hold()).toEqual([]));
  });

  it("is held for a job that it took while the pool ran, until that is over", async () => {
    const { agent, ticketId } = await site.withJob();
    observes();
    site.show(WAITS);
    await yard.pass();
    expect(await site.hold()).toEqual([MEMBER]);
    yard.clock.advance(TIMEOUT_MS);
    await site.withoutStore(async () => expect(await site.hold()).toEqual([MEMBER]));
    await agent.report({ phase: "preparing", ended: [{ id: ticketId, end: { kind: "spent" } }] });
    await yard.pass();
    yard.clock.advance(TIMEOUT_MS);
    expect(await site.hold()).toEqual([]);
  });

  it("is held by nobody where it was adopted and never spoke: it is others' runner", async () => {
    await site.comes(SERVING, false);
    expect((await site.machine())?.state.kind).toBe("engaged");
    observes();
    site.show(WAITS);
    await observe(yard.context);
    expect(await site.hold()).toEqual([]);
  });

  it("is held for a job that it took though it retires", async () => {
    await site.withJob();
    await site.moveTo({ kind: "retired", reason: "host-lost" });
    observes();
    site.show(WAITS);
    await observe(yard.context);
    expect(await site.hold()).toEqual([MEMBER]);
  });
});

describe("one with a row of another pool, from whose group it was moved,", () => {
  const moved = () => Object.assign(yard.context, { pool: { ...yard.context.pool, name: poolName("next") } });

  it("is held for its job", async () => {
    await site.withJob();
    site.remember(WAITS);
    moved();
    expect(await site.hold()).toEqual([MEMBER]);
  });

  it("is held by nobody once that is over: nothing of ours would let it go", async () => {
    await site.parked();
    site.remember(WAITS);
    moved();
    expect(await site.hold()).toEqual([]);
  });
});
