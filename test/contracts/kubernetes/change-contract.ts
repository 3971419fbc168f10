import { describe, expect, it } from "vitest";
import type { GetStage } from "./contract.ts";
import { NODE, refusalOf, type Stage } from "./stage.ts";

const onNode = { nodeName: NODE };

async function isThere(stage: Stage, name: string): Promise<boolean> {
  const { items } = await stage.core.listNamespacedPod({ namespace: stage.namespace });
  return items.some(({ metadata }) => metadata?.name === name);
}

export function describeChanges(getStage: GetStage): void {
  describeConditions(getStage);
  describeDeletions(getStage);
  describePatches(getStage);
  describeRefusedPatches(getStage);
}

function describeConditions(getStage: GetStage): void {
  describe("deleting under conditions", () => {
    it("refuses to delete another pod of that name: 409", async () => {
      const stage = getStage();
      const { metadata } = await stage.make("a");
      const refusal = await refusalOf(stage.delete("a", { body: { preconditions: { uid: "another" } } }));
      expect(refusal).toMatchObject({ code: 409, reason: "Conflict", details: { name: "a" } });
      expect(refusal.message).toContain(`does not match the UID in record (${metadata?.uid})`);
      expect(await isThere(stage, "a")).toBe(true);
    });

    it("refuses to delete a pod that began to run since it was looked at: 409", async () => {
      const stage = getStage();
      await stage.make("a", onNode);
      const { metadata } = await stage.writeStatus("a", { phase: "Pending", reason: "Waiting" });
      await stage.writeStatus("a", { phase: "Running" });
      const { uid, resourceVersion } = metadata ?? {};
      const preconditions = { uid, resourceVersion };
      const refusal = await refusalOf(stage.delete("a", { body: { preconditions, gracePeriodSeconds: 0 } }));
      expect(refusal).toMatchObject({ code: 409, reason: "Conflict" });
      expect(refusal.message).toContain(`the ResourceVersion in the precondition (${resourceVersion}) does not match`);
      const after = await stage.read("a");
      expect(after.metadata?.deletionTimestamp).toBeUndefined();
      const fresh = { uid, resourceVersion: after.metadata?.resourceVersion };
      await stage.delete("a", { body: { preconditions: fresh, gracePeriodSeconds: 0 } });
      expect(await isThere(stage, "a")).toBe(false);
    });
  });
}

function describeDeletions(getStage: GetStage): void {
  describe("deleting", () => {
    it("removes a pod at once that no node has, or that is over", async () => {
      const stage = getStage();
      await stage.make("unscheduled");
      await stage.delete("unscheduled");
      await stage.make("over", onNode);
      await stage.writeStatus("over", { phase: "Succeeded" });
      await stage.delete("over");
      expect([await isThere(stage, "unscheduled"), await isThere(stage, "over")]).toEqual([false, false]);
    });

    it("marks a pod that a node has, gives it less time when asked, and never more", async () => {
      const stage = getStage();
      await stage.make("a", onNode);
      const graceOf = async (options: object) => {
        const { metadata } = await stage.delete("a", options);
        expect(metadata?.deletionTimestamp).toBeInstanceOf(Date);
        return metadata?.deletionGracePeriodSeconds;
      };
      expect(await graceOf({})).toBe(30);
      expect(await graceOf({ gracePeriodSeconds: 5 })).toBe(5);
      expect(await graceOf({ gracePeriodSeconds: 50 })).toBe(5);
      expect(await graceOf({})).toBe(5);
      await stage.delete("a", { gracePeriodSeconds: 0 });
      expect(await isThere(stage, "a")).toBe(false);
    });

    it("leaves what a finalizer holds, marked, until it is taken away; none is added any more", async () => {
      const stage = getStage();
      await stage.make("a");
      await stage.patch("a", { metadata: { finalizers: ["example.test/hold"] } });
      await stage.delete("a", { gracePeriodSeconds: 0 });
      expect((await stage.read("a")).metadata).toMatchObject({ deletionGracePeriodSeconds: 0 });
      const more = { metadata: { finalizers: ["example.test/hold", "example.test/more"] } };
      expect(await refusalOf(stage.patch("a", more))).toMatchObject({ code: 422, reason: "Invalid" });
      await stage.patch("a", { metadata: { finalizers: null } });
      expect(await isThere(stage, "a")).toBe(false);
    });

    it("deletes nothing in a dry run", async () => {
      const stage = getStage();
      await stage.make("a");
      await stage.delete("a", { dryRun: "All" });
      expect((await stage.read("a")).metadata?.deletionTimestamp).toBeUndefined();
    });

    it("says of what is not there that it is not: 404", async () => {
      expect(await refusalOf(getStage().delete("nobody"))).toMatchObject({ code: 404, reason: "NotFound" });
    });
  });
}

function describePatches(getStage: GetStage): void {
  describe("patching", () => {
    it("joins labels and annotations, and takes away what is null", async () => {
      const stage = getStage();
      await stage.make("a", {}, { x: "1", y: "2" });
      const patched = await stage.patch("a", { metadata: { labels: { x: null, z: "3" }, annotations: { n: "v" } } });
      expect(patched.metadata).toMatchObject({ labels: { y: "2", z: "3" }, annotations: { n: "v" } });
      expect(patched.metadata?.labels).not.toHaveProperty("x");
    });

    it("is no change where nothing changes", async () => {
      const stage = getStage();
      const { metadata } = await stage.make("a", {}, { x: "1" });
      const patched = await stage.patch("a", { metadata: { labels: { x: "1" } } });
      expect(patched.metadata?.resourceVersion).toBe(metadata?.resourceVersion);
    });
  });
}

function describeRefusedPatches(getStage: GetStage): void {
  describe("a patch", () => {
    it("refuses a change of what has changed since: 409", async () => {
      const stage = getStage();
      const { metadata } = await stage.make("a");
      await stage.patch("a", { metadata: { labels: { x: "1" } } });
      const { resourceVersion } = metadata ?? {};
      expect(await refusalOf(stage.patch("a", { metadata: { resourceVersion, labels: { x: "2" } } }))).toMatchObject({
        code: 409,
        reason: "Conflict",
        message:
          'Operation cannot be fulfilled on pods "a": the object has been modified; please apply your changes to the latest version and try again',
      });
    });

    it.each([
      ["what a pod is made of", { spec: { restartPolicy: "Always" } }, "spec"],
      ["its uid", { metadata: { uid: "another" } }, "metadata.uid"],
      ["a label that is none", { metadata: { labels: { "y y": "1" } } }, "metadata.labels"],
    ])("refuses to change %s: 422", async (_what, patch, field) => {
      const stage = getStage();
      await stage.make("a");
      const refusal = await refusalOf(stage.patch("a", patch));
      expect(refusal).toMatchObject({ code: 422, reason: "Invalid" });
      expect(refusal.details?.causes?.[0]).toMatchObject({ field });
    });

    it("keeps a status from who patches the pod, and a pod from who patches the status", async () => {
      const stage = getStage();
      await stage.make("a");
      expect((await stage.patch("a", { status: { phase: "Running" } })).status?.phase).toBe("Pending");
      const { name, namespace } = { name: "a", namespace: stage.namespace };
      const written = await stage.writeStatus(name, { phase: "Running" });
      expect(written.status?.phase).toBe("Running");
      expect((await stage.core.readNamespacedPodStatus({ name, namespace })).status?.phase).toBe("Running");
    });
  });
}
