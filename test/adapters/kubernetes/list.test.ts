/** Readings over HTTP: complete or an error, and what absence means. */
import { describe, expect, it } from "vitest";
import { parseProviderId } from "../../../src/domain/ids.ts";
import type { ObservedMachine } from "../../../src/domain/observed.ts";
import {
  AT,
  drafted,
  ENDED,
  launchOne,
  NAMESPACE,
  newLaunch,
  permitFor,
  placeOf,
  RUNNING,
  statusOf,
  useStage,
  WAITING,
} from "./stage.ts";

const stage = useStage();

async function launchBound() {
  const launched = await launchOne(stage.provider);
  stage.cluster.bindPod(placeOf(launched.providerId), "node-a");
  return { ...launched, place: placeOf(launched.providerId) };
}

async function read(id: string): Promise<ObservedMachine | undefined> {
  return (await stage.provider.list([parseProviderId(id)]))[0];
}

describe("all pods of the pool", () => {
  it("come in pages, as of one moment, and whatever is not ours does not", async () => {
    for (let count = 0; count < 6; count += 1)
      await stage.provider.launch(await drafted(stage.provider, newLaunch(100)));
    stage.cluster.plantPod({ metadata: { name: "web", namespace: NAMESPACE }, spec: { containers: [] }, status: {} });
    expect(await stage.provider.list("all")).toHaveLength(600);
    expect(stage.cluster.calls()["list pods"]).toBe(2);
  });

  it.each(["InternalError", "Expired", "Forbidden", "TooManyRequests"] as const)(
    "are none at all where a page fails with %s",
    async (reason) => {
      await launchOne(stage.provider);
      stage.cluster.injectFault("list pods", { kind: "refused", reason, effect: "none" });
      await expect(stage.provider.list("all")).rejects.toMatchObject({ code: "provider-unavailable" });
    },
  );

  it("are none at all where the answer breaks off", async () => {
    await launchOne(stage.provider);
    stage.cluster.injectFault("list pods", { kind: "half-answer" });
    await expect(stage.provider.list("all")).rejects.toMatchObject({ code: "provider-unavailable" });
  });

  it("are read as they are, however far the watch cache is behind", async () => {
    stage.cluster.setCacheLag(60_000);
    await launchOne(stage.provider);
    expect(await stage.provider.list("all")).toHaveLength(1);
  });

  it("row 21: a copy that somebody made of a machine's pod is a stray of its own", async () => {
    const { machineId, place } = await launchBound();
    const original = stage.cluster.pod(place);
    stage.cluster.plantPod({
      metadata: { name: "debug", namespace: NAMESPACE, labels: original?.metadata.labels ?? {} },
      spec: original?.spec ?? { containers: [] },
      status: {},
    });
    const observed = await stage.provider.list("all");
    expect(observed).toHaveLength(2);
    expect(observed.map((one) => one.machineId).sort()).toEqual([machineId, null].sort());
    expect(observed.find((one) => one.machineId === null)).toMatchObject({ launchId: null, pool: "linux" });
  });
});

describe("what a pod is", () => {
  it("running, where its kubelet says so", async () => {
    const { providerId, place } = await launchBound();
    stage.cluster.setPodStatus(place, RUNNING);
    expect(await read(providerId)).toMatchObject({ state: "running", hasNeverRun: false, isAlarm: false });
  });

  it("dead with its exit code and its reason, where its kubelet says so", async () => {
    const { providerId, place } = await launchBound();
    stage.cluster.setPodStatus(place, ENDED);
    expect(await read(providerId)).toMatchObject({
      state: "dead",
      why: "its agent's container ended with exit code 137 (OOMKilled)",
    });
  });

  it("never run, where it waits on a node that is ready", async () => {
    const { providerId, place } = await launchBound();
    stage.cluster.setPodStatus(place, WAITING);
    expect(await read(providerId)).toMatchObject({ state: "starting", hasNeverRun: true });
  });

  it("kept, where its node is no longer in the cluster", async () => {
    const launched = await launchOne(stage.provider);
    stage.cluster.bindPod(placeOf(launched.providerId), "node-lost");
    stage.cluster.setPodStatus(placeOf(launched.providerId), RUNNING);
    expect(await read(launched.providerId)).toMatchObject({
      state: "running",
      why: expect.stringContaining("no longer in the cluster") as unknown,
    });
  });

  it("not never run, where nodes may not be read", async () => {
    const { providerId, place } = await launchBound();
    stage.cluster.setPodStatus(place, WAITING);
    stage.cluster.injectFault("list nodes", { kind: "refused", reason: "Forbidden", effect: "none" });
    expect(await read(providerId)).toMatchObject({ state: "starting", hasNeverRun: false });
  });

  it("an alarm, where it runs again after it ended", async () => {
    const { providerId, place } = await launchBound();
    const before = { terminated: { exitCode: 1, startedAt: AT, finishedAt: AT } };
    stage.cluster.setPodStatus(place, statusOf("Running", { waiting: { reason: "CrashLoopBackOff" } }, before));
    expect(await read(providerId)).toMatchObject({ state: "running", isAlarm: true });
  });

  it("overdue only after its grace and five minutes, from when this process saw it being deleted", async () => {
    const { providerId, place } = await launchBound();
    stage.cluster.setPodStatus(place, RUNNING);
    stage.cluster.deletePod(place, 30);
    stage.clock.pass(24 * 3_600_000);
    expect(await read(providerId)).toMatchObject({ state: "running", why: "it is being deleted", isAlarm: false });
    stage.clock.pass(329_000);
    expect(await read(providerId)).toMatchObject({ isAlarm: false });
    stage.clock.pass(2_000);
    expect(await read(providerId)).toMatchObject({ state: "running", isAlarm: true });
  });
});

describe("an absent pod", () => {
  it("is not found, where it was last seen running", async () => {
    const { providerId, place } = await launchBound();
    stage.cluster.setPodStatus(place, RUNNING);
    await stage.provider.list("all");
    stage.cluster.removePod(place);
    expect(await read(providerId)).toMatchObject({ state: "not-found" });
  });

  it("is gone, where it was last seen ended", async () => {
    const { providerId, place } = await launchBound();
    stage.cluster.setPodStatus(place, ENDED);
    await stage.provider.list("all");
    stage.cluster.removePod(place);
    expect(await read(providerId)).toMatchObject({ state: "gone" });
    expect((await stage.another().list([providerId]))[0]).toMatchObject({ state: "not-found" });
  });

  it("is gone, where our own deletion removed it before it had a node", async () => {
    const { providerId } = await launchOne(stage.provider);
    await stage.provider.list("all");
    await stage.provider.terminate(permitFor(providerId, stage.clock));
    expect(await read(providerId)).toMatchObject({ state: "gone" });
  });

  it.each([
    ["not-found", "running", RUNNING],
    ["gone", "ended", ENDED],
  ] as const)("is %s, where another pod has its name and it was last seen %s", async (state, _last, status) => {
    const { providerId, place } = await launchBound();
    stage.cluster.setPodStatus(place, status);
    await stage.provider.list("all");
    const pod = stage.cluster.pod(place);
    stage.cluster.removePod(place);
    stage.cluster.plantPod({
      metadata: { name: place.name, namespace: NAMESPACE, labels: pod?.metadata.labels ?? {} },
      spec: { containers: [] },
      status: {},
    });
    expect(await read(providerId)).toMatchObject({ state, machineId: null });
  });

  it("is never concluded from an error", async () => {
    const { providerId } = await launchBound();
    stage.cluster.injectFault("get pods", { kind: "refused", reason: "Forbidden", effect: "none" });
    await expect(read(providerId)).rejects.toMatchObject({ code: "provider-unavailable" });
  });

  it("of another kind of provider is not asked for", async () => {
    await expect(read("i-0123456789abcdef0")).rejects.toMatchObject({ code: "provider-unavailable" });
  });
});

describe("by id", () => {
  it("finds a pod that lost its labels, and puts them back", async () => {
    const { providerId, place } = await launchBound();
    stage.cluster.changePodMeta(place, { labels: {} });
    expect(await stage.provider.list("all")).toEqual([]);
    expect(await read(providerId)).toMatchObject({
      providerId,
      state: expect.not.stringContaining("not-found") as unknown,
    });
    expect(await stage.provider.list("all")).toHaveLength(1);
  });

  it("leaves another controller's pod alone", async () => {
    const { providerId, place } = await launchBound();
    stage.cluster.changePodMeta(place, { labels: { "holdfast/controller": "other" } });
    expect(await read(providerId)).toMatchObject({ state: "not-found" });
    expect(stage.cluster.calls()["patch pods"]).toBeUndefined();
  });

  it("asks for many by one listing", async () => {
    const launched = await stage.provider.launch(await drafted(stage.provider, newLaunch(60)));
    expect(await stage.provider.list(launched.map(({ providerId }) => providerId))).toHaveLength(60);
    expect(stage.cluster.calls()["get pods"]).toBeUndefined();
  });
});
