/** Pools whose credentials left the configuration while a pod of theirs is there. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { Config, PoolConfig } from "../../src/app/config/config.ts";
import { createPoolProvider, createProvider } from "../../src/app/providers.ts";
import { startSimulatedKubernetes } from "../../src/simulator/server/kubernetes/simulated-kubernetes.ts";
import { handClock } from "../adapters/kubernetes/stage.ts";
import { makeFolder, readIn, soundConfig } from "./config/config-folder.ts";

interface Read {
  readonly config: Config;
  readonly pool: PoolConfig;
}

/** Written into the folder as well. */
async function poolBy(folder: string, file: string, kubeconfig: string): Promise<Read> {
  const config = soundConfig();
  const [pool] = config.pools;
  const provider = { kind: "kubernetes", namespace: "runners", image: "runner", access: { kind: "kubeconfig", file } };
  config.pools = [{ ...pool, runner: { directory: "/home/runner" }, provider }];
  writeFileSync(join(folder, file), kubeconfig);
  const built = await readIn(folder, config);
  const [first] = built.pools;
  if (first === undefined) throw new Error("one pool");
  return { config: built, pool: first };
}

async function startCluster() {
  const cluster = await startSimulatedKubernetes({ kubernetes: { hasKubelets: false } });
  onTestFinished(() => cluster.close());
  return cluster;
}

const URL = "https://holdfast.test";

it("a pool that left together with its credentials keeps no other from starting, and is read once they are back", async () => {
  const folder = makeFolder();
  const cluster = await startCluster();
  const { config, pool } = await poolBy(folder, "left", cluster.kubeconfig());
  rmSync(join(folder, "left"));
  const settled = { config: pool, formers: [], isDeparted: true, isUnconnected: false };
  const { provider } = await createPoolProvider(settled, config, handClock(), URL);
  await expect(provider.list("all")).rejects.toMatchObject({
    code: "provider-unavailable",
    message: expect.stringContaining("left") as unknown,
  });
  writeFileSync(join(folder, "left"), cluster.kubeconfig());
  expect(await provider.list("all")).toEqual([]);
});

it("a pool that moved to another cluster starts without the credentials of the old one", async () => {
  const folder = makeFolder();
  const cluster = await startCluster();
  const { pool: former } = await poolBy(folder, "old", cluster.kubeconfig());
  const { config, pool } = await poolBy(folder, "new", cluster.kubeconfig());
  rmSync(join(folder, "old"));
  const settled = { config: pool, formers: [former], isDeparted: false, isUnconnected: false };
  await expect(createPoolProvider(settled, config, handClock(), URL)).resolves.toBeDefined();
});

it("credentials that cannot be read are told where the pool is tried, and read later where it runs", async () => {
  const folder = makeFolder();
  const cluster = await startCluster();
  const { config, pool } = await poolBy(folder, "kubeconfig", cluster.kubeconfig());
  rmSync(join(folder, "kubeconfig"));
  await expect(createProvider(pool, config, handClock(), URL)).rejects.toMatchObject({ code: "provider-invalid" });
  const settled = { config: pool, formers: [], isDeparted: false, isUnconnected: false };
  const { provider } = await createPoolProvider(settled, config, handClock(), URL);
  await expect(provider.list("all")).rejects.toMatchObject({ code: "provider-unavailable" });
  writeFileSync(join(folder, "kubeconfig"), cluster.kubeconfig());
  expect(await provider.list("all")).toEqual([]);
});
