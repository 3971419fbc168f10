import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/host/state.ts",
  text: 'return processes?.kind === "seen" && processes.listenerCount === 0 && processes.workerCount === 0;',
  replacement: 'return processes?.kind === "seen" && processes.listenerCount === 0;',
  invariant: "I1",
  nets: [
    {
      source: "src/domain/attend.ts",
      text: 'const seesNone = sighting.kind === "seen" && !sighting.hasListener && sighting.workerCount === 0;',
      replacement: 'const seesNone = sighting.kind === "seen" && !sighting.hasListener;',
    },
    {
      source: "src/domain/permit.ts",
      text: 'if (report.sighting.kind === "unknown" || report.sighting.hasListener || report.sighting.workerCount > 0)',
      replacement: 'if (report.sighting.kind === "unknown" || report.sighting.hasListener)',
    },
  ],
  why: "The listener dies and its Worker works on: the ticket counts as over, and the machine is ended under the job.",
  world: {
    faults: [{ kind: "host.orphan-worker", perJob: 0.3 }],
    arrivals: { perHour: 30, duration: { p50Ms: 10 * MINUTE_MS, p95Ms: 30 * MINUTE_MS } },
  },
};
