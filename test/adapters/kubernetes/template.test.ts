/** What of a template would let a container that has ended start again: its end would prove nothing any more. */
import { expect, it } from "vitest";
import { findConflicts } from "../../../src/adapters/kubernetes/template.ts";

const RULES = [{ action: "RestartAllContainers", exitCodes: { operator: "In", values: [137] } }];

it.each([
  [
    "the runner's container, by a policy of its own",
    { containers: [{ name: "runner", restartPolicy: "Always" }] },
    "spec.containers[0].restartPolicy",
  ],
  [
    "the runner's container, by its exit code",
    { containers: [{ name: "runner", restartPolicyRules: RULES }] },
    "spec.containers[0].restartPolicyRules",
  ],
  [
    "all containers, by the exit code of another",
    { containers: [{ name: "runner" }, { name: "docker", restartPolicyRules: RULES }] },
    "spec.containers[1].restartPolicyRules",
  ],
  [
    "all containers, by the exit code of one before them",
    { initContainers: [{ name: "warm-up", restartPolicyRules: RULES }] },
    "spec.initContainers[0].restartPolicyRules",
  ],
])("restarts %s", (_name, spec, path) => {
  expect(findConflicts({ spec }).map((conflict) => conflict.path)).toEqual([path]);
});

it("leaves a sidecar to its own restarts", () => {
  const docker = { name: "docker", restartPolicy: "Always" };
  expect(findConflicts({ spec: { containers: [{ name: "runner" }, docker], initContainers: [docker] } })).toEqual([]);
});
