import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

const SILENCE = {
  kind: "kubernetes.node-silent",
  everyMs: 2 * MINUTE_MS,
  forMs: [3 * MINUTE_MS, 5 * MINUTE_MS],
} as const;

export const mutant: Mutant = {
  source: "src/domain/pod/judge.ts",
  text: 'if (shape.node === "gone") return',
  replacement: 'if (shape.node === "gone" || shape.node === "not-ready") return',
  invariant: "I1",
  why: "A node whose kubelet is not heard counts as dead with all that runs on it: when the kubelet is back it finds the pod deleted, and ends the job.",
  world: {
    provider: "kubernetes",
    // Of each, one node at a time.
    faults: [SILENCE, SILENCE, SILENCE],
    arrivals: { duration: { p50Ms: 8 * MINUTE_MS, p95Ms: 15 * MINUTE_MS } },
  },
};
