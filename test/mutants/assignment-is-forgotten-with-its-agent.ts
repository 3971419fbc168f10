import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/host/fence.ts",
  text: 'const hadAssignment = held.step === "running" || files.facts.receivedAtMs.length > 0;',
  replacement: 'const hadAssignment = held.step === "running";',
  invariant: "I2",
  why: "A listener whose job was refused to it outlives its agent: the next one waits for its first job, and the controller for its end.",
  world: {
    faults: [
      { kind: "github.acquire-refused", perJob: 0.3 },
      { kind: "host.agent-crash", everyMs: 30 * SECOND_MS },
    ],
    arrivals: { perHour: 40, duration: { p50Ms: 3 * MINUTE_MS, p95Ms: 10 * MINUTE_MS } },
  },
};
