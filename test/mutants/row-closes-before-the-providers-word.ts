import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/ending.ts",
  text: 'return isPatient ? { kind: "wait", missing: ["confirming"] } : { kind: "stage", stage: "terminating" };',
  replacement: 'return isPatient ? { kind: "confirm-gone" } : { kind: "stage", stage: "terminating" };',
  invariant: "I2",
  nets: [
    {
      source: "src/controllers/observe/adopt.ts",
      text: 'return row.state.kind === "gone" && ageMs(row.state.sinceMs, stray.observedAtMs) >= FOUND_AGAIN_MS;',
      replacement: "return false;",
    },
  ],
  why: "A machine is called gone because it was asked to go: where that did not take, it stays for ever.",
  world: { faults: [{ kind: "provider.terminate-does-not-take", probability: 0.2 }] },
};
