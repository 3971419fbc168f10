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

async function fill(gate: Gate): Promise<readonly (() => void)[]> {
  const ends: (() => void)[] = [];
  for (let count = 0; count < SLOT_COUNT_MAX; count += 1)
    void gate.hold(CALL, () => new Promise<void>((resolve) => ends.push(resolve)));
  await new Promise((resolve) => setImmediate(resolve));
  expect(ends).toHaveLength(SLOT_COUNT_MAX);
  return ends;
}

/** With as many calls under way as there may be. */
async function fullGate(): Promise<Gate> {
  const gate = new Gate("acme", new StandingClock(), () => {});
  await fill(gate);
  return gate;
}

describe("a gate that is full", () => {
  it("says so to who waited too long", async () => {
    let isBegun = false;
    const gate = await fullGate();
    const held = gate.hold(CALL, async () => {
      isBegun = true;
    });
    await expect(held).rejects.toMatchObject({ code: "github-budget", message: "trying x", retryAfterMs: WAIT_MS_MAX });
    expect(isBegun).toBe(false);
  });

  it("lets nobody wait in vain: a pause that GitHub asked for is told at once", async () => {
    const gate = await fullGate();
    gate.learn(PAUSE);
    await expect(gate.hold(CALL, async () => {})).rejects.toMatchObject({ retryAfterMs: 17 * SECOND_MS });
  });
});

/** Nobody's patience ends. */
class PatientClock extends StandingClock {
  override sleep(): Promise<void> {
    return new Promise(() => {});
  }
}

it("who waited while GitHub asked for a pause does not begin, and gives the turn back", async () => {
  const clock = new PatientClock();
  const gate = new Gate("acme", clock, () => {});
  const ends = await fill(gate);
  const waiting = gate.hold(CALL, async () => "begun");
  gate.learn(PAUSE);
  ends[0]?.();
  await expect(waiting).rejects.toMatchObject({ code: "github-budget", retryAfterMs: 17 * SECOND_MS });
  clock.ms += 17 * SECOND_MS;
  await expect(gate.hold(CALL, async () => "begun")).resolves.toBe("begun");
});
