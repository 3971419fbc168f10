/** Members that ended, and that their group lists on because its hook waits, when nothing else shows them any more. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { observe } from "../../src/controllers/observe.ts";
import type { Machine } from "../../src/domain/machine.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { GroupYard, MEMBER, WAITS } from "./group-yard.ts";
import type { Agent, Yard } from "./yard.ts";

let site: GroupYard;
let yard: Yard;
let agent: Agent;

beforeEach(async () => {
  site = await GroupYard.open();
  yard = site.yard;
  ({ agent } = await site.withJob());
  site.show(WAITS);
  await observe(yard.context);
});
afterEach(() => site.close());

const stateKind = async (): Promise<Machine["state"]["kind"] | undefined> => (await site.machine())?.state.kind;

/** Its provider says that it ended. */
async function ends(): Promise<void> {
  yard.provider.machines.delete(MEMBER);
  await yard.pass();
  expect(await stateKind()).toBe("gone");
}

/** Its provider has not known its id for a while. */
async function isUnknown(): Promise<void> {
  yard.clock.advance(1);
  yard.provider.notFound.add(MEMBER);
  yard.provider.machines.clear();
  await yard.pass();
  yard.clock.advance(5 * MINUTE_MS);
  await yard.pass();
  expect(await stateKind()).toBe("gone");
}

/** Its group lists it, more than an hour later, and whoever remembered its end is another process by now. */
async function isListedAgain(isByGroupAlone = true): Promise<void> {
  yard.clock.advance(HOUR_MS + 10 * MINUTE_MS);
  yard.provider.machines.set(MEMBER, { state: "starting", machineId: MEMBER });
  yard.provider.remarks.set(MEMBER, { membership: WAITS, isByGroupAlone });
  await observe(yard.context);
}

describe("a member of which its provider said that it ended, and that its group alone shows", () => {
  it("is not there again, and not held", async () => {
    await ends();
    await isListedAgain();
    expect(await stateKind()).toBe("gone");
    expect(await site.hold()).toEqual([]);
    expect(site.counted("holdfast_strays_adopted_total")).toBe(0);
  });

  it("is there again where its agent was heard since", async () => {
    await ends();
    await agent.report();
    await isListedAgain();
    expect(await stateKind()).toBe("engaged");
    expect(await site.hold()).toEqual([MEMBER]);
  });

  it("is there again where somebody was refused in its name since", async () => {
    await ends();
    await yard.agent(MEMBER, "incarnation-9").checkIn("a guess");
    await isListedAgain();
    expect(await stateKind()).toBe("engaged");
  });
});

describe("a member whose row is closed", () => {
  it("is there again where its provider shows it", async () => {
    await ends();
    await isListedAgain(false);
    expect(await stateKind()).toBe("engaged");
    expect(await site.hold()).toEqual([MEMBER]);
  });

  it("is there again where its name is shown for another instance", async () => {
    await ends();
    yard.clock.advance(HOUR_MS);
    yard.provider.machines.set("i-another", { state: "starting", machineId: MEMBER });
    yard.provider.remarks.set("i-another", { membership: WAITS, isByGroupAlone: true });
    await observe(yard.context);
    expect(await stateKind()).toBe("engaged");
  });

  it("is there again where it was closed because nobody knew its id", async () => {
    await isUnknown();
    await isListedAgain();
    expect(await stateKind()).toBe("engaged");
    expect(await site.hold()).toEqual([MEMBER]);
  });

  it("is there again where that was so when it was closed last", async () => {
    await ends();
    await isListedAgain(false);
    await isUnknown();
    await isListedAgain();
    expect(await stateKind()).toBe("engaged");
  });

  it("says nothing of one without a row, which its group alone shows", async () => {
    const other = "m-other000000001";
    yard.provider.machines.set(other, { state: "starting", machineId: other as typeof MEMBER });
    yard.provider.remarks.set(other, { membership: WAITS, isByGroupAlone: true });
    await observe(yard.context);
    expect((await site.hold()).toSorted()).toEqual([MEMBER, other].toSorted());
  });
});
