/** Who vouches for pods: one for each cluster and namespace that a pool has or had machines in. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { PoolConfig } from "../../src/app/config/config.ts";
import { podAuthoritiesOf } from "../../src/app/providers.ts";
import type { SettledPool } from "../../src/app/settle-pools.ts";
import { startSimulatedKubernetes } from "../../src/simulator/server/kubernetes/simulated-kubernetes.ts";
import { handClock } from "../adapters/kubernetes/stage.ts";
import { makeFolder, readIn, soundConfig } from "./config/config-folder.ts";

async function poolIn(folder: string, namespace: string, name = "linux"): Promise<PoolConfig> {
  const config = soundConfig();
  const [pool] = config.pools;
  const provider = {
    kind: "kubernetes",
    namespace,
    image: "runner",
    access: { kind: "kubeconfig", file: "kubeconfig" },
  };
  config.pools = [{ ...pool, name, runner: { directory: "/home/runner" }, provider }];
  writeFileSync(join(folder, "kubeconfig"), "{}");
  const [built] = (await readIn(folder, config)).pools;
  if (built === undefined) throw new Error("one pool");
  return built;
}

function settled(config: PoolConfig, formers: readonly PoolConfig[] = []): SettledPool {
  return { config, formers, isDeparted: false, isUnconnected: false };
}

it("is asked for the pools that are there, or were, and once for each place", async () => {
  const folder = makeFolder();
  const one = await poolIn(folder, "a");
  const other = await poolIn(folder, "a", "other");
  const former = await poolIn(folder, "b");
  const authorities = podAuthoritiesOf([settled(one, [former]), settled(other)], handClock());
  expect(authorities.map(({ namespace, pools }) => [namespace, pools])).toEqual([
    ["a", ["linux", "other"]],
    ["b", ["linux"]],
  ]);
});

it("is asked again where its credentials could not be read the first time", async () => {
  const folder = makeFolder();
  const config = await poolIn(folder, "runners");
  const [authority] = podAuthoritiesOf([settled(config)], handClock());
  await expect(authority?.reviewPodToken("token")).rejects.toMatchObject({ code: "provider-invalid" });
  const cluster = await startSimulatedKubernetes({ kubernetes: { hasKubelets: false } });
  onTestFinished(() => cluster.close());
  writeFileSync(join(folder, "kubeconfig"), cluster.kubeconfig());
  expect(await authority?.reviewPodToken("token")).toBeNull();
});
