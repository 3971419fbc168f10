/** What `holdfast check` finds at a cluster. */
import { describe, expect, it } from "vitest";
import { ACCESS_RULES, policyRules } from "../../../src/adapters/kubernetes/access-rules.ts";
import { rolesFor } from "../../../src/adapters/kubernetes/role.ts";
import { CONTROLLER, NAMESPACE, useStage } from "./stage.ts";

const stage = useStage();
const ACCOUNT = { name: "holdfast", namespace: NAMESPACE };

function withRules(rules: Parameters<typeof stage.cluster.allowAccount>[1]) {
  const token = stage.cluster.issueToken({ namespace: NAMESPACE, serviceAccount: ACCOUNT.name });
  stage.cluster.allowAccount(ACCOUNT, rules);
  return stage.another({ token });
}

describe("the check", () => {
  it("finds nothing where everything may be done, and leaves nothing behind", async () => {
    expect(await stage.provider.check()).toEqual([]);
    expect(stage.cluster.pods()).toEqual([]);
  });

  it("finds a missing `delete` before it matters, and names the rule to add", async () => {
    const rules = policyRules("namespace").map((rule) =>
      rule.resources[0] === "pods" ? { ...rule, verbs: rule.verbs.filter((verb) => verb !== "delete") } : rule,
    );
    const findings = await withRules(rules).check();
    expect(findings).toContainEqual({
      severity: "error",
      path: "pools[].provider",
      finding: `The credentials may not delete pods in namespace ${NAMESPACE}; without it no machine is ever ended, and each costs until somebody deletes it.`,
      mend: 'Add to the Role: {"apiGroups":[""],"resources":["pods"],"verbs":["delete"]}. `holdfast check --rbac` prints all of it.',
    });
    expect(findings.filter(({ finding }) => finding.includes("in namespace"))).toHaveLength(1);
  });

  it("asks for each permission of the list, and only warns of what is optional", async () => {
    const findings = await withRules([]).check();
    expect(findings).toHaveLength(ACCESS_RULES.length);
    expect(findings.filter(({ severity }) => severity === "warning")).toHaveLength(
      ACCESS_RULES.filter(({ isOptional }) => isOptional === true).length,
    );
  });

  it("tries the pod itself, and tells what admission says", async () => {
    stage.cluster.refuseAdmission(() => "no runners here");
    expect(await stage.provider.check()).toMatchObject([
      { severity: "error", finding: expect.stringContaining("no runners here") as unknown },
    ]);
  });

  it("names a field that the cluster does not know", async () => {
    const template = { spec: { containers: [{ name: "runner", enviroment: [{ name: "A", value: "1" }] }] } };
    expect(await stage.another({ settings: { template } }).check()).toMatchObject([
      { severity: "warning", path: "pools[].provider.template.spec.containers[0].enviroment" },
    ]);
  });

  it("warns, and no more, where the cluster does not answer", async () => {
    stage.cluster.injectFault("any", { kind: "refused", reason: "InternalError", effect: "none" }, 50);
    expect(await stage.provider.check()).toMatchObject([{ severity: "warning" }]);
  });
});

it("prints the roles as the objects that are applied", () => {
  const roles = rolesFor(CONTROLLER, ["runners", "runners"]);
  expect(roles.map((role) => (role as { kind: string }).kind)).toEqual([
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
  ]);
  expect(roles[0]).toMatchObject({ rules: policyRules("namespace"), metadata: { namespace: "runners" } });
});
