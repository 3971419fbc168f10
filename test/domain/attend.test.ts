import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attendReport } from "../../src/domain/attend.ts";
import type { Machine, MachineState } from "../../src/domain/machine.ts";
import type { HostPhase, HostReport } from "../../src/domain/protocol.ts";
import {
  isTicketOut,
  TICKET_STEPS,
  type Ticket,
  type TicketEnd,
  type TicketStateKind,
} from "../../src/domain/ticket.ts";
import { SECOND_MS } from "../../src/domain/units.ts";
import { holding, machine, report, START_MS, seen, ticket, ticketId } from "./builders.ts";
import { always } from "./property.ts";

const NOW_MS = START_MS + SECOND_MS;
const spent: TicketEnd = { kind: "spent" };
const unreadable = { kind: "unknown", why: "hidepid" } as const;
const handedBack: TicketEnd = { kind: "handed-back" };
/** The tickets of the rows below are asked for at `START_MS`. */
const refusal = (attempt: number): HostReport["fence"] => ({ ticketId: ticketId(), attempt, why: "a Worker runs" });
const barren: TicketEnd = { kind: "barren", reason: "exit code 2" };

function attend(state: MachineState["kind"], tickets: readonly Ticket[], word: HostReport) {
  const after = attendReport(machine({ state, report: word }), tickets, word, NOW_MS);
  return { machine: after.machine.state.kind, tickets: after.tickets.map(({ state: { kind } }) => kind) };
}

const ended = (end: TicketEnd, fields: Parameters<typeof report>[0] = {}): HostReport =>
  report({ ended: [{ id: ticketId(), end }], ...fields });

type TicketRow = readonly [name: string, before: TicketStateKind, word: HostReport, after: readonly TicketStateKind[]];

describe("a report about a ticket", () => {
  it.each<TicketRow>([
    ["it is online", "delivered", holding(ticketId(), "online"), ["online"]],
    ["it is running, and the step between was missed", "delivered", holding(ticketId(), "running"), ["running"]],
    ["it is where it was", "online", holding(ticketId(), "online"), []],
    ["an older step, said late", "running", holding(ticketId(), "online"), []],
    ["the host of an unknown one says what it does", "unknown", holding(ticketId(), "running"), ["running"]],
    ["it had a job", "running", ended(spent), ["spent"]],
    ["it had a job, and the steps between were missed", "delivered", ended(spent), ["spent"]],
    ["its runner ended without one", "online", ended(barren), ["barren"]],
    ["its runner ended without one, and was seen running before: it had one", "running", ended(barren), ["spent"]],
    ["the end of an unknown one", "unknown", ended(barren), ["barren"]],
    ["the fence closed on it", "handing-back", ended(handedBack), ["handed-back"]],
    ["its host gave it up by itself", "online", ended(handedBack), ["handed-back"]],
    ["it was seen running and is said to be handed back: it had a job", "running", ended(handedBack), ["spent"]],
    [
      "said to be handed back while its host sees a Worker",
      "online",
      ended(handedBack, { sighting: seen({ workerCount: 1 }) }),
      [],
    ],
    ["said to be handed back by a host that cannot look", "online", ended(handedBack, { sighting: unreadable }), []],
    [
      "said to be handed back and to run in one breath",
      "online",
      { ...holding(ticketId(), "running"), ended: [{ id: ticketId(), end: handedBack }] },
      ["running"],
    ],
    ["asked for, and not answered yet", "handing-back", holding(ticketId(), "online"), []],
    [
      "asked for, and refused",
      "handing-back",
      { ...holding(ticketId(), "online"), fence: refusal(START_MS) },
      ["online"],
    ],
    [
      "asked for, and an earlier order refused",
      "handing-back",
      { ...holding(ticketId(), "online"), fence: refusal(START_MS - 1) },
      [],
    ],
    ["asked for, and a job came", "handing-back", holding(ticketId(), "running"), ["running"]],
    ["asked for, and its job is over already", "handing-back", ended(spent), ["spent"]],
    ["asked for, and its runner ended by itself", "handing-back", ended(barren), ["barren"]],
    ["its end, said again", "spent", ended(spent), []],
    ["another end than the first: the first stays", "barren", ended(spent), []],
    ["the end of one that is not out", "issued", ended(spent), []],
    [
      "both its end and a step: the end is the later word",
      "online",
      ended(spent, { ticket: { id: ticketId(), step: "online" } }),
      ["spent"],
    ],
    ["another ticket's step", "delivered", holding(ticketId(2), "running"), []],
    ["another ticket's end", "delivered", report({ ended: [{ id: ticketId(2), end: spent }] }), []],
    ["none at all: silence about a ticket ends nothing", "delivered", report(), []],
    ["none at all, from an agent that is starting", "running", report({ phase: "starting" }), []],
  ])("%s (%s)", (_name, before, word, after) => {
    expect(attend("engaged", [ticket({ state: before })], word).tickets).toEqual(after);
  });

  it("keeps why a ticket was barren, and when", () => {
    const { tickets } = attendReport(
      machine({ state: "engaged" }),
      [ticket({ state: "online" })],
      ended(barren),
      NOW_MS,
    );
    expect(tickets[0]).toMatchObject({ state: { kind: "barren", reason: "exit code 2", sinceMs: NOW_MS }, version: 2 });
  });
});

type MachineRow = readonly [
  name: string,
  before: MachineState["kind"],
  ticket: TicketStateKind | null,
  word: HostReport,
  after: MachineState["kind"],
];

describe("a report makes a machine", () => {
  it.each<MachineRow>([
    ["parked when it is ready for the first time", "provisioning", null, report(), "parked"],
    ["parked though a ticket is issued: it has not left us", "provisioning", "issued", report(), "parked"],
    ["not parked while it makes itself ready", "provisioning", null, report({ phase: "preparing" }), "provisioning"],
    ["not parked while it starts", "provisioning", null, report({ phase: "starting" }), "provisioning"],
    [
      "not parked while a Worker is seen",
      "provisioning",
      null,
      report({ sighting: seen({ workerCount: 1 }) }),
      "provisioning",
    ],
    [
      "not parked while a listener is seen",
      "provisioning",
      null,
      report({ sighting: seen({ hasListener: true }) }),
      "provisioning",
    ],
    ["not parked while it cannot look", "provisioning", null, report({ sighting: unreadable }), "provisioning"],
    ["parked again, and it makes itself ready", "engaged", "running", ended(spent, { phase: "preparing" }), "parked"],
    [
      "not parked again while an orphan Worker is seen",
      "engaged",
      "running",
      ended(spent, { sighting: seen({ workerCount: 1 }) }),
      "engaged",
    ],
    [
      "not parked again while a listener is seen",
      "engaged",
      "online",
      ended(barren, { sighting: seen({ hasListener: true }) }),
      "engaged",
    ],
    ["not parked again while it cannot look", "engaged", "running", ended(spent, { sighting: unreadable }), "engaged"],
    ["parked once the orphan Worker is gone: the ticket was over before", "engaged", "spent", report(), "parked"],
    ["not parked when it leaves", "provisioning", null, report({ phase: "leaving" }), "provisioning"],
    [
      "not parked while it names a ticket that we do not know",
      "provisioning",
      null,
      holding(ticketId(9), "online"),
      "provisioning",
    ],
    ["parked again when its ticket is over", "engaged", "running", ended(spent), "parked"],
    [
      "parked again, also where it leaves: it holds none",
      "engaged",
      "online",
      ended(barren, { phase: "leaving" }),
      "parked",
    ],
    ["not parked by a list of none: the ticket may be on its way", "engaged", "delivered", report(), "engaged"],
    ["not parked by an agent that is starting", "engaged", "spent", report({ phase: "starting" }), "engaged"],
    [
      "not parked while it holds another",
      "engaged",
      "running",
      ended(spent, { ticket: { id: ticketId(2), step: "online" } }),
      "engaged",
    ],
    ["nothing else when it is parked", "parked", null, report(), "parked"],
    ["nothing else when it retires", "retiring", null, report(), "retiring"],
    ["nothing else when it is gone: somebody speaks for it", "gone", null, report(), "gone"],
    ["nothing else when it is planned: the launch's answer is on its way", "planned", null, report(), "planned"],
  ])("%s (%s)", (_name, before, kind, word, after) => {
    expect(attend(before, kind === null ? [] : [ticket({ state: kind })], word).machine).toBe(after);
  });
});

const TICKET_KINDS = [
  "issued",
  "delivered",
  "online",
  "running",
  "unknown",
  "spent",
  "barren",
  "void",
  "lost",
] as const;

const anyReport: fc.Arbitrary<HostReport> = fc
  .record({
    phase: fc.constantFrom<HostPhase>("starting", "preparing", "parked", "engaged", "leaving"),
    held: fc.option(fc.record({ number: fc.nat(3), step: fc.constantFrom(...TICKET_STEPS) }), { nil: null }),
    ended: fc.uniqueArray(fc.nat(3), { maxLength: 3 }),
    end: fc.constantFrom<TicketEnd>(spent, barren),
    sighting: fc.constantFrom(seen(), seen({ hasListener: true }), seen({ workerCount: 1 }), unreadable),
  })
  .map(({ phase, held, ended: numbers, end, sighting }) => ({
    phase,
    ticket: held === null ? null : { id: ticketId(held.number), step: held.step },
    ended: numbers.map((number) => ({ id: ticketId(number), end })),
    sighting,
    fence: null,
    stillness: null,
  }));

const anyRows: fc.Arbitrary<{ readonly machine: Machine; readonly tickets: readonly Ticket[] }> = fc
  .record({
    state: fc.constantFrom<MachineState["kind"]>("provisioning", "parked", "engaged", "retiring", "gone"),
    kinds: fc.array(fc.constantFrom(...TICKET_KINDS), { maxLength: 4 }),
  })
  .map(({ state, kinds }) => ({
    machine: machine({ state }),
    tickets: kinds.map((kind, index) => ticket({ id: ticketId(index), state: kind })),
  }));

describe("any report on any rows", () => {
  it("changes nothing the second time, and ends only tickets that it names", () => {
    always(
      fc.property(anyRows, anyReport, (rows, word) => {
        const after = attendReport(rows.machine, rows.tickets, word, NOW_MS);
        const tickets = rows.tickets.map((one) => after.tickets.find(({ id }) => id === one.id) ?? one);
        const again = attendReport(after.machine, tickets, word, NOW_MS);
        expect(again.machine).toBe(after.machine);
        expect(again.tickets).toEqual([]);
        const named = word.ended.map(({ id }) => id);
        for (const one of after.tickets) if (!isTicketOut(one)) expect(named).toContain(one.id);
        if (after.machine.state.kind === "parked" && rows.machine.state.kind !== "parked") {
          expect(tickets.filter(isTicketOut)).toEqual([]);
          expect(word).toMatchObject({ ticket: null, sighting: seen() });
          expect(word.phase).not.toBe("starting");
        }
      }),
      2_000,
    );
  });
});

describe("what an attack on this module found", () => {
  // States, parked: "agent connected, no registration"; a Worker that nobody ended runs there.
  it("a machine on which an orphan Worker is seen is not parked again", () => {
    const word = ended(spent, { sighting: seen({ workerCount: 1 }) });
    expect(attend("engaged", [ticket({ state: "running" })], word).machine).toBe("engaged");
  });
});
