import { describe, expect, it } from "vitest";
import { countsAsMachine } from "../../src/domain/machine.ts";
import { isTicketLive, isTicketOver, type Ticket } from "../../src/domain/ticket.ts";
import { PRESENT_STATES } from "../../src/store/machines/row.ts";
import { tables } from "../../src/store/migrations/0001-tables.ts";
import { SQLITE_WORDS } from "../../src/store/sqlite.ts";
import { LIVE_STATES, OVER_STATES } from "../../src/store/tickets/row.ts";
import { machineStates, sampleMachine, sampleTicket, ticketStates } from "./samples.ts";

describe("the lists of kinds in queries agree with the domain", () => {
  const ticketKinds = (isWanted: (ticket: Ticket) => boolean) =>
    ticketStates.filter((state) => isWanted(sampleTicket(1, { state }))).map(({ kind }) => kind);

  it("on live tickets, in the unique index too", () => {
    expect([...LIVE_STATES].sort()).toEqual(ticketKinds(isTicketLive).sort());
    const index = tables.statements(SQLITE_WORDS).find((statement) => statement.includes("tickets_live_machine"));
    expect(index?.match(/(?<=')[a-z-]+(?=')/g)?.sort()).toEqual([...LIVE_STATES].sort());
  });

  it("on tickets that are over", () => {
    expect([...OVER_STATES].sort()).toEqual(ticketKinds(isTicketOver).sort());
  });

  it("on machines that may exist", () => {
    const present = machineStates.filter((state) => countsAsMachine(sampleMachine(1, { state })));
    expect([...PRESENT_STATES].sort()).toEqual(present.map(({ kind }) => kind).sort());
  });
});
