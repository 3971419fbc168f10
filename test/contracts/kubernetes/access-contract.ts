import { describe, expect, it } from "vitest";
import type { GetStage } from "./contract.ts";
import { NODE, refusalOf, type Stage } from "./stage.ts";

const GROUP = "rbac.authorization.k8s.io";

/** A token of an account that may read and make pods, and no more. */
async function readerToken(stage: Stage): Promise<string> {
  const { core, rbac, namespace } = stage;
  const name = "reader";
  await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name } } });
  const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "create"] }];
  await rbac.createNamespacedRole({ namespace, body: { metadata: { name }, rules } });
  const roleRef = { apiGroup: GROUP, kind: "Role", name };
  const subjects = [{ kind: "ServiceAccount", name, namespace }];
  await rbac.createNamespacedRoleBinding({ namespace, body: { metadata: { name }, roleRef, subjects } });
  const { status } = await core.createNamespacedServiceAccountToken({
    name,
    namespace,
    body: { spec: { audiences: [] } },
  });
  const token = String(status?.token);
  // The API server sees a binding a little later than its maker.
  await expect.poll(() => mayDo(stage, token, "list"), { timeout: 10_000 }).toBe(true);
  return token;
}

async function mayDo(stage: Stage, token: string, verb: string): Promise<boolean | undefined> {
  const resourceAttributes = { namespace: stage.namespace, verb, resource: "pods" };
  const body = { spec: { resourceAttributes } };
  const review = await stage.as(token).authorization.createSelfSubjectAccessReview({ body });
  return review.status?.allowed;
}

export function describeAccess(getStage: GetStage): void {
  describeRoles(getStage);
  describePodTokens(getStage);
}

function describeRoles(getStage: GetStage): void {
  describe("access", () => {
    it("refuses who is nobody: 401", async () => {
      const { core } = getStage().as("rubbish");
      expect(await refusalOf(core.listNode())).toMatchObject({ code: 401 });
    });

    it("refuses what no role allows, and says so in a review: 403", async () => {
      const stage = getStage();
      const { namespace } = stage;
      const token = await readerToken(stage);
      const { core } = stage.as(token);
      await core.listNamespacedPod({ namespace });
      const who = `User "system:serviceaccount:${namespace}:reader"`;
      const refusal = await refusalOf(core.deleteNamespacedPod({ name: "a", namespace }));
      expect(refusal).toMatchObject({
        code: 403,
        reason: "Forbidden",
        message: `pods "a" is forbidden: ${who} cannot delete resource "pods" in API group "" in the namespace "${namespace}"`,
        details: { name: "a", kind: "pods" },
      });
      expect((await refusalOf(core.listNode())).message).toBe(
        `nodes is forbidden: ${who} cannot list resource "nodes" in API group "" at the cluster scope`,
      );
      expect((await refusalOf(core.readNamespacedPodLog({ name: "a", namespace }))).message).toBe(
        `pods "a" is forbidden: ${who} cannot get resource "pods/log" in API group "" in the namespace "${namespace}"`,
      );
      expect([await mayDo(stage, token, "get"), await mayDo(stage, token, "delete")]).toEqual([true, false]);
    });
  });
}

function describePodTokens(getStage: GetStage): void {
  describe("a pod's token", () => {
    it("tells its pod, to who asks for the audience that it is meant for alone", async () => {
      const stage = getStage();
      const { core, authentication, namespace } = stage;
      const { metadata } = await stage.make("a", { nodeName: NODE });
      const boundObjectRef = { apiVersion: "v1", kind: "Pod", name: "a", uid: String(metadata?.uid) };
      const spec = { audiences: ["holdfast"], expirationSeconds: 600, boundObjectRef };
      const made = await core.createNamespacedServiceAccountToken({ name: "default", namespace, body: { spec } });
      const token = String(made.status?.token);
      const review = async (text: string, audience: string) => {
        const body = { spec: { token: text, audiences: [audience] } };
        return (await authentication.createTokenReview({ body })).status;
      };
      const good = await review(token, "holdfast");
      expect(good).toMatchObject({ authenticated: true, audiences: ["holdfast"] });
      expect(good?.user).toMatchObject({
        username: `system:serviceaccount:${namespace}:default`,
        groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
        extra: {
          "authentication.kubernetes.io/pod-name": ["a"],
          "authentication.kubernetes.io/pod-uid": [metadata?.uid],
        },
      });
      const other = await review(token, "somebody-else");
      expect(other?.authenticated ?? false).toBe(false);
      expect(other?.error).toContain(
        'token audiences ["holdfast"] is invalid for the target audiences ["somebody-else"]',
      );
      expect((await review("rubbish", "holdfast"))?.authenticated ?? false).toBe(false);
      expect(await refusalOf(stage.as(token).core.listNamespacedPod({ namespace }))).toMatchObject({ code: 401 });
    });

    it("is not made for another pod of that name: 409", async () => {
      const stage = getStage();
      const { core, namespace } = stage;
      await stage.make("a", { nodeName: NODE });
      const boundObjectRef = { apiVersion: "v1", kind: "Pod", name: "a", uid: "another" };
      const body = { spec: { audiences: ["holdfast"], boundObjectRef } };
      const call = core.createNamespacedServiceAccountToken({ name: "default", namespace, body });
      expect(await refusalOf(call)).toMatchObject({ code: 409, reason: "Conflict" });
    });
  });
}
