/** Who came since the last complete listing, as listings tell it. */
import { describe, expect, it } from "vitest";
import type { ObservedMachine } from "../../../src/domain/observed.ts";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { throwing } from "../ec2/fake-client.ts";
import { newLaunch } from "../ec2/stage.ts";
import { boundIds, drafted } from "./launching.ts";
import { GROUP, idOf, PLAIN, stage } from "./stage.ts";

const find = (listing: readonly ObservedMachine[], number: number) =>
  listing.find(({ providerId }) => providerId === idOf(number));

describe("a newcomer", () => {
  const listedTwice = async (change: (group: ReturnType<typeof stage>["group"], nowMs: number) => void) => {
    const { group, provider, clock } = stage();
    group.hasReserve = true;
    group.add(1);
    group.add(9, { lifecycle: "Warmed:Stopped", ec2: "stopped" });
    const first = await provider.list("all");
    expect(first.map(({ newcomerSinceMs }) => newcomerSinceMs)).toEqual([null, null]);
    clock.pass(MINUTE_MS);
    change(group, clock.nowMs());
    return { listing: await provider.list("all"), nowMs: clock.nowMs(), group, provider, clock };
  };

  it("was launched since the last complete listing", async () => {
    const { listing, nowMs, provider } = await listedTwice((group, now) => {
      group.add(2, { lifecycle: "Pending", launchedAtMs: now - 20 * SECOND_MS });
    });
    expect(find(listing, 2)?.newcomerSinceMs).toBe(nowMs - 20 * SECOND_MS);
    expect(find(listing, 1)?.newcomerSinceMs).toBeNull();
    expect(find(await provider.list("all"), 2)?.newcomerSinceMs).toBeNull();
  });

  it("is nobody who is older: somebody attached it, with whatever runs there", async () => {
    const { listing } = await listedTwice((group, now) => {
      group.add(2, { launchedAtMs: now - 10 * MINUTE_MS });
    });
    expect(find(listing, 2)?.newcomerSinceMs).toBeNull();
  });

  it("waited in the reserve in it, and may have left it at once", async () => {
    const { listing, nowMs } = await listedTwice((group) => {
      group.add(9, { lifecycle: "Pending:Wait" });
    });
    expect(find(listing, 9)?.newcomerSinceMs).toBe(nowMs - MINUTE_MS);
  });

  it("is known by EC2's word also where the group does not list it yet", async () => {
    const { listing, nowMs, group, provider } = await listedTwice((group, now) => {
      group.add(2, { launchedAtMs: now - 20 * SECOND_MS });
      group.answers.DescribeAutoScalingGroups = () => ({ AutoScalingGroups: [{ AutoScalingGroupName: GROUP }] });
    });
    expect(find(listing, 2)).toMatchObject({
      newcomerSinceMs: nowMs - 20 * SECOND_MS,
      membership: { place: "coming" },
    });
    group.answers = {};
    expect(find(await provider.list("all"), 2)?.newcomerSinceMs).toBeNull();
  });

  it("is one also that the group wants to end before it ever came into service", async () => {
    const { listing, nowMs } = await listedTwice((group) => {
      group.add(9, { lifecycle: "Warmed:Terminating:Wait", ec2: "stopped" });
    });
    expect(find(listing, 9)).toMatchObject({
      newcomerSinceMs: nowMs - MINUTE_MS,
      membership: { place: "reserve", departure: "waits" },
    });
  });

  it("was in the reserve also where the group left it out of one list", async () => {
    const { listing, group, provider, clock } = await listedTwice((group) => {
      group.answers.DescribeWarmPool = () => ({ Instances: [] });
    });
    expect(find(listing, 9)?.membership).toEqual({ place: "reserve", departure: "none" });
    group.answers = {};
    group.add(9, { lifecycle: "Pending:Wait" });
    expect(find(await provider.list("all"), 9)?.newcomerSinceMs).toBe(clock.nowMs());
  });

  it("is nobody who came back from standby", async () => {
    const { group, provider } = stage();
    group.add(1, { lifecycle: "Standby" });
    await provider.list("all");
    group.add(1);
    expect(find(await provider.list("all"), 1)?.newcomerSinceMs).toBeNull();
  });

  it("is one also where EC2 knows nothing of it yet", async () => {
    const { listing, nowMs, group } = await listedTwice((group) => {
      group.add(2, { lifecycle: "Pending", ec2: null });
    });
    expect(find(listing, 2)).toMatchObject({ state: "starting", newcomerSinceMs: nowMs - MINUTE_MS });
    expect(group.inputs("DescribeInstances").at(-1)).toEqual({ InstanceIds: [idOf(2)] });
  });

  it("is none that EC2's list left out and that EC2 knows by its id: somebody attached it", async () => {
    const { listing } = await listedTwice((group) => {
      group.add(2);
      const plain = PLAIN.DescribeInstances?.(group);
      group.answers.DescribeInstances = (input, count) => {
        const answer = plain?.(input, count) as { Reservations: { Instances: { InstanceId: string }[] }[] };
        for (const one of answer.Reservations)
          if (input.Filters !== undefined)
            one.Instances = one.Instances.filter(({ InstanceId }) => InstanceId !== idOf(2));
        return answer;
      };
    });
    expect(find(listing, 2)).toMatchObject({ state: "running", newcomerSinceMs: null });
  });

  it("is none where the listing between was not complete: it counts from the last one that was", async () => {
    const { group, provider, clock } = await listedTwice(() => undefined);
    clock.pass(MINUTE_MS);
    group.answers.DescribeWarmPool = throwing("Throttling");
    await expect(provider.list("all")).rejects.toThrow();
    group.answers = {};
    group.add(2, { launchedAtMs: clock.nowMs() - 30 * SECOND_MS });
    clock.pass(MINUTE_MS);
    expect(find(await provider.list("all"), 2)?.newcomerSinceMs).toBe(clock.nowMs() - 90 * SECOND_MS);
  });

  it("is one still whom the answer to a launch leaves out, and came while it was waited for", async () => {
    const { group, provider, clock } = await listedTwice(() => undefined);
    const request = await drafted(provider, newLaunch(1));
    const cameAtMs = clock.nowMs();
    for (const number of [2, 3]) group.add(number, { lifecycle: "Pending", launchedAtMs: cameAtMs });
    group.add(4, { launchedAtMs: cameAtMs - 10 * MINUTE_MS });
    clock.pass(5 * SECOND_MS);
    await provider.list("all");
    expect(boundIds(await provider.launch(request))).toEqual([idOf(2)]);
    clock.pass(5 * SECOND_MS);
    const listing = await provider.list("all");
    expect(find(listing, 3)).toMatchObject({ launchId: null, newcomerSinceMs: cameAtMs });
    expect(find(listing, 4)?.newcomerSinceMs).toBeNull();
    expect(find(await provider.list("all"), 3)?.newcomerSinceMs).toBeNull();
  });
});
