import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sweep } from "../../src/controllers/sweep.ts";
import { GitHubError } from "../../src/domain/errors.ts";
import type { TicketId } from "../../src/domain/ids.ts";
import { DAY_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { loadTicket } from "../../src/store/tickets/load.ts";
import { Yard } from "./yard.ts";

let yard: Yard;
let ticketId: TicketId;
let listingCount: number;

beforeEach(async () => {
  yard = await Yard.open();
  const held = await yard.withTicket();
  ticketId = held.ticketId;
  listingCount = 0;
  await held.agent.report({ ended: [{ id: ticketId, end: { kind: "barren", reason: "exit code 1" } }] });
  const { github } = yard;
  const listRunners = github.listRunners.bind(github);
  github.listRunners = () => {
    listingCount += 1;
    return listRunners();
  };
});
afterEach(() => yard.close());

const registration = async () => (await loadTicket(yard.store.db, ticketId))?.registration;
async function sweepFor(durationMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += 10_000) {
    yard.clock.advance(10_000);
    await sweep(yard.context);
  }
}

describe("a place whose runners cannot be listed", () => {
  it("is looked at ever more seldom, and its registrations stay owed", async () => {
    yard.github.listError = new GitHubError("github-not-found", "listing the runners");
    await yard.pass();
    listingCount = 0;
    await sweepFor(60 * MINUTE_MS);
    expect(listingCount).toBeLessThan(20);
    expect(await registration()).toBe("present");
  });

  it("holds up no row for longer than GitHub keeps a registration that nobody uses", async () => {
    yard.github.listError = new GitHubError("github-not-found", "listing the runners");
    await yard.pass();
    yard.clock.advance(2 * DAY_MS);
    await sweep(yard.context);
    expect(await registration()).toBe("gone");
  });

  it("because GitHub is down, holds its rows for as long as that lasts", async () => {
    yard.github.listError = new GitHubError("github-unavailable", "listing the runners");
    await yard.pass();
    yard.clock.advance(5 * DAY_MS);
    await sweep(yard.context);
    expect(await registration()).toBe("present");
  });

  it("is looked at as often as before once it answered", async () => {
    yard.github.listError = new GitHubError("github-unavailable", "listing the runners");
    await yard.pass();
    yard.github.listError = null;
    yard.clock.advance(10 * MINUTE_MS);
    await sweep(yard.context);
    expect(await registration()).toBe("gone");
  });
});
