/** The configurations that are shipped for a cluster: that Holdfast takes them, and what pods come of them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { V1Pod } from "@kubernetes/client-node";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { buildPod } from "../../src/adapters/kubernetes/pod.ts";
import type { PoolConfig } from "../../src/app/config/config.ts";
import { parseLaunchId } from "../../src/domain/ids.ts";
import { optionsOf } from "../adapters/kubernetes/stage.ts";
import { makeFolder, readIn, soundConfig } from "../app/config/config-folder.ts";
import { machineId } from "../domain/builders.ts";

const FOLDER = join(import.meta.dirname, "..", "..", "deploy", "kubernetes");
const EXAMPLES = ["plain", "dind", "container-mode"] as const;

const textOf = (name: string) => readFileSync(join(FOLDER, name), "utf8");

async function poolOf(example: (typeof EXAMPLES)[number]): Promise<PoolConfig> {
  const config = await readIn(makeFolder(), { ...soundConfig(), ...parse(textOf(`examples/${example}.yaml`)) });
  const [pool] = config.pools;
  if (pool === undefined || config.pools.length !== 1) throw new Error("one pool in each example");
  return pool;
}

function podOf({ provider, runner }: PoolConfig): V1Pod {
  if (provider.kind !== "kubernetes") throw new Error("of another kind");
  const options = { ...optionsOf(provider), runnerDirectory: runner.directory };
  const parts = { machineId: machineId(), launchId: parseLaunchId("l-00000001"), settingsHash: "hash" };
  return buildPod(options, { ...parts, avoidedNodes: [] });
}

describe("the controller's configuration", () => {
  it("is taken as it is shipped, with the secrets that it names", async () => {
    const [map] = parseAllDocuments(textOf("controller.yaml"))
      .map((document) => document.toJS())
      .filter(({ kind }) => kind === "ConfigMap");
    const shipped = parse(map.data["holdfast.yaml"]);
    const config = await readIn(makeFolder(), shipped);
    expect(config.pools.map(({ provider }) => provider.kind)).toEqual(["kubernetes"]);
  });
});

describe("the examples", () => {
  it.each(EXAMPLES)("%s is taken without a problem", async (example) => {
    const { policy, provider } = await poolOf(example);
    expect(provider).toMatchObject({ kind: "kubernetes", access: { kind: "in-cluster" } });
    expect(policy.jobsPerMachine).toBe(1);
  });

  it.each(EXAMPLES)("%s is linked from the guide", (example) => {
    const guide = readFileSync(join(FOLDER, "..", "..", "docs", "guide", "kubernetes.md"), "utf8");
    expect(guide).toContain(`deploy/kubernetes/examples/${example}.yaml`);
  });

  it("dind: a daemon that is up before the runner, with the runner's own paths and a socket for both", async () => {
    const { spec } = podOf(await poolOf("dind"));
    const [first, daemon] = spec?.initContainers ?? [];
    expect([first?.name, daemon?.name, daemon?.restartPolicy]).toEqual(["holdfast-agent", "docker", "Always"]);
    const [runner] = spec?.containers ?? [];
    const host = runner?.env?.find(({ name }) => name === "DOCKER_HOST")?.value ?? "";
    expect(daemon?.args).toContain(`--host=${host}`);
    for (const name of ["docker-socket", "holdfast-agent"]) {
      const pathIn = (container: typeof runner) =>
        container?.volumeMounts?.find((mount) => mount.name === name)?.mountPath;
      expect(pathIn(daemon), name).toBeDefined();
      expect(pathIn(daemon), name).toBe(pathIn(runner));
    }
    expect(host).toContain(runner?.volumeMounts?.find(({ name }) => name === "docker-socket")?.mountPath);
    const volumes = spec?.volumes?.map(({ name }) => name) ?? [];
    for (const { name } of [...(daemon?.volumeMounts ?? []), ...(runner?.volumeMounts ?? [])])
      expect(volumes).toContain(name);
  });

  it("container mode: the hooks know their pod, and have an account that may what they need", async () => {
    const { spec, metadata } = podOf(await poolOf("container-mode"));
    const documents = parseAllDocuments(textOf("examples/container-mode-role.yaml")).map((document) => document.toJS());
    const [account] = documents.filter(({ kind }) => kind === "ServiceAccount");
    expect(account.metadata).toEqual({ name: spec?.serviceAccountName, namespace: metadata?.namespace });
    expect(spec?.automountServiceAccountToken).toBe(true);
    const [binding] = documents.filter(({ kind }) => kind === "RoleBinding");
    expect(binding.subjects).toEqual([{ kind: "ServiceAccount", ...account.metadata }]);
    const [role] = documents.filter(({ kind }) => kind === "Role");
    expect([binding.roleRef.kind, binding.roleRef.name]).toEqual([role.kind, role.metadata.name]);
    const names = spec?.containers[0]?.env?.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["ACTIONS_RUNNER_CONTAINER_HOOKS", "ACTIONS_RUNNER_POD_NAME"]));
  });

  it("leave the service account's token out of the pods, but for the hooks", async () => {
    for (const example of ["plain", "dind"] as const)
      expect(podOf(await poolOf(example)).spec?.automountServiceAccountToken).toBe(false);
  });
});
