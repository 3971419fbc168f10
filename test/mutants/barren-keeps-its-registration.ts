import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/store/tickets/row.ts",
  text: 'export const OVER_STATES = [\n  "spent",\n  "barren",',
  replacement: 'export const OVER_STATES = [\n  "spent",',
  invariant: "I2",
  why: "A runner that ended without a job leaves its registration at GitHub, and nobody deletes it.",
  world: {
    faults: [
      { kind: "host.runner-exits", perTicket: 1 },
      { kind: "github.taken-elsewhere", perJob: 0.5 },
    ],
  },
};
