/**
 * What a pass over a large pool of pods costs: the listing through the official client, the judgement of each pod and the
 * comparison with its row. The cluster is a process of its own.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKubernetesProvider } from "../src/adapters/kubernetes/provider.ts";
import { systemClock } from "../src/adapters/system/clock.ts";
import { observe } from "../src/controllers/observe.ts";
import { retire } from "../src/controllers/retire.ts";
import { insertMachine } from "../src/store/machines/save.ts";
import { inTransaction } from "../src/store/transaction.ts";
import { optionsOf, settingsOf } from "../test/adapters/kubernetes/stage.ts";
import { Yard } from "../test/controllers/yard.ts";
import { machine } from "../test/domain/builders.ts";
import { type Bench, type BenchOptions, type Figure, median, rounded } from "./bench.ts";
import type { ClusterWord } from "./pods/cluster.ts";

const PODS = 5_000;
const MEGABYTE = 1024 * 1024;
const CLUSTER = new URL("pods/cluster.ts", import.meta.url);

export const pods: Bench = {
  name: "pods",
  work: `a pass over ${PODS.toLocaleString("en")} pods that run: listed, judged, compared with their rows`,
  run: async (options) => {
    const yard = await Yard.open({ machineCountMax: PODS, warmParkedCount: PODS });
    const { controllerId, pool } = yard.context;
    const directory = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
    const cluster = fork(CLUSTER, [controllerId, pool.name, String(PODS)], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    try {
      options.note("making the pods");
      await connect(yard, cluster, directory);
      return { figures: await measure(yard, cluster, options), aims: [] };
    } finally {
      cluster.disconnect();
      await yard.close();
      await rm(directory, { recursive: true, force: true });
    }
  },
};

/** The rows of its pods, and the adapter that asks it. */
async function connect(yard: Yard, cluster: ChildProcess, directory: string): Promise<void> {
  const word = await nextWord(cluster);
  if (word.kind !== "ready") throw new Error("the cluster's first word is where it is");
  const tokenFile = join(directory, "token");
  await writeFile(tokenFile, word.token);
  const settings = settingsOf({ access: { kind: "token", server: word.url, tokenFile, certificateFile: null } });
  const { controllerId } = yard.context;
  const provider = createKubernetesProvider({ ...optionsOf(settings, systemClock()), controllerId });
  Object.assign(yard.context, { provider, abilities: provider });
  await inTransaction(yard.store, async (tx) => {
    for (const { machineId: id, providerId } of word.pods)
      await insertMachine(tx, machine({ id, state: { kind: "parked", providerId, sinceMs: yard.clock.nowMs() } }));
  });
}

async function measure(yard: Yard, cluster: ChildProcess, { rounds }: BenchOptions): Promise<readonly Figure[]> {
  const pass = async (): Promise<void> => {
    await observe(yard.context);
    await retire(yard.context);
  };
  const before = process.memoryUsage().rss;
  await pass();
  const callsBefore = await countCalls(cluster);
  const wallMs: number[] = [];
  const cpuMs: number[] = [];
  for (let count = 0; count < rounds; count += 1) {
    const startedAtMs = performance.now();
    const used = process.cpuUsage();
    await pass();
    const { user, system } = process.cpuUsage(used);
    wallMs.push(performance.now() - startedAtMs);
    cpuMs.push((user + system) / 1_000);
  }
  const calls = (await countCalls(cluster)) - callsBefore;
  return [
    { what: "calls a pass", ours: rounded(calls / rounds, 1) },
    { what: "time of a pass", ours: rounded(median(wallMs), 0), unit: "ms" },
    { what: "processor time of a pass", ours: rounded(median(cpuMs), 0), unit: "ms" },
    { what: "memory before the first pass", ours: rounded(before / MEGABYTE, 0), unit: "MB" },
    { what: "memory after the last pass", ours: rounded(process.memoryUsage().rss / MEGABYTE, 0), unit: "MB" },
  ];
}

async function countCalls(cluster: ChildProcess): Promise<number> {
  cluster.send("calls");
  const word = await nextWord(cluster);
  if (word.kind !== "calls") throw new Error("the cluster was asked for its calls");
  return word.count;
}

async function nextWord(cluster: ChildProcess): Promise<ClusterWord> {
  const [word] = await once(cluster, "message");
  return word as ClusterWord;
}
