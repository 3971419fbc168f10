/** A machine that was called gone, its ticket lost with it, and that is there after all: it ends by its host's word. */
import { expect, it } from "vitest";
import { presumeOut } from "../../src/domain/adoption.ts";
import { issuePermit } from "../../src/domain/permit.ts";
import { moveTicket, type Ticket } from "../../src/domain/ticket.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { epoch, heard, machine, START_MS, ticket, ticketId, ticketState } from "./builders.ts";

const LOST = ticket({ state: "lost" });
const { standIn } = presumeOut(machine({ state: "gone" }), [LOST], "adopted", START_MS + MINUTE_MS);
if (standIn === null) throw new Error("no ticket of it is live");
const DONE = moveTicket(standIn, { kind: "handed-back", sinceMs: START_MS + 2 * MINUTE_MS });

function ask(tickets: readonly Ticket[]) {
  const row = machine({ state: "retiring", origin: "adopted", ticketsGiven: 1, sequence: 2 });
  const rest = { proof: { kind: "parked" }, epoch: epoch(), time: heard(MINUTE_MS) } as const;
  const decision = issuePermit({ kind: "end-machine", machine: row, tickets, ...rest });
  return decision.kind === "refused" ? decision.missing : [];
}

it("ends as parked once its host has said, after it was found again, that it holds no ticket whatever", () => {
  expect(ask([LOST, DONE])).toEqual([]);
});

it.each<readonly [name: string, tickets: readonly Ticket[]]>([
  ["its host has not said so", [LOST, standIn]],
  ["only the ticket is known, and lost", [LOST]],
  ["the ticket was lost after that word", [{ ...LOST, state: ticketState("lost", START_MS + 3 * MINUTE_MS) }, DONE]],
  ["what was handed back is a ticket like any other", [LOST, ticket({ id: ticketId(2), state: "handed-back" })]],
])("does not while %s", (_name, tickets) => {
  expect(ask(tickets)).toContain("ticket-not-over");
});
