import { describe, expect, it } from "vitest";
import { NAMESPACE, podOf, useKubernetes } from "./simulated-kubernetes-house.ts";

const house = useKubernetes();

describe("the official client", () => {
  it("makes, lists, reads and deletes a pod", async () => {
    const made = await house.core.createNamespacedPod({ namespace: NAMESPACE, body: podOf("a", { pool: "linux" }) });
    const list = await house.core.listNamespacedPod({ namespace: NAMESPACE, labelSelector: "pool=linux" });
    expect(list.items.map(({ metadata }) => metadata?.uid)).toEqual([made.metadata?.uid]);
    await house.core.deleteNamespacedPod({ name: "a", namespace: NAMESPACE });
    expect(house.cluster.pods()).toEqual([]);
  });
});
