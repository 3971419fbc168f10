/** For how long a group can be made to wait, what is told of it, and whose an end at the limit is. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DENIALS_MAX } from "../../src/controllers/hold-members/held-up.ts";
import { formatInstant } from "../../src/domain/instant.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { GroupYard, LIMIT_MS, MEMBER, SERVING, TIMEOUT_MS, WAITS } from "./group-yard.ts";
import { OperatorAtYard } from "./operator.ts";
import type { Yard } from "./yard.ts";

let site: GroupYard;
let yard: Yard;

beforeEach(async () => {
  site = await GroupYard.open();
  yard = site.yard;
});
afterEach(() => site.close());

describe("the limit of what can be held", () => {
  async function heldFor(ms: number): Promise<void> {
    await site.withJob();
    site.show(WAITS);
    await yard.pass();
    await site.hold();
    yard.clock.advance(ms);
    await site.hold();
  }

  it("is told once, at four fifths of it", async () => {
    await heldFor(0.8 * LIMIT_MS - 1);
    expect(await site.toldLimits()).toEqual([]);
    yard.clock.advance(1);
    await site.hold();
    await site.hold();
    expect(await site.toldLimits()).toHaveLength(1);
    await yard.pass();
    expect(await site.reason()).toBe("group-goes-on-soon");
  });

  it("ends nobody, and nothing is told, where the group keeps the machine running after it", async () => {
    site.group.isRetained = true;
    await heldFor(LIMIT_MS - MINUTE_MS);
    await yard.pass();
    expect(await site.toldLimits()).toEqual([]);
    expect(await site.reason()).toBe("group-waits");
    expect(yard.telemetry.gauges.get("holdfast_members_held pool=linux")).toBe(1);
    expect(yard.telemetry.gauges.get("holdfast_members_held_near_limit pool=linux")).toBe(0);
  });

  it("is told again where the wait began before anybody here saw it, and that is known only now", async () => {
    await heldFor(0);
    const began = { sinceMs: yard.clock.nowMs() - 40 * HOUR_MS, untilMs: yard.clock.nowMs() + 8 * HOUR_MS };
    site.group.hold = async () => ({ forMs: TIMEOUT_MS, ...began });
    yard.clock.advance(TIMEOUT_MS);
    await site.hold();
    yard.clock.advance(TIMEOUT_MS);
    await site.hold();
    const waits = (await site.facts()).filter((fact) => fact.includes("is made to wait"));
    expect(waits).toHaveLength(2);
    expect(waits.filter((fact) => fact.includes(`until ${formatInstant(began.untilMs)} at the latest`))).toHaveLength(
      1,
    );
  });

  it("makes an end of the group's a forced one, recorded as such", async () => {
    await heldFor(LIMIT_MS);
    yard.provider.machines.clear();
    await yard.pass();
    expect((await site.machine())?.state.kind).toBe("gone");
    expect(site.counted("holdfast_forced_endings_total")).toBe(1);
    expect(await site.facts()).toContain("ended by its group, forced: its hook's global limit of 48 h was past");
  });

  it("is remembered while the group goes on, and no longer counted as held", async () => {
    await heldFor(LIMIT_MS - MINUTE_MS);
    expect(yard.telemetry.gauges.get("holdfast_members_held_near_limit pool=linux")).toBe(1);
    site.show({ place: "serving", departure: "under-way" });
    site.group.isWaiting = false;
    yard.clock.advance(MINUTE_MS);
    await yard.pass();
    for (let pass = 0; pass < DENIALS_MAX; pass += 1) expect(await site.hold()).toEqual([MEMBER]);
    expect(await site.hold()).toEqual([]);
    expect(yard.telemetry.gauges.get("holdfast_members_held_near_limit pool=linux")).toBe(0);
    expect(await site.reason()).toBe("group-goes-on");
    yard.provider.machines.set(MEMBER, { state: "dead", machineId: MEMBER });
    await yard.pass();
    await site.hold();
    yard.provider.machines.clear();
    await yard.pass();
    expect(site.counted("holdfast_forced_endings_total")).toBe(1);
  });

  it("is remembered where the group had gone on before a listing showed it", async () => {
    await heldFor(LIMIT_MS - TIMEOUT_MS);
    site.group.isWaiting = false;
    yard.clock.advance(TIMEOUT_MS);
    expect(await site.hold()).toEqual([MEMBER]);
    yard.provider.machines.clear();
    await yard.pass();
    expect(site.counted("holdfast_forced_endings_total")).toBe(1);
  });

  it("has nothing to do with an end by an operator's force, a moment before it", async () => {
    await heldFor(LIMIT_MS - MINUTE_MS);
    await new OperatorAtYard(yard).say("terminate", { subject: MEMBER, force: true, reason: "it hangs" });
    await yard.pass();
    expect((await site.machine())?.state.kind).toBe("gone");
    const forced = yard.telemetry.counts.filter((one) => one.startsWith("holdfast_forced_endings_total"));
    expect(forced).toEqual(["holdfast_forced_endings_total pool=linux cause=operator"]);
    expect((await site.facts()).filter((fact) => fact.startsWith("ended by its group"))).toEqual([]);
  });

  it("is forgotten of one that came back", async () => {
    await heldFor(LIMIT_MS);
    site.show(SERVING);
    site.group.isWaiting = false;
    yard.clock.advance(TIMEOUT_MS);
    await yard.pass();
    for (let pass = 0; pass <= DENIALS_MAX; pass += 1) await site.hold();
    expect(yard.context.memory.holds.size).toBe(0);
  });

  it("has nothing to do with an end before it", async () => {
    await heldFor(HOUR_MS);
    yard.provider.machines.clear();
    await yard.pass();
    expect((await site.machine())?.state.kind).toBe("gone");
    expect(site.counted("holdfast_forced_endings_total")).toBe(0);
  });
});
