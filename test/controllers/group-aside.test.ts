/** A machine of a group that a person takes out of service while it boots, to look into it: it is left alone until it is back. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Membership } from "../../src/domain/membership.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { GroupYard, MEMBER, SERVING, WAITS } from "./group-yard.ts";
import type { Yard } from "./yard.ts";

const ASIDE: Membership = { place: "aside", departure: "none" };

let site: GroupYard;
let yard: Yard;
let bootMs: number;

beforeEach(async () => {
  site = await GroupYard.open();
  yard = site.yard;
  bootMs = yard.context.pool.deadlines.bootMs;
  await site.otherWithAgent();
  await site.comes();
  site.show(ASIDE);
  await yard.pass();
});
afterEach(() => site.close());

const isShown = async () => [(await site.machine())?.state.kind, site.proofs()];

describe("a machine out of service while it boots", () => {
  beforeEach(async () => {
    yard.clock.advance(2 * bootMs);
    await yard.pass();
  });

  it("is left alone past its boot deadline, with that reason", async () => {
    expect(await isShown()).toEqual(["provisioning", []]);
    expect(await site.reason()).toBe("out-of-service");
  });

  it("has its boot deadline from when it is back, and ends by it", async () => {
    site.show(SERVING);
    await yard.pass();
    yard.clock.advance(bootMs - MINUTE_MS);
    await yard.pass();
    expect(await isShown()).toEqual(["provisioning", []]);
    yard.clock.advance(MINUTE_MS);
    await yard.pass();
    expect(site.proofs()).toEqual(["never-engaged"]);
  });

  it("takes jobs once it is back, where its agent has come up meanwhile", async () => {
    const agent = yard.agent(MEMBER);
    await agent.checkIn();
    await agent.report();
    await yard.pass();
    expect(await isShown()).toEqual(["provisioning", []]);
    site.show(SERVING);
    await yard.pass();
    expect((await site.machine())?.state.kind).toBe("parked");
  });

  it("ends where its group ends it", async () => {
    site.show({ ...ASIDE, departure: "waits" });
    await yard.pass();
    expect(site.proofs()).toEqual(["never-engaged"]);
  });

  it("ends where its group ends it from service again", async () => {
    site.show(WAITS);
    await yard.pass();
    expect(site.proofs()).toEqual(["never-engaged"]);
  });

  it("ends where it leaves its group", async () => {
    site.show(null);
    await yard.pass();
    expect(site.proofs()).toEqual(["never-engaged"]);
  });

  it("is gone where it dies", async () => {
    yard.provider.machines.set(MEMBER, { state: "dead", machineId: MEMBER });
    await yard.pass();
    expect(site.proofs()).toEqual(["provider-dead"]);
  });

  it("ends where everything is taken down", async () => {
    Object.assign(yard.context, { isShuttingDown: () => true });
    await yard.pass();
    expect(site.proofs()).toEqual(["never-engaged"]);
  });

  it("ends where its pool leaves the configuration", async () => {
    Object.assign(yard.context, { pool: { ...yard.context.pool, mode: "departed" } });
    await yard.pass();
    expect(site.proofs()).toEqual(["never-engaged"]);
  });
});
