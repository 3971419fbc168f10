/** A pool that only observes starts nothing and ends nothing, whatever it has from before. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { decideEnding } from "../../src/domain/ending.ts";
import { decideLifecycle } from "../../src/domain/lifecycle.ts";
import type { ProviderState } from "../../src/domain/observed.ts";
import { decideScale } from "../../src/domain/scale.ts";
import { HOUR_MS } from "../../src/domain/units.ts";
import { epoch, heard, heardFacts, observed, pool, ticket } from "./builders.ts";
import { alice, answered, at, unheard } from "./ending-scene.ts";
import { fleets } from "./fleet.ts";
import { always } from "./property.ts";

const observing = pool({ mode: "observe" });

it("retires none of its machines, dead ones included", () => {
  const property = fc.property(fleets, ({ machines }) => {
    for (const machine of machines)
      for (const providerState of ["running", "dead", "gone"] satisfies ProviderState[]) {
        const calm = { ticket: null, heardAtMs: null, surplusSinceMs: 0, notReadySinceMs: 0, isShuttingDown: true };
        const silent = { tickets: [], facts: heardFacts(null) };
        const decision = decideLifecycle({ machine, providerState, ...calm, ...silent }, observing, heard(HOUR_MS));
        expect(decision).toEqual({ kind: "keep", reason: "pool-observes" });
      }
  });
  always(property);
});

const calm = {
  observed: null,
  forced: null,
  facts: heardFacts(null),
  guard: null,
  epoch: epoch(),
  time: heard(HOUR_MS),
};

it.each([
  ["a parked one", { machine: answered, tickets: [] }],
  ["one that never came", { machine: unheard, tickets: [] }],
  ["one whose call is due", { machine: at(answered, "terminating"), tickets: [] }],
  ["one that is dead", { machine: answered, tickets: [], observed: observed("dead") }],
  ["one that somebody forced", { machine: answered, tickets: [], forced: alice }],
  ["one with a ticket that never left us", { machine: answered, tickets: [ticket({ state: "issued" })] }],
])("leaves %s where it is", (_name, input) => {
  expect(decideEnding({ ...calm, ...input }, observing)).toEqual({ kind: "wait", missing: ["pool-observes"] });
  expect(decideEnding({ ...calm, ...input }, pool()).kind).not.toBe("wait");
});

it("believes the provider that one is gone: that ends nothing", () => {
  const input = { ...calm, machine: answered, tickets: [], observed: observed("gone") };
  expect(decideEnding(input, observing)).toEqual({ kind: "confirm-gone" });
});

it("launches nothing and has nothing too many, whatever is wanted", () => {
  const room = { count: 9, limit: "at-max" } as const;
  const property = fc.property(fleets, ({ demand }) => {
    const wanted = { decisions: [], spare: demand.machines, unneeded: [] };
    const scale = decideScale(wanted, room, { ...observing, warmParkedCount: 20 });
    expect(scale).toEqual({ launchCount: 0, surplus: [] });
  });
  always(property);
});
