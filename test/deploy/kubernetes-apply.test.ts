/**
 * The manifests at the simulated cluster and at a real API server: taken by a dry run and then for good, by kubectl, as users
 * do it; and `check`, as the controller's own account, finds nothing amiss with them.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { CoreV1Api, RbacAuthorizationV1Api } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, parseAllDocuments, stringify } from "yaml";
import { createKubernetesProvider } from "../../src/adapters/kubernetes/provider.ts";
import type { PoolConfig } from "../../src/app/config/config.ts";
import type { CheckFinding } from "../../src/ports/provider.ts";
import { handClock, optionsOf } from "../adapters/kubernetes/stage.ts";
import { makeFolder, readIn, soundConfig } from "../app/config/config-folder.ts";
import type { ContractCluster } from "../contracts/kubernetes/clusters.ts";
import { findOnPath, findPrograms, openRealCluster } from "../contracts/kubernetes/real-cluster.ts";
import { openSimulatedCluster } from "../contracts/kubernetes/simulated-cluster.ts";

const FOLDER = join(import.meta.dirname, "..", "..", "deploy", "kubernetes");
const [CONTROLLER, POOL, HOOKS] = ["controller.yaml", "pool.yaml", "examples/container-mode-role.yaml"].map((name) =>
  join(FOLDER, name),
) as [string, string, string];
const RUNNERS = "holdfast-runners";
const found = findPrograms();
const noKubectl = findOnPath("kubectl") === null ? "there is no kubectl here" : null;

interface Place {
  readonly name: string;
  readonly open: () => Promise<ContractCluster>;
  /** What is said of where it cannot be tried. */
  readonly why: string | null;
  /** The simulated one has no schemas of what it only keeps. */
  readonly validate: "strict" | "ignore";
}

const SIMULATED: Place = {
  name: "the simulated cluster",
  open: openSimulatedCluster,
  why: noKubectl,
  validate: "ignore",
};
const REAL: Place = {
  name: "a real API server",
  open: () => (found.kind === "missing" ? Promise.reject(new Error(found.why)) : openRealCluster(found.programs)),
  why: found.kind === "missing" ? found.why : noKubectl,
  validate: "strict",
};

let cluster: ContractCluster;
let folder: string;

async function kubectl(...parameters: readonly string[]): Promise<string> {
  const run = promisify(execFile);
  const { stdout } = await run("kubectl", ["--kubeconfig", join(folder, "kubeconfig"), ...parameters], {
    timeout: 30_000,
    // What it learns of the API it keeps in the user's home.
    env: { ...process.env, HOME: folder },
  });
  return stdout;
}

/** Speaks as the controller's service account, by a token that the API gives out for it. */
async function checkAsController({ provider, runner }: PoolConfig): Promise<readonly CheckFinding[]> {
  if (provider.kind !== "kubernetes") throw new Error("of another kind");
  const account = { name: "holdfast", namespace: "holdfast" };
  const body = { spec: { audiences: [], expirationSeconds: 600 } };
  const { status } = await cluster.config.makeApiClient(CoreV1Api).createNamespacedServiceAccountToken({
    ...account,
    body,
  });
  const file = join(folder, "controller");
  writeFileSync(file, cluster.configWith(status?.token ?? "").exportConfig());
  const access = { kind: "kubeconfig", file, context: null } as const;
  const options = optionsOf({ ...provider, access }, handClock());
  return createKubernetesProvider({ ...options, runnerDirectory: runner.directory }).check();
}

async function poolOf(text: string): Promise<PoolConfig> {
  const [pool] = (await readIn(makeFolder(), { ...soundConfig(), pools: parse(text).pools })).pools;
  if (pool === undefined) throw new Error("there is no pool");
  return pool;
}

const shippedPool = async () => poolOf(await kubectl("-n", "holdfast", "get", "configmap", "holdfast", "-o", SHIPPED));
const SHIPPED = "jsonpath={.data.holdfast\\.yaml}";

function describeManifests({ name, open, why, validate }: Place, more: () => void = () => {}): void {
  // Skipped: without these programs nobody can say what they make of the files.
  describe.skipIf(why !== null)(`the manifests at ${name}${why === null ? "" : ` (${why})`}`, () => {
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "holdfast-apply-"));
      cluster = await open();
      writeFileSync(join(folder, "kubeconfig"), cluster.config.exportConfig());
      const core = cluster.config.makeApiClient(CoreV1Api);
      // A dry run makes no namespace, and finds none for what is in it.
      for (const namespace of ["holdfast", RUNNERS, "holdfast-runners-containers"])
        await core.createNamespace({ body: { metadata: { name: namespace } } });
    }, 120_000);
    afterAll(async () => {
      await cluster?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    it("are taken, each field of them, by a dry run", async () => {
      const files = [CONTROLLER, POOL, HOOKS].flatMap((file) => ["-f", file]);
      const said = await kubectl("apply", "--dry-run=server", `--validate=${validate}`, ...files);
      const lines = said.trim().split("\n");
      const documents = [CONTROLLER, POOL, HOOKS].flatMap((file) => parseAllDocuments(readFileSync(file, "utf8")));
      expect(lines).toHaveLength(documents.length);
      for (const line of lines) expect(line).toMatch(/ (?:created|configured) \(server dry run\)$/);
    });

    it("are all that a pool needs, and not one permission more is asked for", async () => {
      await kubectl("apply", `--validate=${validate}`, "-f", CONTROLLER, "-f", POOL);
      expect(await checkAsController(await shippedPool())).toEqual([]);
    });

    it("lack something as soon as a verb is taken away, and `check` names the rule", async () => {
      const rbac = cluster.config.makeApiClient(RbacAuthorizationV1Api);
      const role = await rbac.readNamespacedRole({ name: "holdfast", namespace: RUNNERS });
      for (const rule of role.rules ?? []) rule.verbs = rule.verbs.filter((verb) => verb !== "delete");
      await rbac.replaceNamespacedRole({ name: "holdfast", namespace: RUNNERS, body: role });
      const findings = await checkAsController(await shippedPool());
      const missing = findings.map(({ severity, finding }) => `${severity}: ${finding}`);
      expect(missing).toEqual([
        expect.stringMatching(/^error: The credentials may not delete pods in namespace holdfast-runners;/),
        expect.stringMatching(
          /^error: The credentials may not delete poddisruptionbudgets in namespace holdfast-runners;/,
        ),
      ]);
      await kubectl("apply", `--validate=${validate}`, "-f", POOL);
      expect(await checkAsController(await shippedPool())).toEqual([]);
    });

    more();
  });
}

describeManifests(SIMULATED);
describeManifests(REAL, () => {
  it.each([
    ["plain", RUNNERS, "baseline"],
    ["dind", "holdfast-runners-docker", "privileged"],
    ["container-mode", "holdfast-runners-containers", "baseline"],
  ])("do for the example %s, in a namespace that is a copy of the one shipped", async (example, namespace, level) => {
    const copied = join(folder, "pool.yaml");
    const shipped = readFileSync(POOL, "utf8").replaceAll(RUNNERS, namespace);
    writeFileSync(copied, shipped.replace("enforce: baseline", `enforce: ${level}`));
    await kubectl("apply", "-f", copied, ...(example === "container-mode" ? ["-f", HOOKS] : []));
    expect(
      await checkAsController(await poolOf(readFileSync(join(FOLDER, "examples", `${example}.yaml`), "utf8"))),
    ).toEqual([]);
  });

  it("refuse a privileged daemon where its namespace does not allow one, in the API server's own words", async () => {
    const dind = parse(readFileSync(join(FOLDER, "examples", "dind.yaml"), "utf8"));
    dind.pools[0].provider.namespace = RUNNERS;
    const [refused] = await checkAsController(await poolOf(stringify(dind)));
    expect(refused).toMatchObject({ severity: "error", finding: expect.stringContaining("violates PodSecurity") });
  });
});
