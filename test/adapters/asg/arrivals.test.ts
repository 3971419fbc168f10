/** Whose coming answers a launch: what the group starts for it, and nobody whom a person puts into the group meanwhile. */
import { describe, expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { throwing } from "../ec2/fake-client.ts";
import { newLaunch } from "../ec2/stage.ts";
import { boundIds, drafted } from "./launching.ts";
import { idOf, stage } from "./stage.ts";

const ANOTHERS = { "holdfast:controller": "another", "holdfast:pool": "linux" };

describe("a machine that comes while a launch is open", () => {
  it("and was there long before is not bound: somebody attached it, with whatever runs there", async () => {
    const { group, provider, clock } = stage();
    const request = await drafted(provider, newLaunch(1));
    group.add(1, { launchedAtMs: clock.nowMs() - HOUR_MS });
    if (group.size !== null) group.size.desired = 1;
    expect(await provider.launch(request)).toEqual([]);
  });

  it("and carries another controller's mark is not bound", async () => {
    const { group, provider, clock } = stage();
    const request = await drafted(provider, newLaunch(1));
    group.add(1, { lifecycle: "Pending", launchedAtMs: clock.nowMs(), tags: ANOTHERS });
    expect(await provider.launch(request)).toEqual([]);
  });

  it("and that EC2 does not show yet is bound: it has just been started", async () => {
    const { group, provider } = stage();
    const request = await drafted(provider, newLaunch(1));
    group.add(1, { lifecycle: "Pending", ec2: null });
    expect(boundIds(await provider.launch(request))).toEqual([idOf(1)]);
  });

  it("and waited in the reserve is bound, also by the process after the one that drafted it", async () => {
    const { group, provider, clock, restarted } = stage();
    group.hasReserve = true;
    group.add(1, { lifecycle: "Warmed:Running", launchedAtMs: clock.nowMs() - HOUR_MS });
    const request = await drafted(provider, newLaunch(1));
    group.add(1, { lifecycle: "Pending:Wait", launchedAtMs: clock.nowMs() - HOUR_MS });
    expect(boundIds(await restarted().launch(request))).toEqual([idOf(1)]);
  });

  it.each([HOUR_MS, -HOUR_MS])("is told by AWS's clock, from which ours is off by %i ms", async (aheadMs) => {
    const { group, provider, clock } = stage();
    group.aheadMs = aheadMs;
    const request = await drafted(provider, newLaunch(1));
    group.add(1, { launchedAtMs: clock.nowMs() + aheadMs - 2 * MINUTE_MS });
    group.add(2, { lifecycle: "Pending", launchedAtMs: clock.nowMs() + aheadMs - SECOND_MS });
    expect(boundIds(await provider.launch(request))).toEqual([idOf(2)]);
  });

  it("is whoever comes, for an order that a version before this one stored", async () => {
    const { group, provider, clock } = stage();
    const { order, ...request } = await drafted(provider, newLaunch(1));
    const { origin: _, ...older } = JSON.parse(order ?? "{}");
    group.add(1, { launchedAtMs: clock.nowMs() - HOUR_MS });
    expect(boundIds(await provider.launch({ ...request, order: JSON.stringify(older) }))).toEqual([idOf(1)]);
  });

  it("is bound for no order of long ago: it may have had a row since, and a ticket, of which a restored store knows nothing", async () => {
    const { group, provider, clock, restarted } = stage();
    const request = await drafted(provider, newLaunch(1));
    clock.pass(5 * MINUTE_MS);
    group.add(1, { launchedAtMs: clock.nowMs() });
    clock.pass(15 * MINUTE_MS);
    expect(await restarted().launch(request)).toEqual([]);
    expect(group.writes()).toEqual([]);
  });

  it("is bound once EC2 could be asked since when it runs", async () => {
    const { group, provider } = stage();
    const request = await drafted(provider, newLaunch(1));
    group.add(1, { lifecycle: "Pending" });
    group.answers.DescribeInstances = throwing("RequestLimitExceeded");
    await expect(provider.launch(request)).rejects.toMatchObject({ code: "provider-unavailable" });
    group.answers = {};
    expect(boundIds(await provider.launch(request))).toEqual([idOf(1)]);
  });
});
