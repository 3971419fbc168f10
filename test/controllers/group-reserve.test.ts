/** What a group rests in its warm pool: whose it is, who is made to wait for it, and what a wait that is over says. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { READING_LAG_MAX_MS } from "../../src/controllers/hold-members/denials.ts";
import { observe } from "../../src/controllers/observe.ts";
import { parseMachineId } from "../../src/domain/ids.ts";
import type { Membership } from "../../src/domain/membership.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { GroupYard, LIMIT_MS, MEMBER, TIMEOUT_MS } from "./group-yard.ts";
import type { Yard } from "./yard.ts";

const PASS_MS = 5 * SECOND_MS;

let site: GroupYard;
let yard: Yard;

beforeEach(async () => {
  site = await GroupYard.open();
  yard = site.yard;
});
afterEach(() => site.close());

describe("a group's reserve", () => {
  const RESERVE: Membership = { place: "reserve", departure: "none" };

  it("is the group's own until it is called into service", async () => {
    await site.comes(RESERVE);
    expect(await site.machine()).toBeUndefined();
  });

  it("is trimmed at once, where nobody can have given the machine a ticket", async () => {
    await site.comes({ place: "reserve", departure: "waits" });
    await yard.pass();
    expect(site.proofs()).toEqual(["never-engaged"]);
  });

  it("is held and not trimmed where nobody can tell what the machine did before", async () => {
    await site.comes({ place: "reserve", departure: "waits" }, false);
    expect(site.proofs()).toEqual([]);
    expect(await site.hold()).toEqual([MEMBER]);
  });

  it("takes back an idle machine, which ends: what a job left there meets no other", async () => {
    await site.parked();
    site.show(RESERVE);
    yard.provider.machines.set(MEMBER, { state: "stopped", machineId: MEMBER });
    await yard.pass();
    expect(site.proofs()).toEqual(["parked"]);
  });

  it("is made to wait for one with a job", async () => {
    await site.withJob();
    site.show(RESERVE);
    await yard.pass();
    expect(await site.hold()).toEqual([MEMBER]);
    expect(site.proofs()).toEqual([]);
  });

  it("is made to wait anew where it calls one back with its job: the hooks of a launch may give up sooner", async () => {
    await site.withJob();
    site.show(RESERVE);
    await yard.pass();
    expect(await site.hold()).toEqual([MEMBER]);
    expect(await site.hold()).toEqual([]);
    site.show({ place: "coming", departure: "none" });
    await yard.pass();
    expect(await site.hold()).toEqual([MEMBER]);
    expect(await site.hold()).toEqual([]);
    expect((await site.facts()).filter((fact) => fact.includes("is made to wait"))).toHaveLength(2);
  });

  it("is made to wait on while the store cannot be read, for those whom it waited for, and for nobody else", async () => {
    await site.withJob();
    site.show(RESERVE);
    await yard.pass();
    await site.withoutStore(async () => expect(await site.hold()).toEqual([]));
    expect(await site.hold()).toEqual([MEMBER]);
    yard.clock.advance(TIMEOUT_MS);
    await site.withoutStore(async () => expect(await site.hold()).toEqual([MEMBER]));
  });

  it.each<[string, Membership]>([
    ["on its way there", { ...RESERVE, isPaused: true }],
    ["on its way back from there", { place: "coming", departure: "none", isPaused: true }],
    ["before its root is replaced", { place: "aside", departure: "none", isPaused: true }],
  ])("is made to wait for one that a hook holds up %s while the store cannot be read", async (_where, membership) => {
    await site.withJob();
    site.show(membership);
    await yard.pass();
    await site.withoutStore(async () => expect(await site.hold()).toEqual([MEMBER]));
  });

  describe("with one at work that waits for nothing there", () => {
    beforeEach(async () => {
      await site.withJob();
      site.group.isWaiting = false;
    });

    const callsIn = async (durationMs: number, membership = RESERVE): Promise<number> => {
      let count = 0;
      for (let passedMs = 0; passedMs < durationMs; passedMs += PASS_MS) {
        yard.clock.advance(PASS_MS);
        site.show(membership);
        await observe(yard.context);
        count += (await site.hold()).length;
      }
      return count;
    };

    it("is asked in each pass while readings may lag, and each half minute after that", async () => {
      expect(await callsIn(READING_LAG_MAX_MS)).toBe(READING_LAG_MAX_MS / PASS_MS);
      expect(await callsIn(10 * MINUTE_MS)).toBe(20);
    });

    it("is asked at once where it is shown at a hook, or somewhere else", async () => {
      await callsIn(5 * MINUTE_MS);
      expect(await callsIn(MINUTE_MS, { ...RESERVE, isPaused: true })).toBe(MINUTE_MS / PASS_MS);
      await callsIn(5 * MINUTE_MS);
      expect(await callsIn(MINUTE_MS, { place: "coming", departure: "none" })).toBe(MINUTE_MS / PASS_MS);
    });

    it("is made to wait as ever once a hook does, and asked anew after that", async () => {
      await callsIn(5 * MINUTE_MS);
      site.group.isWaiting = true;
      await callsIn(MINUTE_MS);
      expect(yard.context.memory.holds.size).toBe(1);
      site.group.isWaiting = false;
      yard.clock.advance(TIMEOUT_MS);
      expect(await callsIn(READING_LAG_MAX_MS)).toBe(READING_LAG_MAX_MS / PASS_MS);
    });

    it("is forgotten where the machine is back in service", async () => {
      await callsIn(MINUTE_MS);
      await callsIn(PASS_MS, { place: "serving", departure: "none" });
      expect(yard.context.memory.denials.size).toBe(0);
    });
  });

  it("is made to wait first for those whom it wants to end", async () => {
    await site.withJob();
    site.show({ place: "coming", departure: "none", isPaused: true });
    const other = parseMachineId("m-other000000001");
    yard.provider.machines.set(other, { state: "running", machineId: other });
    site.show({ place: "reserve", departure: "waits" }, other);
    await observe(yard.context);
    expect(await site.hold()).toEqual([other, MEMBER]);
  });

  it("ends nobody at the limit of a wait that is over", async () => {
    await site.withJob();
    site.show(RESERVE);
    await yard.pass();
    await site.hold();
    site.group.isWaiting = false;
    yard.clock.advance(TIMEOUT_MS / 4);
    await site.hold();
    yard.clock.advance(LIMIT_MS);
    await site.hold();
    expect(await site.toldLimits()).toEqual([]);
    expect(yard.telemetry.gauges.get("holdfast_members_held pool=linux")).toBe(0);
  });

  it("does not make a machine dead that it stops: it may sleep with its job", async () => {
    await site.withJob();
    site.show(RESERVE);
    yard.provider.machines.set(MEMBER, { state: "stopped", machineId: MEMBER });
    await yard.pass();
    yard.clock.advance(HOUR_MS);
    await yard.pass();
    expect(site.proofs()).not.toContain("provider-dead");
  });
});
