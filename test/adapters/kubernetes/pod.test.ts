/** A machine's pod, as it is sent. */
import { describe, expect, it } from "vitest";
import { buildPod, type PodParts } from "../../../src/adapters/kubernetes/pod.ts";
import { runnerVersionOf } from "../../../src/adapters/kubernetes/runner-version.ts";
import type { KubernetesSettings } from "../../../src/adapters/kubernetes/settings.ts";
import { parseLaunchId, parseMachineId } from "../../../src/domain/ids.ts";
import { optionsOf, settingsOf } from "./stage.ts";

const PARTS: PodParts = {
  machineId: parseMachineId("m-00000001"),
  launchId: parseLaunchId("l-00000001"),
  settingsHash: "hash",
  avoidedNodes: [],
};

function build(settings: Partial<KubernetesSettings> = {}, parts: Partial<PodParts> = {}) {
  const pod = buildPod(optionsOf(settingsOf(settings)), { ...PARTS, ...parts });
  const [runner, ...sidecars] = pod.spec?.containers ?? [];
  const [bringer, ...others] = pod.spec?.initContainers ?? [];
  if (runner === undefined || bringer === undefined) throw new Error("a pod has a runner, and an agent brought to it");
  return { pod, spec: pod.spec ?? { containers: [] }, runner, bringer, sidecars, others };
}

describe("a pod", () => {
  it("is named and marked after its machine, and kept by those who move pods", () => {
    const { metadata } = build().pod;
    expect(metadata).toEqual({
      name: "m-00000001",
      namespace: "runners",
      labels: {
        "app.kubernetes.io/managed-by": "holdfast",
        "holdfast/controller": "ci-test",
        "holdfast/pool": "linux",
        "holdfast/machine": "m-00000001",
        "holdfast/launch": "l-00000001",
      },
      annotations: {
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
        "karpenter.sh/do-not-disrupt": "true",
        "holdfast/settings": "hash",
      },
    });
  });

  it("runs once, has the time of the longest job, and gives its jobs no token of the API", () => {
    const { spec } = build();
    expect(spec).toMatchObject({
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 21_600,
      automountServiceAccountToken: false,
    });
    expect(spec.serviceAccountName).toBeUndefined();
    expect(build({ serviceAccount: "runner" }).spec.serviceAccountName).toBe("runner");
  });

  it("brings the agent in on the runner's image, and runs it with a token that is meant for us", () => {
    const { spec, runner, bringer } = build();
    expect(bringer).toMatchObject({
      name: "holdfast-agent",
      image: runner.image,
      command: ["/bin/sh", "-c", expect.any(String)],
    });
    expect(bringer.volumeMounts?.map(({ mountPath }) => mountPath)).toEqual(["/holdfast"]);
    expect(runner.volumeMounts?.map(({ mountPath }) => mountPath)).toEqual(["/holdfast", "/var/run/secrets/holdfast"]);
    expect(spec.volumes?.[1]?.projected?.sources?.[0]?.serviceAccountToken).toEqual({
      audience: "holdfast",
      expirationSeconds: 3_600,
      path: "token",
    });
    const names = runner.env?.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        "HOLDFAST_CONTROLLER_URL",
        "HOLDFAST_MACHINE_ID",
        "HOLDFAST_POD_UID",
        "HOLDFAST_BUNDLE_SHA256",
      ]),
    );
  });

  it("has no secret of ours in it", () => {
    const text = JSON.stringify(build().pod);
    expect(text).not.toMatch(/identitySecret|ghp_|jitconfig/i);
  });

  it("fetches the agent by the proxy and the authorities that the template names for the runner", () => {
    const certificate = { name: "acme", mountPath: "/etc/acme", readOnly: true };
    const env = [{ name: "NODE_EXTRA_CA_CERTS", value: "/etc/acme/ca.pem" }];
    const { bringer } = build({
      template: { spec: { containers: [{ name: "runner", env, volumeMounts: [certificate] }] } },
    });
    expect(bringer.env?.[0]).toEqual(env[0]);
    expect(bringer.env?.map(({ name }) => name)).toContain("HOLDFAST_BUNDLE_URL");
    expect(bringer.volumeMounts).toEqual([certificate, { name: "holdfast-agent", mountPath: "/holdfast" }]);
  });

  it("takes the template's part of the runner's container, and all else of the template", () => {
    const { spec, runner, sidecars, others } = build({
      resources: { requests: { cpu: "2" }, limits: { memory: "4Gi" } },
      nodeSelector: { pool: "ci" },
      tolerations: [{ key: "ci", operator: "Exists" }],
      template: {
        metadata: { labels: { team: "platform" }, annotations: { note: "yes" } },
        spec: {
          priorityClassName: "ci",
          nodeSelector: { arch: "arm64" },
          tolerations: [{ key: "gpu", operator: "Exists" }],
          automountServiceAccountToken: true,
          initContainers: [{ name: "warm-up", image: "warm:1" }],
          containers: [
            { name: "dind", image: "docker:dind", securityContext: { privileged: true } },
            {
              name: "runner",
              env: [{ name: "DOCKER_HOST", value: "unix:///run/docker.sock" }],
              volumeMounts: [{ name: "sock", mountPath: "/run" }],
              securityContext: { runAsUser: 1001 },
            },
          ],
          volumes: [{ name: "sock", emptyDir: {} }],
        },
      },
    });
    expect(spec).toMatchObject({
      priorityClassName: "ci",
      automountServiceAccountToken: true,
      nodeSelector: { arch: "arm64", pool: "ci" },
      tolerations: [{ key: "gpu" }, { key: "ci" }],
    });
    expect(spec.volumes?.map(({ name }) => name)).toEqual(["sock", "holdfast-agent", "holdfast-token"]);
    expect(sidecars.map(({ name }) => name)).toEqual(["dind"]);
    expect(others.map(({ name }) => name)).toEqual(["warm-up"]);
    expect(runner).toMatchObject({
      name: "runner",
      resources: { requests: { cpu: "2" }, limits: { memory: "4Gi" } },
      securityContext: { runAsUser: 1001 },
    });
    expect(runner.env?.[0]?.name).toBe("DOCKER_HOST");
    expect(runner.volumeMounts?.[0]?.mountPath).toBe("/run");
  });

  it("avoids nodes in each of the alternatives that the template names", () => {
    const terms = [{ matchExpressions: [{ key: "a", operator: "Exists" }] }, { matchFields: [] }];
    const required = { nodeSelectorTerms: terms };
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } };
    const { spec } = build({ template: { spec: { affinity } } }, { avoidedNodes: ["n1", "n2"] });
    const avoided = ["n1", "n2"].map((node) => ({ key: "metadata.name", operator: "NotIn", values: [node] }));
    expect(spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms).toEqual([
      { matchExpressions: [{ key: "a", operator: "Exists" }], matchFields: avoided },
      { matchFields: avoided },
    ]);
  });
});

it.each([
  ["ghcr.io/actions/actions-runner:2.336.0", "2.336.0"],
  ["registry:5000/runner:v2.336.0-jammy", "2.336.0"],
  [`runner:2.336.0@sha256:${"0".repeat(64)}`, "2.336.0"],
  ["ghcr.io/actions/actions-runner:latest", null],
  ["registry:5000/runner", null],
])("the runner's version by the tag of %s", (image, version) => {
  expect(runnerVersionOf(image)).toBe(version);
});
