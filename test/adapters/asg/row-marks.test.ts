/** The mark by which a restored store is known: on whom it is put, and what it says of whom. */
import { describe, expect, it } from "vitest";
import type { ObservedMachine } from "../../../src/domain/observed.ts";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { throwing } from "../ec2/fake-client.ts";
import { newLaunch } from "../ec2/stage.ts";
import { boundIds, drafted } from "./launching.ts";
import { idOf, OWNER, stage } from "./stage.ts";

const CONTROLLER_MARK = { Key: "holdfast:controller", Value: "ci-test" };
const ROW_MARK = { Key: "holdfast:known", Value: "yes" };
const KNOWN = { "holdfast:controller": "ci-test", "holdfast:known": "yes" };

const find = (listing: readonly ObservedMachine[], number: number) =>
  listing.find(({ providerId }) => providerId === idOf(number));

describe("the mark of a row", () => {
  it("is put on whom the listing showed without it, once, and again where it is taken off", async () => {
    const { group, provider, clock } = stage();
    group.add(1);
    group.add(2, { tags: KNOWN });
    await provider.list("all");
    group.sent.length = 0;
    await provider.group?.noteRows([idOf(1), idOf(2), idOf(3)]);
    expect(group.inputs("CreateTags")).toEqual([{ Resources: [idOf(1)], Tags: [CONTROLLER_MARK, ROW_MARK] }]);
    // EC2 does not show it yet.
    group.add(1, { tags: { "holdfast:controller": "ci-test", "holdfast:pool": OWNER.pool } });
    await provider.list("all");
    group.sent.length = 0;
    await provider.group?.noteRows([idOf(1), idOf(2)]);
    expect(group.writes()).toEqual([]);
    // It would by now: somebody took it off.
    clock.pass(5 * MINUTE_MS);
    await provider.group?.noteRows([idOf(1), idOf(2)]);
    expect(group.inputs("CreateTags").map(({ Resources }) => Resources)).toEqual([[idOf(1)]]);
  });

  it("is put on at the next look where it failed, and on nobody by a pool that observes", async () => {
    const { group, provider } = stage();
    group.add(1);
    await provider.list("all");
    group.answers.CreateTags = throwing("UnauthorizedOperation");
    await provider.group?.noteRows([idOf(1)]);
    group.answers = {};
    group.sent.length = 0;
    await provider.group?.noteRows([idOf(1)]);
    expect(group.writes()).toEqual(["CreateTags"]);
    const observing = stage({}, { isObserving: true });
    observing.group.add(1);
    await observing.provider.list("all");
    await observing.provider.group?.noteRows([idOf(1)]);
    expect(observing.group.writes()).toEqual([]);
  });

  it("is told of members wherever they are, and of no other controller's", async () => {
    const { group, provider } = stage();
    group.hasReserve = true;
    group.add(1, { tags: KNOWN });
    group.add(2, { tags: KNOWN, lifecycle: "Warmed:Pending:Wait" });
    group.add(3, { tags: { ...KNOWN, "holdfast:pool": "linux" }, group: null });
    group.add(4, { tags: { "holdfast:known": "yes" } });
    const listing = await provider.list("all");
    expect([1, 2, 3, 4].map((number) => find(listing, number)?.hadRow)).toEqual([true, true, true, false]);
  });

  it("answers no launch: who carries it came for one of a later store", async () => {
    const { group, provider, clock, restarted } = stage();
    group.hasReserve = true;
    group.add(1, { lifecycle: "Warmed:Running" });
    const request = await drafted(provider, newLaunch(3));
    group.add(1, { lifecycle: "InService", tags: KNOWN });
    group.add(2, { launchedAtMs: clock.nowMs() + MINUTE_MS, tags: KNOWN });
    const again = restarted();
    await expect(again.launch(request)).rejects.toMatchObject({ code: "provider-unavailable" });
    const listing = await again.list("all");
    expect([1, 2].map((number) => find(listing, number)?.launchId)).toEqual([null, null]);
    group.add(3, { lifecycle: "Pending", launchedAtMs: clock.nowMs() });
    expect(find(await again.list("all"), 3)?.launchId).toBe(request.launchId);
    expect(boundIds(await again.launch(request))).toEqual([idOf(3)]);
  });
});
