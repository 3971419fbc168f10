import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/observe.ts",
  text: "const byId = unlisted.size === 0 ? NOTHING : await listPart(context, [...unlisted.keys()]);",
  replacement:
    'const byId: Part = {\n      ...NOTHING,\n      shown: [...unlisted].map(([providerId, machineId]) => ({\n        ...{ providerId, machineId, launchId: null, pool: null },\n        ...{ state: "gone" as const, observedAtMs: context.clock.nowMs() },\n      })),\n    };',
  invariant: "I1",
  nets: [
    {
      source: "src/controllers/retire/end-machine.ts",
      text: "const [observed] = await context.provider.list([providerId]);",
      replacement: "const [observed] = listed === null ? await context.provider.list([providerId]) : [listed];",
    },
  ],
  why: "A machine that one listing lacks is not read by its id: its row closes while it works, and its registration is deleted.",
  world: {
    faults: [
      { kind: "provider.missing-from-listing", probability: 0.02 },
      { kind: "github.busy-flag-never", perJob: 1 },
    ],
  },
};
