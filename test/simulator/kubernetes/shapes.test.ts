import { describe, expect, it } from "vitest";
import { makePods, POD_SHAPES } from "../../../src/simulator/kubernetes/shapes.ts";
import { NAMESPACE, useKubernetes } from "./simulated-kubernetes-house.ts";

const house = useKubernetes();
const ROW_COUNT = 22;

describe("pod shapes", () => {
  it("has one at least for every row of the truth table", () => {
    const rows = new Set(POD_SHAPES.map(({ row }) => row));
    for (let row = 1; row <= ROW_COUNT; row += 1) expect(rows, `row ${row}`).toContain(row);
  });

  it("gives each a name of its own", () => {
    const names = POD_SHAPES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(POD_SHAPES)("comes over the wire as it is: $name", async (shape) => {
    const made = makePods(shape, { name: "machine", namespace: NAMESPACE });
    for (const pod of made) house.cluster.plantPod(pod);
    const { url, token } = house.cluster;
    const headers = { authorization: `Bearer ${token}` };
    const listed = await fetch(`${url}/api/v1/namespaces/${NAMESPACE}/pods`, { headers });
    expect(await listed.json()).toMatchObject({ kind: "PodList", items: made });
  });
});
