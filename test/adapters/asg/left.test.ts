/** Launches of a group that the pool has left: nothing more is asked for, and what was asked for before is not left behind. */
import { beforeEach, describe, expect, it } from "vitest";
import type { AsgProvider } from "../../../src/adapters/asg/provider.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/units.ts";
import type { LaunchedMachine, LaunchRequest, LaunchTenure } from "../../../src/ports/provider.ts";
import { newLaunch } from "../ec2/stage.ts";
import { asked, boundIds, drafted } from "./launching.ts";
import { idOf, OWNER, type Stage, stage } from "./stage.ts";

const OURS = { "holdfast:controller": OWNER.controllerId, "holdfast:pool": OWNER.pool };
const ANOTHER_POOLS = { ...OURS, "holdfast:pool": "its-new-pool" };
/** For which a reading may be without what another process set. */
const LAG_MS = 2 * MINUTE_MS;

let made: Stage;
let request: LaunchRequest;
let left: AsgProvider;

/** A launch of three, which a process before this one may have raised the group for. */
beforeEach(async () => {
  made = stage({}, { machineCountMax: 5 });
  made.group.size = { min: 0, max: 40, desired: 0 };
  request = await drafted(made.provider, newLaunch(3));
  left = made.restarted({ isLeft: true });
});

const underEpoch = (epoch: number): LaunchTenure => ({ epoch, others: [], leftMs: () => HOUR_MS });
const launch = (): Promise<readonly LaunchedMachine[]> => left.launch(request, underEpoch(2));
const refused = () => launch().catch(({ message }: Error) => message);

/** As the process before set it. */
function wants(desired: number): void {
  if (made.group.size !== null) made.group.size.desired = desired;
}

function comes(number: number, tags: Readonly<Record<string, string>> = {}, ec2: string | null = "running"): void {
  const { group, clock } = made;
  group.add(number, { lifecycle: "InService", launchedAtMs: clock.nowMs(), tags: { ...tags }, ec2 });
}

describe("a launch of a group that was left", () => {
  it("raises nothing, and is answered with nobody once readings show that nobody is on the way", async () => {
    const { group, clock } = made;
    expect(await refused()).toContain("0 of 3 machines have come");
    clock.pass(LAG_MS);
    expect(await launch()).toEqual([]);
    expect(asked(group)).toEqual([]);
    expect(left.orders?.readObstacles()).toEqual([]);
  });

  it("is neither drafted nor made, where it was not drafted before: nothing is asked of the group", async () => {
    const { group } = made;
    group.sent.length = 0;
    const undrafted = newLaunch(2);
    expect(await left.orders?.draft(undrafted)).toBeNull();
    expect(await left.launch(undrafted, underEpoch(2))).toEqual([]);
    expect(group.sent).toEqual([]);
  });

  it("is answered with who comes of it late, and the next listing shows them as the pool's", async () => {
    wants(3);
    expect(await refused()).toContain("0 of 3 machines have come");
    made.clock.pass(LAG_MS);
    expect(await refused()).toContain("0 of 3 machines have come");
    for (const number of [1, 2, 3]) comes(number);
    expect(boundIds(await launch())).toEqual([idOf(1), idOf(2), idOf(3)]);
    expect(made.group.members.get(idOf(1))?.tags).toEqual(OURS);
    expect((await left.list("all")).map(({ providerId }) => providerId)).toEqual([idOf(1), idOf(2), idOf(3)]);
    expect(asked(made.group)).toEqual([]);
  });

  it("is answered with who has come, where it is over by a number that a person lowered", async () => {
    wants(3);
    comes(1);
    await refused();
    made.clock.pass(LAG_MS);
    wants(1);
    expect(boundIds(await launch())).toEqual([idOf(1)]);
  });

  it("waits for the rest though the group says why it started no more: nobody would take them", async () => {
    const { group, clock } = made;
    wants(3);
    comes(1);
    const StatusMessage = "We do not have sufficient capacity";
    group.activities = [{ StatusCode: "Failed", StartTime: new Date(clock.nowMs()), StatusMessage }];
    expect(await refused()).toMatch(
      /1 of 3 machines have come: We do not have sufficient capacity; .*--desired-capacity 1`/,
    );
    clock.pass(LAG_MS);
    for (const number of [2, 3]) comes(number);
    expect(await launch()).toHaveLength(3);
  });

  it("waits for one that EC2 does not show yet, which nobody could mark", async () => {
    wants(1);
    comes(1, {}, null);
    await refused();
    made.clock.pass(LAG_MS);
    expect(await refused()).toContain("0 of 3 machines have come");
    comes(1);
    expect(boundIds(await launch())).toEqual([idOf(1)]);
  });

  it("is given up where its group is not there any more", async () => {
    made.group.size = null;
    await refused();
    made.clock.pass(10 * MINUTE_MS);
    expect(await launch()).toEqual([]);
  });
});

describe("of those who come to a group that was left, a launch takes", () => {
  it.each([
    ["all that it was raised for", 3, [{}, {}, {}], [1, 2, 3]],
    ["nobody without marks, where there are more than it can have set", 3, [{}, {}, {}, {}, {}], []],
    ["only who carries the pool's marks, where the number is higher than it can have set", 4, [{}, OURS, {}], [2]],
    ["nobody who carries another pool's marks", 3, [ANOTHER_POOLS, {}, OURS], [2, 3]],
    ["nobody who carries another controller's marks", 3, [{ "holdfast:controller": "another" }, {}], [2]],
  ])("%s", async (_what, desired, comers, want) => {
    await refused();
    made.clock.pass(LAG_MS);
    wants(desired);
    for (const [index, tags] of comers.entries()) comes(index + 1, tags);
    made.clock.pass(8 * MINUTE_MS);
    expect(boundIds(await launch())).toEqual(want.map(idOf));
  });

  it.each([
    ["no more than it is for, where others were started in place of those before", [{}, {}, {}, {}, {}], [1, 2, 3]],
    ["those first who carry the pool's marks", [{}, {}, OURS, OURS, {}], [1, 3, 4]],
  ])("%s", async (_what, comers, want) => {
    const { group, restarted } = made;
    wants(2);
    for (const number of [8, 9]) comes(number, OURS);
    request = await drafted(restarted(), newLaunch(3));
    for (const number of [8, 9]) group.members.delete(idOf(number));
    wants(5);
    for (const [index, tags] of comers.entries()) comes(index + 1, tags);
    expect(boundIds(await launch())).toEqual(want.map(idOf));
    const isPools = ({ tags }: { tags: object }) => Object.keys(tags).length > 0;
    expect([...group.members].filter(([, one]) => isPools(one)).map(([id]) => id)).toEqual(want.map(idOf));
  });
});

describe("what a group that was left still owes", () => {
  async function told(): Promise<readonly string[]> {
    await left.list("all");
    return left.orders?.readObstacles() ?? [];
  }

  it("is told with the command that takes it back, for as long as it is so", async () => {
    wants(5);
    comes(1, OURS);
    comes(2, OURS);
    expect(await told()).toEqual([
      expect.stringContaining(
        "it is to have 5 instances and has 2: whom it starts once no launch waits for them is nobody's; unless somebody else sizes it, and while it has no more than 2, take that back with `aws autoscaling set-desired-capacity --region eu-central-1 --auto-scaling-group-name runners --desired-capacity 2`",
      ),
    ]);
    wants(2);
    expect(await told()).toEqual([]);
  });

  it("is told by the launch's own reading, with AWS's reason, where the launch is given up", async () => {
    const { group, clock } = made;
    wants(3);
    await told();
    comes(1);
    const StatusMessage = "We do not have sufficient capacity";
    group.activities = [{ StatusCode: "Failed", StartTime: new Date(clock.nowMs()), StatusMessage }];
    clock.pass(10 * MINUTE_MS);
    expect(await launch()).toHaveLength(1);
    expect(left.orders?.readObstacles()).toEqual([
      expect.stringMatching(/has 1: .*--desired-capacity 1`; it could not yet: We do not have sufficient capacity$/),
    ]);
  });

  it("is at its minimum nobody's to take back", async () => {
    if (made.group.size !== null) made.group.size.min = 2;
    wants(4);
    expect(await told()).toEqual([expect.stringContaining("--desired-capacity 2`")]);
    wants(2);
    expect(await told()).toEqual([]);
  });

  it("is told neither of a group that the pool names, nor where the pool only observed", async () => {
    wants(5);
    for (const more of [{}, { isLeft: true, isObserving: true }]) {
      const provider = made.restarted(more);
      await provider.list("all");
      expect(provider.orders?.readObstacles()).toEqual([]);
    }
  });
});
