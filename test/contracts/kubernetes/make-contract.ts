import { describe, expect, it } from "vitest";
import { makePods, POD_SHAPES } from "../../../src/simulator/kubernetes/shapes.ts";
import type { GetStage } from "./contract.ts";
import { refusalOf } from "./stage.ts";

const CAUSES = (refusal: { readonly details?: { readonly causes?: readonly object[] } }) => refusal.details?.causes;

export function describeMaking(getStage: GetStage): void {
  describeMade(getStage);
  describeInvalid(getStage);
  describeForbidden(getStage);
  describeBudgets(getStage);
  describeStatuses(getStage);
}

function describeMade(getStage: GetStage): void {
  describe("making", () => {
    it("gives a pod its uid, its version, its defaults, and the phase Pending", async () => {
      const pod = await getStage().make("a");
      expect(pod.metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(pod.metadata?.creationTimestamp).toBeInstanceOf(Date);
      expect(pod.status).toMatchObject({ phase: "Pending" });
      expect(pod.spec).toMatchObject({ serviceAccountName: "default", terminationGracePeriodSeconds: 30 });
      expect(pod.spec?.tolerations).toContainEqual({
        key: "node.kubernetes.io/unreachable",
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: 300,
      });
    });

    it("refuses a name that is taken: 409", async () => {
      const stage = getStage();
      await stage.make("a");
      expect(await refusalOf(stage.make("a"))).toMatchObject({
        code: 409,
        reason: "AlreadyExists",
        message: 'pods "a" already exists',
        details: { name: "a", kind: "pods" },
      });
    });

    it("makes nothing in a dry run, and refuses what it would refuse", async () => {
      const stage = getStage();
      const { core, namespace } = stage;
      const pod = await core.createNamespacedPod({ namespace, body: stage.body("a"), dryRun: "All" });
      expect(pod.metadata?.uid).toBeDefined();
      expect(await refusalOf(stage.read("a"))).toMatchObject({ code: 404 });
      await stage.make("a");
      const again = core.createNamespacedPod({ namespace, body: stage.body("a"), dryRun: "All" });
      expect(await refusalOf(again)).toMatchObject({ code: 409 });
      const other = core.createNamespacedPod({ namespace, body: stage.body("b"), dryRun: "Yes" });
      expect(await refusalOf(other)).toMatchObject({ code: 422, reason: "Invalid" });
    });
  });
}

function describeInvalid(getStage: GetStage): void {
  describe("what is made wrongly", () => {
    it("refuses names, labels and containers that are none, and names each: 422", async () => {
      const stage = getStage();
      const refusal = await refusalOf(stage.make("Bad_Name", { containers: [] }, { "x y": "1", z: "a b" }));
      expect(refusal).toMatchObject({ code: 422, reason: "Invalid", details: { name: "Bad_Name", kind: "Pod" } });
      expect(refusal.message).toMatch(/^Pod "Bad_Name" is invalid: \[metadata\.name: Invalid value: "Bad_Name": /);
      expect(CAUSES(refusal)).toMatchObject([
        { reason: "FieldValueInvalid", field: "metadata.name" },
        { reason: "FieldValueInvalid", field: "metadata.labels" },
        { reason: "FieldValueInvalid", field: "metadata.labels" },
        { reason: "FieldValueRequired", field: "spec.containers" },
      ]);
    });

    it("refuses containers without a name or an image, and two of one name: 422", async () => {
      const image = "runner:1";
      const containers = [{ name: "a" }, { name: "a", image }, { name: "", image }, { name: "A", image }];
      const refusal = await refusalOf(getStage().make("b", { containers, restartPolicy: "Sometimes" }));
      expect(refusal.code).toBe(422);
      expect(CAUSES(refusal)).toMatchObject([
        { reason: "FieldValueRequired", field: "spec.containers[0].image" },
        { reason: "FieldValueDuplicate", field: "spec.containers[1].name" },
        { reason: "FieldValueRequired", field: "spec.containers[2].name" },
        { reason: "FieldValueInvalid", field: "spec.containers[3].name" },
        { reason: "FieldValueNotSupported", field: "spec.restartPolicy" },
      ]);
    });
  });
}

function describeForbidden(getStage: GetStage): void {
  describe("what may not be made", () => {
    it("refuses a pod in a namespace that is not there: 404", async () => {
      const stage = getStage();
      const call = stage.core.createNamespacedPod({ namespace: "nowhere", body: stage.body("a") });
      expect(await refusalOf(call)).toMatchObject({ code: 404, message: 'namespaces "nowhere" not found' });
    });

    it("refuses a pod of an account that is not there: 403", async () => {
      const stage = getStage();
      const message = `pods "a" is forbidden: error looking up service account ${stage.namespace}/nobody: serviceaccount "nobody" not found`;
      const call = stage.make("a", { serviceAccountName: "nobody" });
      expect(await refusalOf(call)).toMatchObject({ code: 403, reason: "Forbidden", message });
    });

    it("refuses what is above a quota: 403", async () => {
      const stage = getStage();
      const { core, namespace } = stage;
      const hard = { pods: "1", "requests.cpu": "2" };
      await core.createNamespacedResourceQuota({ namespace, body: { metadata: { name: "q" }, spec: { hard } } });
      await stage.writeQuotaStatus("q", { hard, used: { pods: "1", "requests.cpu": "0" } });
      const wish = (cpu: string) => ({
        containers: [{ name: "runner", image: "r:1", resources: { requests: { cpu } } }],
      });
      // The API server may see a quota a little later than its maker.
      await expect
        .poll(async () => (await refusalOf(stage.make("silent"))).message, { timeout: 10_000 })
        .toBe('pods "silent" is forbidden: failed quota: q: must specify requests.cpu for: runner');
      expect(await refusalOf(stage.make("a", wish("3")))).toMatchObject({
        code: 403,
        reason: "Forbidden",
        message:
          'pods "a" is forbidden: exceeded quota: q, requested: pods=1,requests.cpu=3, used: pods=1,requests.cpu=0, limited: pods=1,requests.cpu=2',
        details: { name: "a", kind: "pods" },
      });
    });
  });
}

function describeBudgets(getStage: GetStage): void {
  describe("a disruption budget", () => {
    it("is made once", async () => {
      const { policy, namespace } = getStage();
      const spec = { maxUnavailable: 0, selector: { matchLabels: { pool: "linux" } } };
      const body = { metadata: { name: "linux" }, spec };
      await policy.createNamespacedPodDisruptionBudget({ namespace, body });
      const read = await policy.readNamespacedPodDisruptionBudget({ name: "linux", namespace });
      expect(read.spec).toMatchObject({ maxUnavailable: 0, selector: { matchLabels: { pool: "linux" } } });
      expect(await refusalOf(policy.createNamespacedPodDisruptionBudget({ namespace, body }))).toMatchObject({
        code: 409,
        message: 'poddisruptionbudgets.policy "linux" already exists',
      });
    });
  });
}

function describeStatuses(getStage: GetStage): void {
  describe("a kubelet's words", () => {
    it.each(POD_SHAPES)("are kept as they are: $name", async (shape) => {
      const stage = getStage();
      for (const { metadata, spec, status } of makePods(shape, { name: "machine", namespace: stage.namespace })) {
        const { name } = metadata;
        await stage.make(name, JSON.parse(JSON.stringify(spec)));
        await stage.writeStatus(name, status);
        const read = await stage.read(name);
        expect(JSON.parse(JSON.stringify(read.status, withWholeSeconds))).toMatchObject(withoutNulls(status));
      }
    });
  });
}

/** The client reads moments as dates, and writes them with milliseconds. */
function withWholeSeconds(_name: string, value: unknown): unknown {
  return typeof value === "string" ? value.replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.000Z$/, "$1Z") : value;
}

/** A merge patch takes away what is null. */
function withoutNulls(value: object): object {
  const text = JSON.stringify(value, (_name, one: unknown) => (one === null ? undefined : one));
  return JSON.parse(text) as object;
}
