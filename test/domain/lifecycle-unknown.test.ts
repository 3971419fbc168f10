/** A row that knows less than the truth, all of whose known tickets are over, and whose host never speaks again. */
import { expect, it } from "vitest";
import { decideLifecycle } from "../../src/domain/lifecycle.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { heard, heardFacts, machine, pool, START_MS, ticket } from "./builders.ts";

const { deadlines } = pool();
const SETTINGS = pool({ deadlines: { ...deadlines, lostHostMs: 20 * MINUTE_MS, unknownMs: 6 * HOUR_MS } });

function decide(silentForMs: number, origin: "adopted" | "launched") {
  const time = heard(DAY_MS);
  return decideLifecycle(
    {
      machine: machine({ state: "engaged", origin, retireWhenSpent: "adopted" }),
      ticket: null,
      tickets: [ticket({ state: "spent" })],
      facts: heardFacts(START_MS + DAY_MS - silentForMs),
      heardAtMs: START_MS + DAY_MS - silentForMs,
      providerState: "running",
      surplusSinceMs: null,
      notReadySinceMs: null,
      isShuttingDown: false,
    },
    SETTINGS,
    time,
  );
}

it("an adopted machine without a ticket out is kept until the limit of the unknown is past, and then retires", () => {
  expect(decide(6 * HOUR_MS - 1, "adopted")).toMatchObject({ kind: "keep" });
  expect(decide(6 * HOUR_MS, "adopted")).toEqual({ kind: "retire", reason: "limit-past" });
});

it("one that we launched is lost much sooner", () => {
  expect(decide(20 * MINUTE_MS, "launched")).toEqual({ kind: "retire", reason: "host-lost" });
});
