/** For how long a hook waits where people change that while members wait, which AWS does not say. */
import { describe, expect, it } from "vitest";
import { UNKNOWN_HEARTBEAT_MS } from "../../../src/adapters/asg/hook-terms.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { throwing } from "../ec2/fake-client.ts";
import { endsSince, idOf, noAction, type Stage, stage } from "./stage.ts";

const PERIOD_MS = 5 * SECOND_MS;

const say = ({ group }: Stage, heartbeatSeconds: number) => {
  group.hooks = [{ name: "drain", heartbeatSeconds }];
};

/** The group begins to end it now, and says so. */
async function departs({ group, provider, clock }: Stage, number: number): Promise<void> {
  const id = group.add(number, { lifecycle: "Terminating:Wait" });
  group.activities.push(endsSince(id, clock.nowMs()));
  await provider.list("all");
}

async function waiting(heartbeatSeconds: number): Promise<Stage> {
  const made = stage();
  say(made, heartbeatSeconds);
  await departs(made, 1);
  return made;
}

const heldFor = async ({ provider }: Stage, number = 1) => (await provider.group?.hold(idOf(number)))?.forMs;
const readingCount = ({ group }: Stage) => group.inputs("DescribeLifecycleHooks").length;

describe("a hook whose timeout is changed while a member waits", () => {
  it("counts for it by the least that it said meanwhile", async () => {
    const made = await waiting(300);
    expect(await heldFor(made)).toBe(300 * SECOND_MS);
    for (const [saidSeconds, countsSeconds] of [
      [7_200, 300],
      [60, 60],
      [3_600, 60],
    ] as const) {
      say(made, saidSeconds);
      made.clock.pass(MINUTE_MS);
      expect(await heldFor(made)).toBe(countsSeconds * SECOND_MS);
    }
  });

  it("counts for the global limit too", async () => {
    const made = await waiting(300);
    const before = await made.provider.group?.hold(idOf(1));
    say(made, 7_200);
    made.clock.pass(MINUTE_MS);
    expect((await made.provider.group?.hold(idOf(1)))?.untilMs).toBe(before?.untilMs);
  });

  it("counts by what it says now for one that waits since then", async () => {
    const made = await waiting(300);
    await heldFor(made);
    say(made, 7_200);
    for (let count = 0; count < 2; count += 1) {
      made.clock.pass(PERIOD_MS);
      await heldFor(made);
    }
    made.clock.pass(PERIOD_MS);
    await departs(made, 2);
    made.clock.pass(MINUTE_MS);
    expect(await heldFor(made, 2)).toBe(7_200 * SECOND_MS);
    expect(await heldFor(made)).toBe(300 * SECOND_MS);
  });

  it("counts by what it said before for one that began to wait before it was read again", async () => {
    const made = await waiting(30);
    await heldFor(made);
    made.clock.pass(PERIOD_MS);
    await departs(made, 2);
    say(made, 7_200);
    made.clock.pass(SECOND_MS);
    expect(await heldFor(made, 2)).toBe(30 * SECOND_MS);
  });
});

describe("a wait that nobody here saw begin", () => {
  it("counts as no longer than a timeout that people would choose, for as long as it lasts", async () => {
    const made = await waiting(7_200);
    made.clock.pass(20 * MINUTE_MS);
    const provider = made.restarted();
    await provider.list("all");
    for (let count = 0; count < 3; count += 1) {
      expect((await provider.group?.hold(idOf(1)))?.forMs).toBe(UNKNOWN_HEARTBEAT_MS);
      made.clock.pass(HOUR_MS);
    }
  });

  it("counts by its hook once the group says that it began a moment ago", async () => {
    const made = stage();
    say(made, 7_200);
    const id = made.group.add(1, { lifecycle: "Terminating:Wait" });
    await made.provider.list("all");
    made.clock.pass(SECOND_MS);
    expect(await heldFor(made)).toBe(UNKNOWN_HEARTBEAT_MS);
    made.group.activities = [endsSince(id)];
    made.clock.pass(MINUTE_MS);
    expect(await heldFor(made)).toBe(7_200 * SECOND_MS);
  });

  it("counts not by a reading a moment after it began: somebody may have raised the timeout in between", async () => {
    const made = stage();
    say(made, 300);
    const id = made.group.add(1, { lifecycle: "Terminating:Wait" });
    made.group.activities = [endsSince(id)];
    made.clock.pass(3 * SECOND_MS);
    say(made, 7_200);
    made.clock.pass(4 * SECOND_MS);
    await made.provider.list("all");
    expect(await heldFor(made)).toBe(UNKNOWN_HEARTBEAT_MS);
  });

  it("counts by its hook where that is shorter", async () => {
    const made = await waiting(60);
    made.clock.pass(20 * MINUTE_MS);
    expect(await heldFor(made)).toBe(MINUTE_MS);
  });
});

describe("while nobody waits", () => {
  const listFor = async ({ provider, clock }: Stage, durationMs: number) => {
    for (let passedMs = 0; passedMs < durationMs; passedMs += PERIOD_MS) {
      await provider.list("all");
      clock.pass(PERIOD_MS);
    }
  };

  it("the hooks are read about once a minute, with a listing", async () => {
    const made = stage();
    await listFor(made, 10 * MINUTE_MS);
    expect(readingCount(made)).toBe(12);
  });

  it("they are not read by one that only observes, which holds nobody", async () => {
    const made = stage({}, { isObserving: true });
    await listFor(made, 10 * MINUTE_MS);
    expect(readingCount(made)).toBe(0);
  });

  it("no listing waits for them, and none fails because they cannot be read", async () => {
    const made = stage();
    made.group.answers.DescribeLifecycleHooks = throwing("AccessDenied");
    await listFor(made, MINUTE_MS);
    made.group.answers.DescribeLifecycleHooks = () => new Promise<never>(() => {});
    await listFor(made, 10 * MINUTE_MS);
    expect(readingCount(made)).toBe(3);
  });

  it.each([5, 30, 45, 50, 55])("what they say is known to whoever waits %i s after a reading", async (afterSeconds) => {
    const made = stage();
    say(made, 7_200);
    await listFor(made, 3 * MINUTE_MS);
    made.clock.pass(afterSeconds * SECOND_MS - PERIOD_MS);
    await departs(made, 1);
    expect(await heldFor(made)).toBe(7_200 * SECOND_MS);
  });

  it.each([60, 300, 900])(
    "a timeout of %i s that is raised a moment after a wait began counts on for it",
    async (before) => {
      const made = stage();
      say(made, before);
      await listFor(made, 3 * MINUTE_MS);
      const id = made.group.add(1, { lifecycle: "Terminating:Wait" });
      made.group.activities.push(endsSince(id, made.clock.nowMs()));
      made.clock.pass(3 * SECOND_MS);
      say(made, 7_200);
      made.clock.pass(4 * SECOND_MS);
      await made.provider.list("all");
      expect(await heldFor(made)).toBe(before * SECOND_MS);
    },
  );
});

describe("the edition of a group's hooks", () => {
  it("is another one once somebody has changed them, and the same else", async () => {
    const made = await waiting(300);
    const edition = async () => made.provider.group?.readHookEdition();
    const first = await edition();
    made.clock.pass(PERIOD_MS);
    expect(await edition()).toBe(first);
    say(made, 30);
    made.clock.pass(PERIOD_MS);
    expect(await edition()).not.toBe(first);
  });

  it("takes one call in five seconds, however many are held, and one a minute where that fails", async () => {
    const made = await waiting(300);
    for (let number = 2; number <= 10; number += 1) await departs(made, number);
    const holdAll = () => Promise.all(Array.from({ length: 10 }, (_, index) => heldFor(made, index + 1)));
    await holdAll();
    await made.provider.group?.readHookEdition();
    expect(readingCount(made)).toBe(1);
    made.clock.pass(PERIOD_MS);
    await holdAll();
    expect(readingCount(made)).toBe(2);
    made.group.answers.DescribeLifecycleHooks = throwing("Throttling");
    for (let passedMs = 0; passedMs < MINUTE_MS; passedMs += PERIOD_MS) {
      made.clock.pass(PERIOD_MS);
      await made.provider.group?.readHookEdition();
    }
    expect(readingCount(made)).toBe(3);
  });

  it("is told where they could never be read", async () => {
    const made = await waiting(300);
    made.group.answers.DescribeLifecycleHooks = throwing("Throttling");
    expect(await made.provider.group?.readHookEdition()).toEqual(expect.any(String));
  });
});

/** What AWS could mean by a changed timeout: that of each wait's beginning counts, or what the hook says at each word. */
type Meaning = "as its wait began" | "as its hook says";

/** A hook that gives up by one of the two. */
function lapsing({ group, clock }: Stage, meaning: Meaning, beforeSeconds: number, saidSeconds: () => number): void {
  const lapsesAtMs = new Map<string, number>();
  const firstMs = clock.monotonicMs() + beforeSeconds * SECOND_MS;
  group.answers.RecordLifecycleActionHeartbeat = ({ InstanceId }) => {
    if (clock.monotonicMs() > (lapsesAtMs.get(InstanceId) ?? firstMs)) throw noAction(InstanceId);
    const seconds = meaning === "as its wait began" ? beforeSeconds : saidSeconds();
    lapsesAtMs.set(InstanceId, clock.monotonicMs() + seconds * SECOND_MS);
    return {};
  };
}

it.each<[number, number, Meaning]>([
  [300, 7_200, "as its wait began"],
  [300, 7_200, "as its hook says"],
  [7_200, 300, "as its wait began"],
  [7_200, 30, "as its hook says"],
  [30, 7_200, "as its wait began"],
  [300, 30, "as its hook says"],
])(
  "busy members wait on where the timeout goes from %i s to %i s, and it counts %s",
  async (before, after, meaning) => {
    const made = await waiting(before);
    await departs(made, 2);
    const { clock, provider } = made;
    let seconds = before;
    lapsing(made, meaning, before, () => seconds);
    // As the controller does: at a quarter of what the last hold said, and anew where the hooks were changed.
    const held = new Map<number, { readonly atMs: number; readonly forMs: number; readonly edition: unknown }>();
    for (let pass = 0; pass < (2 * HOUR_MS) / PERIOD_MS; pass += 1) {
      const edition = await provider.group?.readHookEdition();
      for (const number of [1, 2]) {
        const last = held.get(number);
        const atMs = clock.monotonicMs();
        if (last !== undefined && last.edition === edition && atMs - last.atMs < last.forMs / 4) continue;
        const hold = await provider.group?.hold(idOf(number));
        expect(hold).not.toBeNull();
        held.set(number, { atMs, forMs: hold?.forMs ?? 0, edition });
        // Between the words to the two of them, after what was read.
        if (pass >= 60 / 5) seconds = after;
      }
      say(made, seconds);
      clock.pass(PERIOD_MS);
    }
  },
);
