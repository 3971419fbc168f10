import { expect, it } from "vitest";
import { judgeAbsence, type LastSight } from "../../../src/domain/pod/absence.ts";
import { podShape, terminated } from "./shapes.ts";

type Row = readonly [name: string, last: LastSight | null, want: "gone" | "not-found"];

const unbound = podShape({ phase: "Pending", isScheduled: false, agent: null, initContainers: [] });

it.each<Row>([
  ["never seen by this process", null, "not-found"],
  ["last seen running", { shape: podShape(), isFinal: false }, "not-found"],
  ["deleted by force while it ran", { shape: podShape({ deletion: "within-grace" }), isFinal: true }, "not-found"],
  ["last seen with the agent's container ended", { shape: podShape({ agent: terminated(1) }), isFinal: false }, "gone"],
  ["last seen without a node, which it may have got since", { shape: unbound, isFinal: false }, "not-found"],
  ["deleted before it was bound to a node", { shape: unbound, isFinal: true }, "gone"],
])("row 18, absent: %s", (_name, last, want) => {
  expect(judgeAbsence(last)).toBe(want);
});
