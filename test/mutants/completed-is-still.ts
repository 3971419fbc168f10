import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/slow-proofs.ts",
  text: 'if (!isOfTicket || stillness === null || !stillness.isLeaseOld || !stillness.isWorkerStill)\n    missing.push("still-moves");\n  else if (!stillness.areLogsSaved) missing.push("logs-not-saved");',
  replacement: "",
  invariant: "I1",
  nets: [
    {
      source: "src/controllers/retire/host-facts.ts",
      text: "if (stillness?.isLeaseOld === true && stillness.isWorkerStill) return true;",
      replacement: "return true;",
    },
  ],
  why: "GitHub calls a job completed while its Worker works: fifteen minutes later the machine is ended, though its host says that it moves.",
  world: {
    faults: [{ kind: "github.completed-while-working", perJob: 0.5 }],
    arrivals: { perHour: 15, duration: { p50Ms: 45 * MINUTE_MS, p95Ms: 55 * MINUTE_MS } },
  },
};
