/** A process that takes over what another asked of the group, while the group's readings do not show it yet. */
import { describe, expect, it } from "vitest";
import { READING_LAG_MS } from "../../../src/adapters/asg/desired.ts";
import { GroupMemory } from "../../../src/adapters/asg/group-memory.ts";
import { ABANDONED_AFTER_MS } from "../../../src/adapters/asg/open-launches.ts";
import type { AsgProvider } from "../../../src/adapters/asg/provider.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import type { DraftedLaunch, LaunchRequest, LaunchTenure } from "../../../src/ports/provider.ts";
import { throwing } from "../ec2/fake-client.ts";
import { newLaunch } from "../ec2/stage.ts";
import { asked } from "./launching.ts";
import { type FakeGroup, GROUP, idOf, stage } from "./stage.ts";

type Stage = ReturnType<typeof stage>;

const HELD_BACK = { code: "provider-unavailable", message: expect.stringContaining("another process may have set") };

function tenureOf(others: readonly LaunchRequest[], epoch = 1): LaunchTenure {
  const known = others.map(({ launchId, order }): DraftedLaunch => ({ launchId, order: order ?? "" }));
  return { epoch, others: known, leftMs: () => HOUR_MS };
}

async function draft(provider: AsgProvider, request: LaunchRequest, tenure: LaunchTenure): Promise<LaunchRequest> {
  return { ...request, order: (await provider.orders?.draft(request, tenure)) ?? null };
}

/** The group does as it is told at once, and its readings show it. */
function obeying({ group, clock }: Pick<Stage, "group" | "clock">, firstNumber = 1): void {
  group.answers = {
    SetDesiredCapacity: ({ DesiredCapacity }) => {
      if (group.size !== null) group.size.desired = DesiredCapacity;
      for (let number = firstNumber; group.members.size < DesiredCapacity; number += 1)
        if (!group.members.has(idOf(number))) group.add(number, { lifecycle: "Pending", launchedAtMs: clock.nowMs() });
      return {};
    },
  };
}

/** From now on readings show an empty group. */
function showOld(group: FakeGroup): void {
  const old = { AutoScalingGroupName: GROUP, MinSize: 0, MaxSize: 100, DesiredCapacity: 0 };
  group.answers.DescribeAutoScalingGroups = () => ({ AutoScalingGroups: [old] });
}

/** Everybody ends, each with its decrement. */
function empty(group: FakeGroup): void {
  group.members.clear();
  if (group.size !== null) group.size.desired = 0;
}

/** A process that launched three, and the next one, which reads the group as it was before. */
async function takenOver() {
  const made = stage();
  const { group, provider, restarted } = made;
  if (group.size !== null) group.size.max = 100;
  obeying(made);
  const first = await draft(provider, newLaunch(3), tenureOf([]));
  await provider.launch(first, tenureOf([]));
  showOld(group);
  return { ...made, first, provider: restarted() };
}

/** What the launch sets the desired capacity to, or why it was held back. */
async function numbersOf(
  { group, provider }: Pick<Stage, "group" | "provider">,
  count: number,
  tenure: LaunchTenure,
): Promise<unknown> {
  const priorCount = asked(group).length;
  const request = await draft(provider, newLaunch(count), tenure);
  const failure = await provider.launch(request, tenure).catch((error: unknown) => error);
  const numbers = [...new Set(asked(group).slice(priorCount))];
  return numbers.length > 0 ? numbers : failure;
}

describe("what another process may have set the desired capacity to", () => {
  it("is not gone below, whatever a reading shows", async () => {
    const made = await takenOver();
    expect(await numbersOf(made, 1, tenureOf([made.first], 2))).toMatchObject(HELD_BACK);
  });

  it("is raised from as soon as a reading shows it", async () => {
    const made = await takenOver();
    obeying(made);
    expect(await numbersOf(made, 1, tenureOf([made.first], 2))).toEqual([4]);
  });

  it("holds nobody up who asks for as much, or for more", async () => {
    const made = await takenOver();
    expect(await numbersOf(made, 3, tenureOf([made.first], 2))).toEqual([3]);
  });

  it("is never raised to: those that it was for have ended, perhaps, and readings are current after two minutes", async () => {
    const made = await takenOver();
    const { group, clock, first } = made;
    const tenure = tenureOf([first], 2);
    empty(group);
    obeying(made, 10);
    const request = await draft(made.provider, newLaunch(1), tenure);
    await expect(made.provider.launch(request, tenure)).rejects.toMatchObject(HELD_BACK);
    clock.pass(READING_LAG_MS);
    const priorCount = asked(group).length;
    await made.provider.launch(request, tenure);
    expect(asked(group).slice(priorCount)).toEqual([1]);
  });

  it("counts once in a process, however long it stays among those of late", async () => {
    const made = await takenOver();
    const { group, clock, first, provider } = made;
    const tenure = tenureOf([first], 2);
    const second = await draft(provider, newLaunch(1), tenure);
    clock.pass(READING_LAG_MS);
    empty(group);
    obeying(made, 10);
    await provider.launch(second, tenure);
    for (const round of [2, 3, 4]) {
      empty(group);
      obeying(made, 10 * round);
      expect(await numbersOf(made, 1, tenure)).toEqual([1]);
      clock.pass(MINUTE_MS);
    }
  });

  it("counts anew where the pool was another's meanwhile, and what was drafted here may have been carried out there", async () => {
    const made = await takenOver();
    const { group, provider, restarted, first } = made;
    obeying(made);
    const own = await draft(provider, newLaunch(1), tenureOf([first], 2));
    await restarted().launch(own, tenureOf([first], 3));
    expect(group.size?.desired).toBe(4);
    showOld(group);
    made.clock.pass(READING_LAG_MS);
    await expect(provider.launch(own, tenureOf([first], 4))).rejects.toMatchObject(HELD_BACK);
    expect(await numbersOf(made, 3, tenureOf([first, own], 5))).toMatchObject(HELD_BACK);
  });

  it("counts anew where that process may have gone on with it", async () => {
    const made = await takenOver();
    const { clock, provider, first } = made;
    await draft(provider, newLaunch(1), tenureOf([first], 2));
    clock.pass(READING_LAG_MS);
    expect(await numbersOf(made, 1, tenureOf([first], 4))).toMatchObject(HELD_BACK);
  });

  it("is known over two processes, the second of which drafted by an old reading", async () => {
    const made = await takenOver();
    const { provider, first, restarted } = made;
    const next = await draft(provider, newLaunch(1), tenureOf([first], 2));
    obeying(made);
    await provider.launch(next, tenureOf([first], 2));
    showOld(made.group);
    made.clock.pass(MINUTE_MS);
    expect(await numbersOf({ ...made, provider: restarted() }, 3, tenureOf([next], 3))).toMatchObject(HELD_BACK);
  });

  it("does not grow where the pool goes to and fro and everybody ends in between", async () => {
    const made = stage();
    const others: LaunchRequest[] = [];
    for (let round = 1; round <= 8; round += 1) {
      empty(made.group);
      obeying(made, 100 * round);
      const provider = made.restarted();
      const tenure = tenureOf(others, round);
      const request = await draft(provider, newLaunch(1), tenure);
      await provider.launch(request, tenure);
      others.push(request);
      made.clock.pass(MINUTE_MS);
    }
    expect(asked(made.group)).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  });

  it.each<readonly [string, (target: object) => object | undefined]>([
    ["another group", (target) => ({ ...target, group: "others" })],
    ["a group of that name elsewhere", (target) => ({ ...target, region: "eu-north-1" })],
    ["an older version", () => undefined],
  ])("says nothing where it is of %s", async (_what, change) => {
    const made = await takenOver();
    const order = JSON.parse(made.first.order ?? "");
    const other = { ...made.first, order: JSON.stringify({ ...order, target: change(order.target) }) };
    expect(await numbersOf(made, 1, tenureOf([other], 2))).toEqual([1]);
  });

  it("is unknown of what another kind drafted in its own words", async () => {
    const made = await takenOver();
    expect(await numbersOf(made, 1, tenureOf([{ ...made.first, order: "null" }], 2))).toEqual([1]);
  });

  it("is shown by every reading where it was drafted long ago", async () => {
    const made = await takenOver();
    made.clock.pass(HOUR_MS);
    expect(await numbersOf(made, 1, tenureOf([made.first], 2))).toEqual([1]);
  });
});

describe("a launch that another process drafted", () => {
  it("sets no less than that may have, and no less than any other may", async () => {
    const made = stage();
    const { group, provider, restarted } = made;
    const older = await draft(provider, newLaunch(1), tenureOf([]));
    await provider.launch(older, tenureOf([])).catch(() => undefined);
    const second = restarted();
    const newer = await draft(second, newLaunch(3), tenureOf([older], 2));
    await second.launch(newer, tenureOf([older], 2)).catch(() => undefined);
    expect(asked(group).at(-1)).toBe(3);
    showOld(group);
    await expect(restarted().launch(older, tenureOf([newer], 3))).rejects.toMatchObject(HELD_BACK);
  });

  it("sets no less than that may have for it, though a member has left since", async () => {
    const { group, provider, restarted } = stage();
    for (const number of [1, 2]) group.add(number);
    group.size = { min: 0, max: 10, desired: 2 };
    const request = await draft(provider, newLaunch(3), tenureOf([]));
    group.answers.SetDesiredCapacity = () => ({});
    await provider.launch(request, tenureOf([])).catch(() => undefined);
    group.members.delete(idOf(1));
    await expect(restarted().launch(request, tenureOf([], 2))).rejects.toMatchObject(HELD_BACK);
    expect(new Set(asked(group))).toEqual(new Set([5]));
  });

  it("sets no less than this process has for another", async () => {
    const made = stage();
    const { group, provider, restarted } = made;
    group.answers.SetDesiredCapacity = throwing("Throttling");
    const waiting = await draft(provider, newLaunch(1), tenureOf([]));
    await provider.launch(waiting, tenureOf([])).catch(() => undefined);
    const priorCount = asked(group).length;
    const later = restarted();
    const next = await draft(later, newLaunch(3), tenureOf([waiting], 2));
    obeying(made);
    await later.launch(next, tenureOf([waiting], 2));
    showOld(group);
    await later.launch(waiting, tenureOf([next], 2)).catch(() => undefined);
    expect(new Set(asked(group).slice(priorCount))).toEqual(new Set([3]));
  });

  it("asks for nothing where that was long ago, and holds up nobody after it", async () => {
    const made = stage();
    const { provider, clock, restarted } = made;
    const old = await draft(provider, newLaunch(3), tenureOf([]));
    clock.pass(ABANDONED_AFTER_MS);
    const later = restarted();
    expect(await later.launch(old, tenureOf([], 2))).toEqual([]);
    obeying(made);
    expect(await numbersOf({ ...made, provider: later }, 1, tenureOf([old], 2))).toEqual([1]);
  });
});

describe("settings of one pool that name the same group", () => {
  it("know of each other's launches, as one process does", async () => {
    const made = stage();
    const { group, clock } = made;
    const memory = new GroupMemory(clock);
    const [former, current] = [made.restarted({ memory }), made.restarted({ memory })];
    const older = await draft(former, newLaunch(1), tenureOf([]));
    await expect(draft(current, newLaunch(3), tenureOf([older]))).rejects.toThrow("is still about launch");
    obeying(made);
    await former.launch(older, tenureOf([]));
    await current.launch(await draft(current, newLaunch(2), tenureOf([older])), tenureOf([older]));
    showOld(group);
    expect(await numbersOf({ group, provider: former }, 1, tenureOf([]))).toEqual([3]);
  });
});

describe("a raise", () => {
  it("is not made where another process may hold the pool by the time of its answer", async () => {
    const { group, provider } = stage();
    let leftMs = 45 * SECOND_MS;
    const tenure = { ...tenureOf([]), leftMs: () => leftMs };
    const request = await draft(provider, newLaunch(1), tenure);
    leftMs = 14 * SECOND_MS;
    const refusal = {
      code: "provider-unavailable",
      message: expect.stringContaining("another process may hold the pool"),
    };
    await expect(provider.launch(request, tenure)).rejects.toMatchObject(refusal);
    expect(asked(group)).toEqual([]);
  });

  it("that is denied after one that was not leaves the launch open: machines may come for it", async () => {
    const { group, provider } = stage();
    const request = await draft(provider, newLaunch(3), tenureOf([]));
    showOld(group);
    const denied = throwing("AccessDenied");
    group.answers.SetDesiredCapacity = (input, count) => (count > 1 ? denied(input, count) : {});
    await expect(provider.launch(request, tenureOf([]))).rejects.toMatchObject({ code: "provider-unavailable" });
  });

  it("that is denied at once refuses the launch, and not where another process may have made one", async () => {
    const { group, provider, restarted } = stage();
    group.answers.SetDesiredCapacity = throwing("AccessDenied");
    const request = await draft(provider, newLaunch(3), tenureOf([]));
    const taken = restarted();
    await expect(taken.launch(request, tenureOf([], 2))).rejects.toMatchObject({ code: "provider-unavailable" });
    await expect(provider.launch(request, tenureOf([]))).rejects.toMatchObject({ code: "provider-invalid" });
  });
});

it("a process that has the pool again is about no launch that was open before: another may have answered it", async () => {
  const made = stage();
  const { provider } = made;
  await draft(provider, newLaunch(1), tenureOf([]));
  await expect(draft(provider, newLaunch(1), tenureOf([]))).rejects.toThrow("is still about launch");
  expect((await draft(provider, newLaunch(1), tenureOf([], 3))).order).not.toBeNull();
});
