import { expect, it } from "vitest";
import { emptyMemory, type PoolMemory, type Standstill } from "../../src/controllers/context.ts";
import { standstillOf } from "../../src/controllers/standstill.ts";
import { pool } from "../domain/builders.ts";

const clock = { nowMs: () => 1_000, monotonicMs: () => 500 };
const pause = (untilMonotonicMs: number) => ({
  failureCount: 1,
  untilMonotonicMs,
  reason: "launch-backoff" as const,
  gathersUntilMonotonicMs: null,
});
const runner = (endsAtMs: number) => ({ facts: { version: "2.330.0", endsAtMs }, askedAtMs: 0 });
const refused = (scope: string, untilMonotonicMs: number) =>
  new Map([[scope, { ...pause(untilMonotonicMs), reason: "github-suspended" as const }]]);

it.each<[string, Partial<PoolMemory>, Standstill]>([
  ["nothing is wrong", {}, "none"],
  ["its last launch failed", { launch: pause(501) }, "launches"],
  ["the pause after a failed launch is over", { launch: pause(500) }, "none"],
  ["GitHub takes its runner no more", { runnerVersion: runner(1_000) }, "everything"],
  ["GitHub will take its runner no more", { runnerVersion: runner(1_001) }, "none"],
  ["GitHub refuses tickets there", { mintPauses: refused("acme", 501) }, "everything"],
  ["GitHub refuses tickets elsewhere", { mintPauses: refused("other", 501) }, "none"],
  ["machines never check in", { stops: { tickets: "none", launches: "stopped" } }, "launches"],
  [
    "machines never check in, and one may be tried",
    { stops: { tickets: "none", launches: "probe" } },
    "launches-but-one",
  ],
  ["runners end without a job", { stops: { tickets: "stopped", launches: "none" } }, "everything"],
  ["runners end so, and one may be tried", { stops: { tickets: "probe", launches: "none" } }, "everything-but-one"],
  [
    "runners end so, and its last launch failed",
    { stops: { tickets: "probe", launches: "probe" }, launch: pause(501) },
    "everything-but-one",
  ],
  ["the pause after a refused ticket is over", { mintPauses: refused("acme", 500) }, "none"],
])("a pool of which %s stands still: %s", (_name, memory, want) => {
  expect(standstillOf(pool(), "acme/widgets", { ...emptyMemory(), ...memory }, clock)).toBe(want);
});
