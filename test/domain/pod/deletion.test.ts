import { expect, it } from "vitest";
import type { ProofKind } from "../../../src/domain/permit.ts";
import { type DeletionStep, decideDeletion } from "../../../src/domain/pod/deletion.ts";
import type { PodShape } from "../../../src/domain/pod/shape.ts";
import { podShape } from "./shapes.ts";

type Row = readonly [name: string, shape: PodShape, proof: ProofKind, want: DeletionStep];

it.each<Row>([
  ["idle: its sidecars get their grace", podShape(), "parked", { kind: "delete", graceSeconds: 30 }],
  ["never engaged", podShape(), "never-engaged", { kind: "delete", graceSeconds: 30 }],
  ["ended already: nobody needs a grace", podShape(), "provider-dead", { kind: "delete", graceSeconds: 1 }],
  ["forced: the grace of its longest job does not count", podShape(), "forced", { kind: "delete", graceSeconds: 1 }],
  [
    "in somebody's grace: shortened",
    podShape({ deletion: "within-grace" }),
    "host-lost",
    { kind: "delete", graceSeconds: 1 },
  ],
  ["row 16, overdue: by force", podShape({ deletion: "overdue" }), "parked", { kind: "force" }],
  [
    "row 17, overdue and held by a finalizer: waited for",
    podShape({ deletion: "overdue", finalizers: ["acme.com/vm"] }),
    "forced",
    { kind: "wait", why: "it is held by the finalizer acme.com/vm, which is not ours to remove" },
  ],
])("%s", (_name, shape, proof, want) => {
  expect(decideDeletion(shape, proof)).toEqual(want);
});
