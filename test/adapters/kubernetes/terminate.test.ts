/** Endings over HTTP: the version that was judged is deleted, and no other. */
import { describe, expect, it } from "vitest";
import type { ProviderId } from "../../../src/domain/ids.ts";
import type { MachinePermit, MachineProof } from "../../../src/domain/permit.ts";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { AT, drafted, ENDED, launchOne, permitFor, placeOf, RUNNING, statusOf, useStage, WAITING } from "./stage.ts";

const stage = useStage();
const BOOT: MachineProof = { kind: "never-engaged", bootDeadlineMs: 5 * MINUTE_MS };

async function launchWith(status = RUNNING) {
  const { providerId } = await launchOne(stage.provider);
  const place = placeOf(providerId);
  stage.cluster.bindPod(place, "node-a");
  stage.cluster.setPodStatus(place, status);
  await stage.provider.list("all");
  return { providerId, place };
}

/** Past every boot deadline. */
function neverEngaged(providerId: Parameters<typeof permitFor>[0]): MachinePermit {
  stage.clock.pass(6 * MINUTE_MS);
  return permitFor(providerId, stage.clock, BOOT);
}

describe("a pod's end", () => {
  it("is not the end of one that turned from waiting to running after it was judged", async () => {
    const { providerId, place } = await launchWith(WAITING);
    const permit = neverEngaged(providerId);
    stage.cluster.setPodStatus(place, RUNNING);
    await expect(stage.provider.terminate(permit)).rejects.toMatchObject({
      code: "provider-unavailable",
      message: expect.stringContaining("changed since it was judged") as unknown,
    });
    expect(stage.cluster.pod(place)?.metadata.deletionTimestamp).toBeUndefined();
    expect((await stage.provider.list([providerId]))[0]).toMatchObject({ state: "running" });
  });

  it("comes to one that was started again after it ended, and that it ended before says nothing once it is away", async () => {
    const { providerId, place } = await launchWith(ENDED);
    const ended = { terminated: { exitCode: 137, startedAt: AT, finishedAt: AT } };
    stage.cluster.setPodStatus(place, statusOf("Running", { running: { startedAt: AT } }, ended));
    await stage.provider.list("all");
    await stage.provider.terminate(permitFor(providerId, stage.clock));
    expect(stage.cluster.pod(place)?.metadata.deletionTimestamp).toBeDefined();
    stage.cluster.removePod(place);
    expect((await stage.provider.list([providerId]))[0]).toMatchObject({ state: "not-found" });
  });

  it("comes once the version that is there was judged", async () => {
    const { providerId, place } = await launchWith();
    stage.cluster.changePodMeta(place, { annotations: { touched: "yes" } });
    await stage.provider.list([providerId]);
    await stage.provider.terminate(permitFor(providerId, stage.clock));
    expect(stage.cluster.pod(place)?.metadata.deletionGracePeriodSeconds).toBe(1);
  });

  it("comes to one of our own launch that runs, and whose agent never checked in: that rests on the store", async () => {
    const { providerId, place } = await launchWith(RUNNING);
    await stage.provider.terminate(neverEngaged(providerId));
    expect(stage.cluster.pod(place)?.metadata.deletionTimestamp).toBeDefined();
  });

  it("gives what is idle its grace", async () => {
    const { providerId, place } = await launchWith(WAITING);
    await stage.provider.terminate(neverEngaged(providerId));
    expect(stage.cluster.pod(place)?.metadata.deletionGracePeriodSeconds).toBe(30);
  });

  it("shortens a grace that somebody else gave", async () => {
    const { providerId, place } = await launchWith();
    stage.cluster.deletePod(place, 21_600);
    await stage.provider.list([providerId]);
    await stage.provider.terminate(permitFor(providerId, stage.clock));
    expect(stage.cluster.pod(place)?.metadata.deletionGracePeriodSeconds).toBe(1);
  });

  it("is asked for again without harm", async () => {
    const { providerId } = await launchWith();
    await stage.provider.terminate(permitFor(providerId, stage.clock));
    await stage.provider.list([providerId]);
    await stage.provider.terminate(permitFor(providerId, stage.clock));
  });

  it("row 16: is forced where its deletion is overdue", async () => {
    const { providerId, place } = await launchWith();
    stage.cluster.deletePod(place, 30);
    await stage.provider.list([providerId]);
    stage.clock.pass(5 * MINUTE_MS + 31_000);
    await stage.provider.list([providerId]);
    await stage.provider.terminate(permitFor(providerId, stage.clock));
    expect(stage.cluster.pod(place)).toBeUndefined();
  });

  it("row 17: waits for a finalizer of somebody else's, and takes it off nothing", async () => {
    const { providerId, place } = await launchWith();
    stage.cluster.changePodMeta(place, { finalizers: ["acme.com/vm"] });
    stage.cluster.deletePod(place, 30);
    await stage.provider.list([providerId]);
    stage.clock.pass(5 * MINUTE_MS + 31_000);
    await stage.provider.list([providerId]);
    await expect(stage.provider.terminate(permitFor(providerId, stage.clock))).rejects.toMatchObject({
      message: expect.stringContaining("held by the finalizer acme.com/vm") as unknown,
    });
    expect(stage.cluster.pod(place)?.metadata.finalizers).toEqual(["acme.com/vm"]);
    expect(stage.cluster.calls()["delete pods"]).toBeUndefined();
  });

  it("is no end of another pod of the name", async () => {
    const { providerId, place } = await launchWith(ENDED);
    const pod = stage.cluster.pod(place);
    stage.cluster.removePod(place);
    stage.cluster.plantPod({
      metadata: { ...place, uid: "0".repeat(8) },
      spec: pod?.spec ?? { containers: [] },
      status: {},
    });
    await stage.provider.terminate(permitFor(providerId, stage.clock)).catch(() => undefined);
    expect(stage.cluster.pod(place)?.metadata.deletionTimestamp).toBeUndefined();
  });

  it("of one that is gone calls nothing that a reading would not say", async () => {
    const { providerId, place } = await launchWith();
    stage.cluster.removePod(place);
    await stage.provider.terminate(permitFor(providerId, stage.clock));
    await stage.another().terminate(permitFor(providerId, stage.clock));
    expect(stage.cluster.calls()["delete pods"]).toBe(1);
  });

  it("by a process that has judged nothing reads first", async () => {
    const { providerId, place } = await launchWith();
    await stage.another().terminate(permitFor(providerId, stage.clock));
    expect(stage.cluster.pod(place)?.metadata.deletionTimestamp).toBeDefined();
  });

  it("takes a permit, and one that has not expired", async () => {
    const { providerId } = await launchWith();
    const permit = permitFor(providerId, stage.clock);
    await expect(stage.provider.terminate({ ...permit } as MachinePermit)).rejects.toMatchObject({
      code: "permit-stale",
    });
    stage.clock.pass(30_000);
    await expect(stage.provider.terminate(permit)).rejects.toMatchObject({ code: "permit-stale" });
    expect(stage.cluster.calls()["delete pods"]).toBeUndefined();
  });

  it("names the rule that is missing where the credentials may not", async () => {
    const { providerId } = await launchWith();
    const message = 'pods "x" is forbidden: User "holdfast" cannot delete resource "pods" in API group ""';
    stage.cluster.injectFault("delete pods", { kind: "refused", reason: "Forbidden", effect: "none", message });
    await expect(stage.provider.terminate(permitFor(providerId, stage.clock))).rejects.toMatchObject({
      message: expect.stringContaining("`holdfast check` names the rule that is missing") as unknown,
    });
  });
});

describe("a pod of first sight", () => {
  /** It rests on what the provider says now. */
  async function permitNow(providerId: ProviderId): Promise<MachinePermit> {
    stage.clock.pass(6 * MINUTE_MS);
    const [observed = null] = await stage.provider.list([providerId]);
    const proof: MachineProof = { kind: "never-engaged", bootDeadlineMs: 5 * MINUTE_MS, observed };
    return permitFor(providerId, stage.clock, proof, "adopted");
  }

  it("is not deleted in a version that runs, which somebody else's reading judged after its own", async () => {
    const { providerId, place } = await launchWith(WAITING);
    const permit = await permitNow(providerId);
    stage.cluster.setPodStatus(place, RUNNING);
    await stage.provider.list("all");
    await expect(stage.provider.terminate(permit)).rejects.toMatchObject({
      code: "provider-unavailable",
      message: expect.stringContaining("it may have run by now") as unknown,
    });
    expect(stage.cluster.pod(place)?.metadata.deletionTimestamp).toBeUndefined();
  });

  it("is deleted in a later version that has never run either", async () => {
    const { providerId, place } = await launchWith(WAITING);
    const permit = await permitNow(providerId);
    stage.cluster.changePodMeta(place, { annotations: { touched: "yes" } });
    await stage.provider.list("all");
    await stage.provider.terminate(permit);
    expect(stage.cluster.pod(place)?.metadata.deletionTimestamp).toBeDefined();
  });

  it("is asked about first by a process that has judged nothing", async () => {
    const { providerId, place } = await launchWith(WAITING);
    const permit = await permitNow(providerId);
    stage.cluster.setPodStatus(place, RUNNING);
    await expect(stage.another().terminate(permit)).rejects.toMatchObject({ code: "provider-unavailable" });
    expect(stage.cluster.pod(place)?.metadata.deletionTimestamp).toBeUndefined();
  });
});

describe("what is learned from pods that never ran", () => {
  it("a node that is ready and started nothing is avoided by the next, as it is stored", async () => {
    const { providerId } = await launchWith(WAITING);
    await stage.provider.terminate(neverEngaged(providerId));
    const request = await drafted(stage.provider);
    expect(request.order).toBe('{"avoidedNodes":["node-a"]}');
    const [launched] = await stage.provider.launch(request);
    const spec = stage.cluster.pod(placeOf(launched?.providerId ?? providerId))?.spec;
    expect(JSON.stringify(spec)).toContain('{"key":"metadata.name","operator":"NotIn","values":["node-a"]}');
    stage.clock.pass(16 * MINUTE_MS);
    expect((await drafted(stage.provider)).order).toBe('{"avoidedNodes":[]}');
  });

  it("a pod that found no node rests launches for want of room", async () => {
    const { providerId } = await launchOne(stage.provider);
    await stage.provider.list("all");
    await stage.provider.terminate(neverEngaged(providerId));
    await expect(drafted(stage.provider)).rejects.toMatchObject({ code: "provider-capacity" });
  });

  it("an image that cannot be pulled rests launches as a setting to mend", async () => {
    const waiting = statusOf("Pending", { waiting: { reason: "ImagePullBackOff", message: "no such image" } });
    const { providerId } = await launchWith(waiting);
    await stage.provider.terminate(neverEngaged(providerId));
    await expect(drafted(stage.provider)).rejects.toMatchObject({
      code: "provider-invalid",
      message: expect.stringContaining("no such image") as unknown,
    });
  });

  it("one whose agent's container runs says nothing of its node", async () => {
    const { providerId } = await launchWith(RUNNING);
    await stage.provider.terminate(neverEngaged(providerId));
    expect((await drafted(stage.provider)).order).toBe('{"avoidedNodes":[]}');
  });
});
