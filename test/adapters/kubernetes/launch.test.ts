/** Launches over HTTP: idempotent by name, and refused only where nothing was started. */
import { describe, expect, it } from "vitest";
import { LABEL } from "../../../src/adapters/kubernetes/marks.ts";
import { drafted, launchOne, NAMESPACE, newLaunch, placeOf, useStage } from "./stage.ts";

const stage = useStage();

describe("a launch", () => {
  it("makes a pod for each machine, with our marks, and lists it as starting", async () => {
    const request = await drafted(stage.provider, newLaunch(3));
    const launched = await stage.provider.launch(request);
    expect(launched.map(({ machineId }) => machineId)).toEqual(request.machines.map(({ machineId }) => machineId));
    const observed = await stage.provider.list("all");
    expect(observed.map(({ providerId }) => providerId).sort()).toEqual(launched.map((one) => one.providerId).sort());
    expect(observed[0]).toMatchObject({
      launchId: request.launchId,
      pool: "linux",
      state: "starting",
      hasNeverRun: true,
    });
  });

  it("makes nothing twice when it is repeated, by another process too", async () => {
    const request = await drafted(stage.provider, newLaunch(2));
    const launched = await stage.provider.launch(request);
    expect(await stage.another().launch(request)).toEqual(launched);
    expect(stage.cluster.pods()).toHaveLength(2);
  });

  it("finds what it made when the answer was lost", async () => {
    const request = await drafted(stage.provider);
    stage.cluster.injectFault("create pods", { kind: "answer-lost", effect: "done" });
    await expect(stage.provider.launch(request)).rejects.toMatchObject({ code: "provider-unavailable" });
    expect(await stage.provider.launch(request)).toHaveLength(1);
    expect(stage.cluster.pods()).toHaveLength(1);
  });

  it("is asked for the rest only: what is known to have started is not asked for again, nor started anew", async () => {
    const request = await drafted(stage.provider, newLaunch(2));
    stage.cluster.injectFault("create pods", { kind: "answer-lost", effect: "done" });
    await expect(stage.provider.launch(request)).rejects.toMatchObject({ code: "provider-unavailable" });
    for (const { metadata } of stage.cluster.pods())
      stage.cluster.removePod({ name: metadata.name, namespace: NAMESPACE });
    expect(await stage.provider.launch(request)).toHaveLength(2);
    expect(stage.cluster.pods()).toHaveLength(1);
  });

  it("is asked for the rest only: nor is what was refused, and is not there", async () => {
    const request = await drafted(stage.provider, newLaunch(2));
    stage.cluster.injectFault("create pods", { kind: "refused", reason: "Forbidden", effect: "none" });
    stage.cluster.injectFault("create pods", { kind: "answer-lost", effect: "done" });
    await expect(stage.provider.launch(request)).rejects.toMatchObject({ code: "provider-unavailable" });
    const asked = stage.cluster.calls()["create pods"] ?? 0;
    expect(await stage.provider.launch(request)).toHaveLength(1);
    expect(stage.cluster.calls()["create pods"]).toBe(asked + 1);
  });

  it("is asked for anew once another process has held the pool: it may have made what was not there", async () => {
    const request = await drafted(stage.provider, newLaunch(2));
    const under = (epoch: number) => ({ epoch, others: [], leftMs: () => 45_000 });
    stage.cluster.injectFault("create pods", { kind: "refused", reason: "Forbidden", effect: "none" });
    stage.cluster.injectFault("create pods", { kind: "answer-lost", effect: "none" });
    await expect(stage.provider.launch(request, under(1))).rejects.toMatchObject({ code: "provider-unavailable" });
    await stage.another().launch(request, under(2));
    expect(await stage.provider.launch(request, under(3))).toHaveLength(2);
  });

  it("finds its pod again though somebody took its labels off: nobody can take off what it was made for", async () => {
    const request = await drafted(stage.provider);
    const launched = await stage.provider.launch(request);
    const [name = ""] = stage.cluster.pods().map(({ metadata }) => metadata.name);
    stage.cluster.changePodMeta({ name, namespace: NAMESPACE }, { labels: {} });
    expect(await stage.another().launch(request)).toEqual(launched);
    stage.cluster.changePodMeta({ name, namespace: NAMESPACE }, { labels: { [LABEL.controller]: "another" } });
    await expect(stage.another().launch(request)).rejects.toMatchObject({ code: "provider-invalid" });
  });

  it("makes no pod once another process may hold the pool: it may have started them all, and they may have ended", async () => {
    const request = await drafted(stage.provider, newLaunch(3));
    const left = [45_000, 9_999];
    const tenure = { epoch: 1, others: [], leftMs: () => left.shift() ?? 0 };
    const launched = stage.provider.launch(request, tenure);
    await expect(launched).rejects.toThrow(/another process may hold the pool/);
    await expect(launched).rejects.toMatchObject({ code: "provider-unavailable" });
    expect(stage.cluster.pods()).toHaveLength(1);
    expect(await stage.provider.launch(request, { ...tenure, leftMs: () => 10_000 })).toHaveLength(3);
  });

  it("starts none anew that may have lived and ended before the store was restored, and finds those that are there", async () => {
    const request = await drafted(stage.provider, newLaunch(2));
    const [, second] = await stage.provider.launch(request);
    const [name = ""] = stage.cluster.pods().map(({ metadata }) => metadata.name);
    stage.cluster.removePod({ name, namespace: NAMESPACE });
    const restored = request.machines.map((machine) => ({ ...machine, mayHaveEnded: true }));
    expect(await stage.another().launch({ ...request, machines: restored })).toEqual([second]);
    expect(stage.cluster.pods()).toHaveLength(1);
  });

  it("is over where nothing of it is there any more", async () => {
    const request = newLaunch(1);
    const restored = request.machines.map((machine) => ({ ...machine, mayHaveEnded: true }));
    expect(await stage.provider.launch(await drafted(stage.provider, { ...request, machines: restored }))).toEqual([]);
    expect(stage.cluster.pods()).toEqual([]);
  });

  it("does not take somebody else's pod of the name for its own", async () => {
    const request = await drafted(stage.provider);
    const name = request.machines[0]?.machineId ?? "";
    stage.cluster.plantPod({ metadata: { name, namespace: NAMESPACE }, spec: { containers: [] }, status: {} });
    await expect(stage.provider.launch(request)).rejects.toMatchObject({
      code: "provider-invalid",
      message: expect.stringContaining("not of this launch") as unknown,
    });
  });

  it("calls a quota a quota, and rests until it may have been raised", async () => {
    const message = 'pods "x" is forbidden: exceeded quota: runners, requested: pods=1, used: pods=5, limited: pods=5';
    stage.cluster.injectFault("create pods", { kind: "refused", reason: "Forbidden", effect: "none", message });
    const request = await drafted(stage.provider);
    await expect(stage.provider.launch(request)).rejects.toMatchObject({ code: "provider-quota" });
    await expect(drafted(stage.provider)).rejects.toMatchObject({ code: "provider-quota", retryAfterMs: 120_000 });
    expect(stage.provider.orders?.readObstacles()[0]).toContain("the namespace's quota is used up until");
    stage.clock.pass(121_000);
    expect(await launchOne(stage.provider)).toBeDefined();
  });

  it("does not call a repeat refused whose pod is there", async () => {
    const request = await drafted(stage.provider);
    stage.cluster.injectFault("create pods", { kind: "answer-lost", effect: "done" });
    await stage.provider.launch(request).catch(() => undefined);
    const message = 'pods "x" is forbidden: exceeded quota: runners, requested: pods=1, used: pods=1, limited: pods=1';
    stage.cluster.injectFault("create pods", { kind: "refused", reason: "Forbidden", effect: "none", message });
    expect(await stage.provider.launch(request)).toHaveLength(1);
  });

  it("does not call a pod refused whose creation may be under way, and does once that is over", async () => {
    const request = await drafted(stage.provider);
    stage.cluster.injectFault("create pods", { kind: "answer-lost", effect: "none" });
    await stage.provider.launch(request).catch(() => undefined);
    const message = 'pods "x" is forbidden: exceeded quota: runners, requested: pods=1, used: pods=1, limited: pods=1';
    stage.cluster.injectFault("create pods", { kind: "refused", reason: "Forbidden", effect: "none", message }, 2);
    await expect(stage.provider.launch(request)).rejects.toMatchObject({ code: "provider-unavailable" });
    stage.clock.pass(60_000);
    await expect(stage.provider.launch(request)).rejects.toMatchObject({ code: "provider-quota" });
  });

  it("starts in part where some were refused", async () => {
    const message = 'pods "x" is forbidden: exceeded quota: runners';
    stage.cluster.injectFault("create pods", { kind: "refused", reason: "Forbidden", effect: "none", message }, 2);
    expect(await stage.provider.launch(await drafted(stage.provider, newLaunch(5)))).toHaveLength(3);
  });

  it("tells settings that admission refuses", async () => {
    stage.cluster.refuseAdmission(() => "no images from there");
    await expect(stage.provider.launch(await drafted(stage.provider))).rejects.toMatchObject({
      code: "provider-invalid",
      message: expect.stringContaining("no images from there") as unknown,
    });
  });

  it.each(["InternalError", "ServiceUnavailable", "TooManyRequests"] as const)(
    "does not know what became of it after %s",
    async (reason) => {
      stage.cluster.injectFault("create pods", { kind: "refused", reason, effect: "none" });
      await expect(stage.provider.launch(await drafted(stage.provider))).rejects.toMatchObject({
        code: "provider-unavailable",
      });
    },
  );

  it("keeps the pool's disruption budget, once, and goes on without one", async () => {
    await launchOne(stage.provider);
    await launchOne(stage.provider);
    expect(stage.cluster.calls()["create poddisruptionbudgets"]).toBe(1);
    stage.cluster.injectFault("create poddisruptionbudgets", {
      kind: "refused",
      reason: "Forbidden",
      effect: "none",
    });
    const other = stage.another();
    await launchOne(other);
    expect(other.orders?.readObstacles()[0]).toContain("pods can be evicted");
  });

  it("removes the budget once the pool has had no pod for a while", async () => {
    const { providerId } = await launchOne(stage.provider);
    stage.cluster.removePod(placeOf(providerId));
    await stage.provider.list("all");
    stage.clock.pass(110_000);
    await stage.provider.list("all");
    expect(stage.cluster.calls()["delete poddisruptionbudgets"]).toBeUndefined();
    stage.clock.pass(2 * 60_000);
    await stage.provider.list("all");
    await stage.provider.list("all");
    expect(stage.cluster.calls()["delete poddisruptionbudgets"]).toBe(1);
  });

  it("makes the budget again that somebody removed, and none for a pool that only observes", async () => {
    await launchOne(stage.provider);
    await stage.another({ isObserving: true }).list("all");
    expect(stage.cluster.calls()["create poddisruptionbudgets"]).toBe(1);
    const other = stage.another();
    stage.clock.pass(60_000);
    await other.list("all");
    expect(stage.cluster.calls()["create poddisruptionbudgets"]).toBe(2);
  });

  it("makes the budget again that another replica removed while the pool was that one's", async () => {
    const { providerId } = await launchOne(stage.provider);
    stage.cluster.removePod(placeOf(providerId));
    const other = stage.another();
    stage.clock.pass(3 * 60_000);
    await other.list("all");
    expect(stage.cluster.calls()["delete poddisruptionbudgets"]).toBe(1);
    await launchOne(stage.provider);
    expect(stage.cluster.calls()["create poddisruptionbudgets"]).toBe(2);
  });

  it("leaves the budget of a controller alone whose name and pool read the same together", async () => {
    await launchOne(stage.provider);
    const other = stage.another({ controllerId: "ci", pool: "test-linux" });
    const { providerId } = await launchOne(other);
    const poolsOfBudgets = async () => {
      const url = `${stage.cluster.url}/apis/policy/v1/namespaces/${NAMESPACE}/poddisruptionbudgets`;
      const response = await fetch(url, { headers: { authorization: `Bearer ${stage.cluster.token}` } });
      const { items } = (await response.json()) as { items: { metadata: { labels: Record<string, string> } }[] };
      return items.map(({ metadata }) => metadata.labels[LABEL.pool]).sort();
    };
    expect(await poolsOfBudgets()).toEqual(["linux", "test-linux"]);
    stage.cluster.removePod(placeOf(providerId));
    stage.clock.pass(3 * 60_000);
    await other.list("all");
    expect(await poolsOfBudgets()).toEqual(["linux"]);
  });
});
