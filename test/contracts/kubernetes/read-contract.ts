import { describe, expect, it } from "vitest";
import type { GetStage } from "./contract.ts";
import { NODE, refusalOf } from "./stage.ts";

export function describeReading(getStage: GetStage): void {
  describeLists(getStage);
  describePages(getStage);
  describeRefusals(getStage);
}

function describeLists(getStage: GetStage): void {
  describe("listing", () => {
    it("lists by labels and by fields, with a resourceVersion", async () => {
      const stage = getStage();
      await stage.make("a", {}, { pool: "linux" });
      await stage.make("b", { nodeName: NODE }, { pool: "mac", extra: "" });
      await stage.writeStatus("b", { phase: "Running" });
      const names = async (selector: object) => {
        const { items, metadata } = await stage.core.listNamespacedPod({ namespace: stage.namespace, ...selector });
        expect(Number(metadata?.resourceVersion)).toBeGreaterThan(0);
        return items.map(({ metadata }) => metadata?.name);
      };
      expect(await names({})).toEqual(["a", "b"]);
      expect(await names({ labelSelector: "pool=linux" })).toEqual(["a"]);
      expect(await names({ labelSelector: "pool in (linux,mac),!extra" })).toEqual(["a"]);
      expect(await names({ labelSelector: "pool!=linux" })).toEqual(["b"]);
      expect(await names({ fieldSelector: "metadata.name=b" })).toEqual(["b"]);
      expect(await names({ fieldSelector: `spec.nodeName=${NODE}` })).toEqual(["b"]);
      expect(await names({ fieldSelector: "status.phase!=Running" })).toEqual(["a"]);
    });
  });
}

function describePages(getStage: GetStage): void {
  describe("paging", () => {
    it("pages through one moment, whatever happens meanwhile", async () => {
      const stage = getStage();
      const { core, namespace } = stage;
      for (const name of ["a", "b", "c", "d", "e"]) await stage.make(name);
      const first = await core.listNamespacedPod({ namespace, limit: 2 });
      expect(first.metadata?.remainingItemCount).toBe(3);
      await stage.make("bb");
      await stage.delete("e");
      const names = first.items.map(({ metadata }) => metadata?.name);
      let place = first.metadata?._continue;
      for (let count = 0; place !== undefined && place !== ""; count += 1) {
        expect(count).toBeLessThan(3);
        const page = await core.listNamespacedPod({ namespace, limit: 2, _continue: place });
        names.push(...page.items.map(({ metadata }) => metadata?.name));
        expect(page.metadata?.resourceVersion).toBe(first.metadata?.resourceVersion);
        place = page.metadata?._continue;
      }
      expect(names).toEqual(["a", "b", "c", "d", "e"]);
    });

    it("refuses to page on from what is forgotten, with a place to go on from: 410", async () => {
      const stage = getStage();
      const { namespace, core } = stage;
      for (const name of ["a", "b", "c"])
        await core.createNamespacedResourceQuota({
          namespace,
          body: { metadata: { name }, spec: { hard: { pods: "9" } } },
        });
      const first = await core.listNamespacedResourceQuota({ namespace, limit: 1 });
      await stage.make("later");
      await stage.cluster.forgetHistory();
      const _continue = String(first.metadata?._continue);
      const refusal = await refusalOf(core.listNamespacedResourceQuota({ namespace, limit: 1, _continue }));
      expect(refusal).toMatchObject({ code: 410, reason: "Expired" });
      expect(refusal).toHaveProperty("metadata.continue", expect.stringMatching(/./));
    });
  });
}

function describeRefusals(getStage: GetStage): void {
  describe("reading", () => {
    it("refuses a resourceVersion that has not come yet: 504", async () => {
      const { namespace, core } = getStage();
      const refusal = await refusalOf(core.listNamespacedPod({ namespace, resourceVersion: "99999999" }));
      expect(refusal).toMatchObject({ code: 504, reason: "Timeout" });
      expect(refusal.details?.causes).toMatchObject([{ reason: "ResourceVersionTooLarge" }]);
    });

    it.each([
      ["a place that it never gave", { _continue: "abc" }],
      ["a field that nobody can select by", { fieldSelector: "spec.foo=a" }],
    ])("refuses %s: 400", async (_what, query) => {
      const { namespace, core } = getStage();
      expect(await refusalOf(core.listNamespacedPod({ namespace, ...query }))).toMatchObject({
        code: 400,
        reason: "BadRequest",
      });
    });

    it("says of a pod that is not there that it is not: 404", async () => {
      expect(await refusalOf(getStage().read("nobody"))).toMatchObject({
        code: 404,
        reason: "NotFound",
        message: 'pods "nobody" not found',
        details: { name: "nobody", kind: "pods" },
      });
    });

    it("wants to know which container's log is meant: 400", async () => {
      const stage = getStage();
      const { namespace, core } = stage;
      const containers = ["one", "two"].map((name) => ({ name, image: "runner:1" }));
      await stage.make("a", { containers });
      const message = "a container name must be specified for pod a, choose one of: [one two]";
      expect(await refusalOf(core.readNamespacedPodLog({ name: "a", namespace }))).toMatchObject({
        code: 400,
        message,
      });
      const wrong = core.readNamespacedPodLog({ name: "a", namespace, container: "three" });
      expect(await refusalOf(wrong)).toMatchObject({ code: 400, message: "container three is not valid for pod a" });
    });
  });
}
