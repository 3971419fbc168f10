import { describe, expect, it } from "vitest";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { endContainer, evictByNode, setImage, wedgePod } from "../../../src/simulator/kubernetes/cluster-control.ts";
import { changePodMeta } from "../../../src/simulator/kubernetes/control.ts";
import { conditionOf, KubernetesScene } from "./kubernetes-scene.ts";

const BRINGER = { name: "bringer", image: "runner:1" };
const DIND = { name: "dind", image: "dind:1", restartPolicy: "Always" };
const OURS = { initContainers: [BRINGER] };

describe("a pod's beginning", () => {
  it("goes from no status over its init container to running", () => {
    const scene = new KubernetesScene();
    scene.make("a", OURS);
    expect(scene.pod("a").status).toMatchObject({ phase: "Pending" });
    scene.passUntil("its init container waits", () => scene.containerState("a", "bringer")?.waiting !== undefined);
    expect(scene.containerState("a")).toEqual({ waiting: { reason: "PodInitializing" } });
    expect(scene.pod("a").spec.nodeName).toMatch(/^node-[ab]$/);
    scene.passUntilRunning("a");
    expect(scene.containerState("a", "bringer")?.terminated).toMatchObject({ exitCode: 0, reason: "Completed" });
    expect(scene.pod("a").status.phase).toBe("Running");
    expect(conditionOf(scene.pod("a"), "Ready")?.status).toBe("True");
  });

  it("keeps a sidecar running beside it, and ends it after it", () => {
    const scene = new KubernetesScene();
    scene.make("a", { initContainers: [BRINGER, DIND] });
    scene.passUntilRunning("a");
    expect(scene.containerState("a", "dind")?.running).toBeDefined();
    endContainer(scene.state, scene.place("a"), "runner", { exitCode: 0 }, scene.nowMs);
    expect(scene.containerState("a", "dind")?.running).toBeDefined();
    expect(scene.pod("a").status.phase).toBe("Running");
    scene.pass(2 * SECOND_MS);
    expect(scene.containerState("a", "dind")?.terminated).toMatchObject({ exitCode: 0 });
    expect(scene.pod("a").status.phase).toBe("Succeeded");
  });

  it("fails when its init container does, and never starts the rest", () => {
    const scene = new KubernetesScene({
      courses: { bringer: { runsMs: 100, exitCode: 3, endsAfterTermMs: 0, termExitCode: 143 } },
    });
    scene.make("a", OURS);
    scene.passUntil("it fails", () => scene.pod("a").status.phase === "Failed");
    expect(scene.containerState("a", "bringer")?.terminated?.exitCode).toBe(3);
    expect(scene.containerState("a")).toEqual({ waiting: { reason: "PodInitializing" } });
  });

  it("says why its image does not come, with pauses, and starts once it does", () => {
    const scene = new KubernetesScene();
    setImage(scene.state, "runner:1", { kind: "missing" });
    scene.make("a");
    const reasons = new Set<string | undefined>();
    for (let count = 0; count < 60; count += 1) {
      scene.pass(SECOND_MS);
      reasons.add(scene.containerState("a")?.waiting?.reason);
    }
    expect(reasons).toContain("ErrImagePull");
    expect(reasons).toContain("ImagePullBackOff");
    setImage(scene.state, "runner:1", null);
    scene.passUntilRunning("a");
  });

  it("waits as long as a slow pull takes", () => {
    const scene = new KubernetesScene();
    setImage(scene.state, "runner:1", { kind: "slow", pullMs: 8 * MINUTE_MS });
    scene.make("a");
    scene.pass(7 * MINUTE_MS);
    expect(scene.containerState("a")).toEqual({ waiting: { reason: "ContainerCreating" } });
    scene.passUntilRunning("a");
  });
});

describe("a pod's end", () => {
  it.each([
    ["well", { exitCode: 0 }, "Succeeded", "Completed"],
    ["with an exit code", { exitCode: 3 }, "Failed", "Error"],
    ["for its memory", { exitCode: 137, reason: "OOMKilled" }, "Failed", "OOMKilled"],
  ] as const)("by itself, %s", (_how, end, phase, reason) => {
    const scene = new KubernetesScene();
    scene.make("a", OURS);
    scene.passUntilRunning("a");
    endContainer(scene.state, scene.place("a"), "runner", end, scene.nowMs);
    expect(scene.pod("a").status.phase).toBe(phase);
    expect(scene.containerState("a")?.terminated).toMatchObject({ exitCode: end.exitCode, reason });
    scene.pass(MINUTE_MS);
    expect(scene.hasPod("a")).toBe(true);
  });

  it("by a deletion: TERM, the last status, and then the object goes", () => {
    const scene = new KubernetesScene();
    scene.make("a");
    scene.passUntilRunning("a");
    scene.state.processEvents.splice(0);
    scene.ask({ verb: "delete", resource: "pods", name: "a" });
    expect(scene.pod("a").metadata.deletionGracePeriodSeconds).toBe(30);
    expect(scene.containerState("a")?.running).toBeDefined();
    scene.passUntil("its process has ended", () => scene.containerState("a")?.terminated !== undefined);
    expect(scene.containerState("a")?.terminated?.exitCode).toBe(143);
    scene.passUntil("it is gone", () => !scene.hasPod("a"));
    expect(scene.state.processEvents.map(({ kind }) => kind)).toEqual(["told-to-end", "ended"]);
  });

  it("is killed when its grace is over", () => {
    const scene = new KubernetesScene({
      times: { finishingMs: [5 * SECOND_MS, 5 * SECOND_MS] },
      courses: { runner: { runsMs: null, exitCode: 0, endsAfterTermMs: null, termExitCode: 143 } },
    });
    scene.make("a");
    scene.passUntilRunning("a");
    scene.ask({ verb: "delete", resource: "pods", name: "a" });
    scene.pass(29 * SECOND_MS);
    expect(scene.containerState("a")?.running).toBeDefined();
    scene.pass(2 * SECOND_MS);
    expect(scene.containerState("a")?.terminated?.exitCode).toBe(137);
  });

  it("stays Terminating where its kubelet never gets to the end of it", () => {
    const scene = new KubernetesScene();
    scene.make("a");
    scene.passUntilRunning("a");
    wedgePod(scene.state, scene.place("a"));
    scene.ask({ verb: "delete", resource: "pods", name: "a" });
    scene.pass(60 * MINUTE_MS);
    expect(scene.pod("a").metadata.deletionTimestamp).toBeDefined();
    expect(scene.containerState("a")?.running).toBeDefined();
    scene.ask({ verb: "delete", resource: "pods", name: "a", body: { gracePeriodSeconds: 0 } });
    expect(scene.hasPod("a")).toBe(false);
  });

  it("leaves the object where a finalizer holds it, until that is taken away", () => {
    const scene = new KubernetesScene();
    scene.make("a", {}, { finalizers: ["example.test/hold"] });
    scene.passUntilRunning("a");
    scene.ask({ verb: "delete", resource: "pods", name: "a" });
    scene.pass(5 * MINUTE_MS);
    expect(scene.containerState("a")?.terminated).toBeDefined();
    expect(scene.pod("a").metadata).toMatchObject({ deletionGracePeriodSeconds: 0 });
    const patch = { metadata: { finalizers: null } };
    const contentType = "application/merge-patch+json";
    scene.ask({ verb: "patch", resource: "pods", name: "a", body: patch, contentType });
    expect(scene.hasPod("a")).toBe(false);
  });

  it("says that its node put it out", () => {
    const scene = new KubernetesScene();
    scene.make("a");
    scene.passUntilRunning("a");
    evictByNode(scene.state, scene.place("a"), "The node was low on resource: memory.", scene.nowMs);
    expect(scene.pod("a").status).toMatchObject({ phase: "Failed", reason: "Evicted" });
    expect(conditionOf(scene.pod("a"), "DisruptionTarget")?.reason).toBe("TerminationByKubelet");
    expect(scene.containerState("a")?.terminated?.exitCode).toBe(137);
  });

  it("is at once for a pod that no node has, and for one that is over", () => {
    const scene = new KubernetesScene({ nodes: [] });
    scene.make("a");
    scene.pass(MINUTE_MS);
    scene.ask({ verb: "delete", resource: "pods", name: "a" });
    expect(scene.hasPod("a")).toBe(false);
  });
});

describe("an eviction that is asked for", () => {
  const evict = { verb: "create", resource: "pods", subresource: "eviction", name: "a", body: {} } as const;

  it("deletes with a word why", () => {
    const scene = new KubernetesScene();
    scene.make("a");
    scene.passUntilRunning("a");
    expect(scene.call(evict)).toMatchObject({ kind: "answered", status: 201 });
    expect(conditionOf(scene.pod("a"), "DisruptionTarget")?.reason).toBe("EvictionByEvictionAPI");
    scene.passUntil("it is gone", () => !scene.hasPod("a"));
  });

  it("is refused by a budget that allows none", () => {
    const scene = new KubernetesScene();
    const spec = { maxUnavailable: 0, selector: { matchLabels: { pool: "linux" } } };
    const metadata = { name: "linux" };
    scene.ask({ verb: "create", resource: "poddisruptionbudgets", body: { metadata, spec } });
    scene.make("a", {}, { labels: { pool: "linux" } });
    scene.passUntilRunning("a");
    expect(scene.call(evict)).toMatchObject({ kind: "refused", status: 429 });
    changePodMeta(scene.state, scene.place("a"), { labels: {} }, scene.nowMs);
    expect(scene.call(evict)).toMatchObject({ kind: "answered" });
  });
});
