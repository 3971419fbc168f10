import { describe, expect, it } from "vitest";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { changeNode, removeNode } from "../../../src/simulator/kubernetes/cluster-control.ts";
import { addNode } from "../../../src/simulator/kubernetes/nodes.ts";
import { conditionOf, KubernetesScene } from "./kubernetes-scene.ts";

const SMALL = { cpu: "2", memory: "4Gi", podCountMax: 10 };
const wish = (cpu: string) => ({
  containers: [{ name: "runner", image: "runner:1", resources: { requests: { cpu } } }],
});

function oneNode(): KubernetesScene {
  return new KubernetesScene({ nodes: [{ name: "only", ...SMALL }] });
}

function onNode(): KubernetesScene {
  const scene = oneNode();
  scene.make("a");
  scene.passUntilRunning("a");
  return scene;
}

describe("the scheduler", () => {
  it("says why nothing fits, and binds once something does", () => {
    const scene = oneNode();
    scene.make("a", wish("1500m"));
    scene.passUntilRunning("a");
    scene.make("b", wish("1"));
    scene.pass(SECOND_MS);
    const scheduled = conditionOf(scene.pod("b"), "PodScheduled");
    expect(scheduled).toMatchObject({ status: "False", reason: "Unschedulable" });
    expect(scheduled?.message).toBe("0/1 nodes are available: 1 Insufficient cpu.");
    addNode(scene.state, { name: "second", ...SMALL }, scene.nowMs);
    scene.passUntilRunning("b");
    expect(scene.pod("b").spec.nodeName).toBe("second");
  });

  it("gives the room of an ended pod to the next", () => {
    const scene = oneNode();
    scene.make("a", wish("2"));
    scene.passUntilRunning("a");
    scene.make("b", wish("2"));
    scene.pass(MINUTE_MS);
    expect(scene.pod("b").spec.nodeName).toBeUndefined();
    scene.ask({ verb: "delete", resource: "pods", name: "a" });
    scene.passUntilRunning("b");
  });

  it("keeps off nodes that the pod's affinity names", () => {
    const scene = new KubernetesScene({
      nodes: [
        { name: "bad", ...SMALL },
        { name: "good", ...SMALL },
      ],
    });
    const expression = { key: "kubernetes.io/hostname", operator: "NotIn", values: ["bad"] };
    const terms = { nodeSelectorTerms: [{ matchExpressions: [expression] }] };
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } };
    for (const name of ["a", "b", "c", "d"]) scene.make(name, { affinity });
    scene.pass(MINUTE_MS);
    expect(["a", "b", "c", "d"].map((name) => scene.pod(name).spec.nodeName)).toEqual(Array(4).fill("good"));
  });
});

describe("a node that says it is ready and starts nothing", () => {
  it("leaves its pods waiting until it is mended", () => {
    const scene = oneNode();
    changeNode(scene.state, "only", { startsNothing: true }, scene.nowMs);
    scene.make("a");
    scene.pass(20 * MINUTE_MS);
    expect(scene.containerState("a")).toEqual({ waiting: { reason: "ContainerCreating" } });
    changeNode(scene.state, "only", { startsNothing: false }, scene.nowMs);
    scene.passUntilRunning("a");
  });
});

describe("a node that is not heard", () => {
  it("freezes its pods' statuses, and evicts them after their toleration", () => {
    const scene = onNode();
    changeNode(scene.state, "only", { condition: "cut-off" }, scene.nowMs);
    scene.pass(51 * SECOND_MS);
    expect(conditionOf(scene.pod("a"), "Ready")).toMatchObject({ status: "False", reason: "NodeNotReady" });
    expect(scene.state.objects.nodes.get("only")?.status).toMatchObject({
      conditions: [{ type: "Ready", status: "Unknown" }],
    });
    scene.pass(298 * SECOND_MS);
    expect(scene.pod("a").metadata.deletionTimestamp).toBeUndefined();
    scene.pass(2 * SECOND_MS);
    expect(scene.pod("a").metadata.deletionTimestamp).toBeDefined();
    expect(conditionOf(scene.pod("a"), "DisruptionTarget")?.reason).toBe("DeletionByTaintManager");
    scene.pass(60 * MINUTE_MS);
    expect(scene.containerState("a")?.running).toBeDefined();
    changeNode(scene.state, "only", { condition: "ready" }, scene.nowMs);
    scene.passUntil("it is gone", () => !scene.hasPod("a"));
  });

  it("leaves a pod alone that tolerates it for ever", () => {
    const scene = oneNode();
    scene.make("a", { tolerations: [{ operator: "Exists", effect: "NoExecute" }] });
    scene.passUntilRunning("a");
    changeNode(scene.state, "only", { condition: "cut-off" }, scene.nowMs);
    scene.pass(60 * MINUTE_MS);
    expect(scene.pod("a").metadata.deletionTimestamp).toBeUndefined();
  });

  it("lets the processes of a pod run on whose object was deleted by force, and kills them when it is back", () => {
    const scene = onNode();
    changeNode(scene.state, "only", { condition: "cut-off" }, scene.nowMs);
    scene.state.processEvents.splice(0);
    scene.ask({ verb: "delete", resource: "pods", name: "a", body: { gracePeriodSeconds: 0 } });
    scene.pass(MINUTE_MS);
    expect(scene.hasPod("a")).toBe(false);
    expect(scene.state.processEvents).toEqual([]);
    changeNode(scene.state, "only", { condition: "ready" }, scene.nowMs);
    expect(scene.state.processEvents).toMatchObject([{ kind: "ended", podName: "a" }]);
  });

  it("tells what died with it once it is back", () => {
    const scene = onNode();
    changeNode(scene.state, "only", { condition: "dead" }, scene.nowMs);
    expect(scene.state.processEvents.at(-1)).toMatchObject({ kind: "ended", podName: "a" });
    scene.pass(MINUTE_MS);
    expect(scene.containerState("a")?.running).toBeDefined();
    changeNode(scene.state, "only", { condition: "ready" }, scene.nowMs);
    expect(scene.pod("a").status.phase).toBe("Failed");
    expect(scene.containerState("a")?.terminated).toMatchObject({ exitCode: 137, reason: "ContainerStatusUnknown" });
  });
});

describe("a node that is gone", () => {
  it("takes its pods with it after a while", () => {
    const scene = onNode();
    removeNode(scene.state, "only", scene.nowMs);
    scene.pass(39 * SECOND_MS);
    expect(scene.hasPod("a")).toBe(true);
    scene.pass(2 * SECOND_MS);
    expect(scene.hasPod("a")).toBe(false);
  });

  it("leaves them where nobody clears away", () => {
    const scene = new KubernetesScene({
      nodes: [{ name: "only", ...SMALL }],
      times: { garbageMs: Number.POSITIVE_INFINITY },
    });
    scene.make("a");
    scene.passUntilRunning("a");
    removeNode(scene.state, "only", scene.nowMs);
    scene.pass(60 * MINUTE_MS);
    expect(scene.containerState("a")?.running).toBeDefined();
  });
});
