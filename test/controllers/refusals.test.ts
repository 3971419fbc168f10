/** A listener whose host can never tell whether it has a job: the fence refuses, order after order. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { followRefusals, type Refusals } from "../../src/controllers/retire/refusals.ts";
import type { TicketId } from "../../src/domain/ids.ts";
import type { HostReport } from "../../src/domain/protocol.ts";
import type { TicketStateKind } from "../../src/domain/ticket.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { ticketId as heldId, machine, report, START_MS, seen, ticket } from "../domain/builders.ts";
import { type Agent, Yard } from "./yard.ts";

const STEP_MS = 3 * MINUTE_MS;
const WHY = "there is no log of the runner";

let yard: Yard;
let agent: Agent;
let ticketId: TicketId;
let fence: HostReport["fence"];

beforeEach(async () => {
  yard = await Yard.open();
  ({ agent, ticketId } = await yard.withTicket());
  fence = null;
  for (const id of yard.github.jobs.keys()) await yard.tell(id, { status: "completed", conclusion: "cancelled" });
});
afterEach(() => yard.close());

/** What the host says next: it refuses whatever it is asked. */
async function speak(workerCount = 0): Promise<void> {
  const sighting = { kind: "seen", hasListener: true, workerCount } as const;
  const step = workerCount > 0 ? "running" : "online";
  const held = { phase: "engaged", ticket: { id: ticketId, step }, sighting } as const;
  const { handBack } = await agent.report({ ...held, fence });
  if (handBack !== null) fence = { ...handBack, why: WHY };
}

async function goOn(forMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < forMs; passedMs += STEP_MS) {
    yard.clock.advance(STEP_MS);
    await speak();
    await yard.pass();
  }
}

const unknownCount = () => yard.telemetry.gauges.get("holdfast_machines_unknown pool=linux");

it("is told among the unknown after half an hour, and ended by nobody: it could take a job at any moment", async () => {
  await goOn(30 * MINUTE_MS);
  expect(unknownCount()).toBe(0);
  await goOn(30 * MINUTE_MS);
  expect(unknownCount()).toBe(1);
  await goOn(7 * HOUR_MS);
  expect(yard.provider.terminated).toEqual([]);
});

it("is no longer told once a Worker was seen: it has its job", async () => {
  await goOn(2 * HOUR_MS);
  yard.clock.advance(STEP_MS);
  await speak(1);
  await yard.pass();
  expect(unknownCount()).toBe(0);
});

describe("refusals follow one another", () => {
  const refusal = { ticketId: heldId(), attempt: 4, why: WHY };
  const listening = report({ sighting: seen({ hasListener: true }), fence: refusal });
  const before: Refusals = { sinceMs: START_MS, lastMs: START_MS, attempt: 4 };
  const next = (state: TicketStateKind, said: HostReport | null) =>
    followRefusals(
      new Map([[heldId(), before]]),
      [machine({ state: "engaged", report: said })],
      [ticket({ state })],
      START_MS + MINUTE_MS,
    ).get(heldId()) ?? null;

  it.each(["delivered", "online", "handing-back"] as const)("while the ticket is %s", (state) => {
    expect(next(state, listening)).toEqual(before);
    const asked = { ...listening, fence: { ...refusal, attempt: 5 } };
    expect(next(state, asked)).toEqual({ ...before, lastMs: START_MS + MINUTE_MS, attempt: 5 });
  });

  it.each<readonly [string, TicketStateKind, HostReport | null]>([
    ["the ticket runs", "running", listening],
    ["nobody knows of the ticket", "unknown", listening],
    ["a Worker was seen", "online", { ...listening, sighting: seen({ hasListener: true, workerCount: 1 }) }],
    ["the host cannot see", "online", { ...listening, sighting: { kind: "unknown", why: "hidepid" } }],
    ["the host has not reported", "online", null],
  ])("and no more where %s", (_when, state, said) => {
    expect(next(state, said)).toBeNull();
  });

  it("and the word of another ticket is none of them", () => {
    const ofAnother = { ...listening, fence: { ...refusal, ticketId: heldId(2), attempt: 9 } };
    expect(next("online", ofAnother)).toEqual(before);
  });
});
