import { describe, expect, it } from "vitest";
import type { Answer, Call } from "../../../src/adapters/github/client.ts";
import { Gate } from "../../../src/adapters/github/gate.ts";
import { SLOT_COUNT_MAX, WAIT_MS_MAX } from "../../../src/adapters/github/slots.ts";
import { SECOND_MS } from "../../../src/domain/units.ts";
import { StandingClock } from "./stand-in.ts";

const CALL: Call = { operation: "x", purpose: "safety", method: "GET", path: "/x", attempted: "trying x" };
const PAUSE: Answer = {
  status: 429,
  headers: new Headers({ "retry-after": "17" }),
  json: undefined,
  characterCount: 0,
};

/** With as many calls under way as there may be, none of which ever ends. */
function fullGate(): Gate {
  const gate = new Gate("acme", new StandingClock(), () => {});
  for (let count = 0; count < SLOT_COUNT_MAX; count += 1) void gate.hold(CALL, () => new Promise(() => {}));
  return gate;
}

describe("a gate that is full", () => {
  it("says so to who waited too long", async () => {
    let isBegun = false;
    const held = fullGate().hold(CALL, async () => {
      isBegun = true;
    });
    await expect(held).rejects.toMatchObject({ code: "github-budget", message: "trying x", retryAfterMs: WAIT_MS_MAX });
    expect(isBegun).toBe(false);
  });

  it("lets nobody wait in vain: a pause that GitHub asked for is told at once", async () => {
    const gate = fullGate();
    gate.learn(PAUSE);
    await expect(gate.hold(CALL, async () => {})).rejects.toMatchObject({ retryAfterMs: 17 * SECOND_MS });
  });
});

it("who waited while GitHub asked for a pause does not begin", async () => {
  const gate = new Gate("acme", new StandingClock(), () => {});
  const ends: (() => void)[] = [];
  for (let count = 0; count < SLOT_COUNT_MAX; count += 1)
    void gate.hold(CALL, () => new Promise<void>((resolve) => ends.push(resolve)));
  await Promise.resolve();
  const waiting = gate.hold(CALL, async () => "begun");
  gate.learn(PAUSE);
  ends[0]?.();
  await expect(waiting).rejects.toMatchObject({ code: "github-budget" });
  // It gave its turn back, or the gate would stay narrower for ever.
  for (const end of ends) end();
});
