/** Proof `unknown-registration`, and the row "registration with our prefix that the store does not know". */
import { afterEach, beforeEach, expect, it } from "vitest";
import { sweepUnknown } from "../../src/controllers/sweep-unknown.ts";
import { GitHubError } from "../../src/domain/errors.ts";
import { parsePoolName, parseRunnerId } from "../../src/domain/ids.ts";
import type { ObservedRunner } from "../../src/domain/observed.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { loadTicket } from "../../src/store/tickets/load.ts";
import { Yard } from "./yard.ts";

const ID = parseRunnerId(7);
let yard: Yard;

beforeEach(async () => {
  yard = await Yard.open();
});
afterEach(() => yard.close());

function ghost(changes: Partial<ObservedRunner> = {}): void {
  const runner = { id: ID, name: "hf-yard-abcdefgh2345", isOnline: false, isBusy: false, version: null, ...changes };
  yard.github.runners.set(ID, runner);
}

async function sweepFor(forMs: number, everyMs = HOUR_MS): Promise<void> {
  for (let passedMs = 0; passedMs < forMs; passedMs += everyMs) {
    await sweepUnknown(yard.context);
    yard.clock.advance(everyMs);
  }
  await sweepUnknown(yard.context);
}

const deleted = () => yard.github.deleted.map(({ runnerId, proof }) => [runnerId, proof]);

it("is deleted once it was offline in every reading of a day, and not before", async () => {
  ghost();
  await sweepFor(23 * HOUR_MS);
  expect(deleted()).toEqual([]);
  await sweepFor(HOUR_MS);
  expect(deleted()).toEqual([[ID, "unknown-registration"]]);
});

it.each([
  ["online", { isOnline: true }],
  ["busy", { isBusy: true }],
])("begins a new day with each reading in which it is %s", async (_name, changes) => {
  ghost();
  await sweepFor(23 * HOUR_MS);
  ghost(changes);
  await sweepUnknown(yard.context);
  ghost();
  await sweepFor(23 * HOUR_MS);
  expect(deleted()).toEqual([]);
});

it("is left alone where it came online between the listing and the last look", async () => {
  ghost();
  await sweepFor(23 * HOUR_MS);
  yard.clock.advance(HOUR_MS);
  const list = yard.github.listRunners.bind(yard.github);
  yard.github.listRunners = async () => {
    const runners = await list();
    ghost({ isOnline: true });
    return runners;
  };
  await sweepUnknown(yard.context);
  expect(deleted()).toEqual([]);
});

it("counts no failed reading, and begins anew after a gap between readings", async () => {
  ghost();
  await sweepFor(23 * HOUR_MS);
  yard.github.listError = new GitHubError("github-unavailable", "listing");
  await sweepFor(3 * HOUR_MS);
  yard.github.listError = null;
  await sweepFor(23 * HOUR_MS);
  expect(deleted()).toEqual([]);
});

it.each([
  ["of a controller whose name begins like ours", "hf-yard-two-abcdefgh2345"],
  ["of somebody else", "build-machine-7"],
])("one %s is nobody's of ours", async (_name, name) => {
  ghost({ name });
  await sweepFor(3 * DAY_MS);
  expect(deleted()).toEqual([]);
});

it("one whose ticket the store knows is the business of that ticket", async () => {
  await yard.withTicket();
  await sweepFor(3 * DAY_MS, 90 * MINUTE_MS);
  expect(deleted()).toEqual([]);
});

// The second: seed 195 of the Kubernetes worlds, where a scope's first pool forgot a registration of the other.
it.each([
  ["its own pool", "default"],
  ["the pool that reads their scope for both", "aardvark"],
])(
  "one that a list had shown as gone is given back by %s to its ticket, which owes its deletion again",
  async (_by, name) => {
    const { agent, ticketId } = await yard.withTicket();
    await agent.report({ phase: "leaving", ended: [{ id: ticketId, end: { kind: "barren", reason: "exit code 1" } }] });
    const runners = new Map(yard.github.runners);
    yard.github.runners.clear();
    yard.clock.advance(MINUTE_MS);
    await yard.pass();
    expect(await loadTicket(yard.store.db, ticketId)).toMatchObject({
      state: { kind: "barren" },
      registration: "gone",
    });
    for (const [id, runner] of runners) yard.github.runners.set(id, { ...runner, isOnline: false, isBusy: false });
    const reader = name === "default" ? yard.context.pool : { ...yard.context.pool, name: parsePoolName(name) };
    await sweepUnknown({ ...yard.context, pool: reader });
    expect(await loadTicket(yard.store.db, ticketId)).toMatchObject({ registration: "present" });
    await yard.pass();
    expect(deleted()).toEqual([[[...runners.keys()][0], "ticket-over"]]);
  },
);

it("one of the same name under another number is not the ticket's", async () => {
  const { agent, ticketId } = await yard.withTicket();
  await agent.report({ phase: "leaving", ended: [{ id: ticketId, end: { kind: "barren", reason: "exit code 1" } }] });
  const { runnerName } = await yard.onlyTicket();
  yard.github.runners.clear();
  yard.clock.advance(MINUTE_MS);
  await yard.pass();
  ghost({ name: runnerName, id: parseRunnerId(99) });
  await sweepUnknown(yard.context);
  expect(await loadTicket(yard.store.db, ticketId)).toMatchObject({ registration: "gone" });
});

it("nothing is deleted by a pool that observes", async () => {
  await yard.close();
  yard = await Yard.open({ mode: "observe" });
  ghost();
  await sweepFor(3 * DAY_MS);
  expect(deleted()).toEqual([]);
});
