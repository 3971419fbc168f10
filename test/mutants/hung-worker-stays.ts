import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/lifecycle.ts",
  text: 'if (missingForJobTerminal(question).length === 0) return { kind: "retire", reason: "job-terminal" };',
  replacement: "",
  invariant: "I2",
  nets: [
    {
      source: "src/domain/slow-proofs.ts",
      text: "return unique(out.flatMap((ticket) => missingForTerminal(facts.jobs.get(ticket.id) ?? [], time, WORKS_ON_MAX_MS)));",
      replacement: 'return ["job-not-terminal"];',
    },
  ],
  why: "A Worker hangs, and GitHub gives its job up: its machine is kept for it for ever.",
  world: {
    faults: [{ kind: "host.runner-hangs", perJob: 0.3 }],
    arrivals: { perHour: 30, duration: { p50Ms: 12 * MINUTE_MS, p95Ms: 20 * MINUTE_MS } },
  },
};
