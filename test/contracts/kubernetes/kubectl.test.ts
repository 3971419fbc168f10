/** Debian's kubectl against the simulated cluster: our objects are found, read and deleted as a user does it. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type SimulatedKubernetes,
  startSimulatedKubernetes,
} from "../../../src/simulator/server/kubernetes/simulated-kubernetes.ts";
import { issueCertificate } from "../../http/issue-certificate.ts";
import { findOnPath } from "./real-cluster.ts";

const run = promisify(execFile);
const CALL_MS_MAX = 20_000;
const kubectl = findOnPath("kubectl");

if (kubectl === null) {
  const why = "kubectl is not installed here (Debian: kubernetes-client); with it this suite runs";
  it(why, ({ skip }) => skip(why));
} else {
  describe("kubectl", () => {
    let directory: string;
    let cluster: SimulatedKubernetes;
    const call = async (...parameters: readonly string[]): Promise<string> => {
      const options = { timeout: CALL_MS_MAX, env: { HOME: directory, KUBECONFIG: join(directory, "config") } };
      const { stdout } = await run(kubectl, [...parameters], options);
      return stdout.trim();
    };
    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), "holdfast-kubectl-"));
      const times = {
        schedulingMs: [0, 0],
        acceptingMs: [0, 0],
        pullMs: [0, 0],
        startingMs: [0, 0],
        finishingMs: [0, 0],
      } as const;
      cluster = await startSimulatedKubernetes({ seed: 1, certificate: issueCertificate(), kubernetes: { times } });
      await writeFile(join(directory, "config"), cluster.kubeconfig(), { mode: 0o600 });
    });
    afterEach(async () => {
      await cluster.close();
      await rm(directory, { recursive: true, force: true });
    });
    const pod = (name: string) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, labels: { pool: "linux" } },
      spec: { restartPolicy: "Never", containers: [{ name: "runner", image: "runner:1" }] },
    });
    const apply = async (name: string): Promise<void> => {
      const path = join(directory, "pod.json");
      await writeFile(path, JSON.stringify(pod(name)));
      expect(await call("create", "--validate=false", "-f", path)).toBe(`pod/${name} created`);
      await cluster.waitFor(
        `${name} runs`,
        () => cluster.pod({ name, namespace: "runners" })?.status.phase === "Running",
        CALL_MS_MAX,
      );
    };

    it("makes, lists, labels, reads and deletes a pod, and waits until it is gone", async () => {
      await apply("machine-1");
      await apply("machine-2");
      expect(await call("get", "pods", "-l", "pool=linux", "-o", "name")).toBe("pod/machine-1\npod/machine-2");
      const jsonPath = "jsonpath={.status.phase} {.status.containerStatuses[0].state.running}";
      expect(await call("get", "pod", "machine-1", "-o", jsonPath)).toMatch(/^Running \{"startedAt":"20/);
      expect(await call("annotate", "pod", "machine-1", "note=mine")).toBe("pod/machine-1 annotated");
      cluster.setLog({ name: "machine-1", namespace: "runners" }, "runner", "one\ntwo\nthree\n");
      expect(await call("logs", "machine-1", "--tail=2")).toBe("two\nthree");
      expect(await call("delete", "pod", "machine-1")).toMatch(/^pod "machine-1" deleted/);
      expect(cluster.pods().map(({ metadata }) => metadata.name)).toEqual(["machine-2"]);
    });

    it("reads the nodes, and hears of what is not there", async () => {
      expect(await call("get", "nodes", "-o", "name")).toBe("node/node-a\nnode/node-b");
      await expect(call("get", "pod", "nobody")).rejects.toThrow('pods "nobody" not found');
    });
  });
}
