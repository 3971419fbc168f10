import { describe, expect, it } from "vitest";
import { InvariantError } from "../../src/domain/invariant.ts";
import {
  canTicketMove,
  isTicketLive,
  isTicketOut,
  isTicketOver,
  moveTicket,
  TICKET_STEPS,
  type TicketStateKind,
} from "../../src/domain/ticket.ts";
import { SECOND_MS } from "../../src/domain/units.ts";
import { START_MS, ticket, ticketState } from "./builders.ts";

/** The drawing of the contract, and the same paths walked faster; what is not here throws. */
const DRAWN: Readonly<Record<TicketStateKind, readonly TicketStateKind[]>> = {
  minting: ["issued", "void", "unknown"],
  issued: ["delivered", "void", "unknown"],
  delivered: ["online", "running", "spent", "barren", "handing-back", "handed-back", "lost", "unknown"],
  online: ["running", "spent", "barren", "handing-back", "handed-back", "lost", "unknown"],
  running: ["spent", "lost", "unknown"],
  "handing-back": ["handed-back", "delivered", "online", "running", "spent", "barren", "lost", "unknown"],
  unknown: ["delivered", "online", "running", "spent", "barren", "handed-back", "lost"],
  spent: [],
  barren: [],
  "handed-back": [],
  void: ["unknown"],
  lost: ["unknown"],
};

const KINDS = Object.keys(DRAWN) as readonly TicketStateKind[];
const pairs = KINDS.flatMap((from) => KINDS.map((to) => [from, to, DRAWN[from].includes(to)] as const));

const SEEN_ONLINE: readonly TicketStateKind[] = ["online", "running", "spent"];

describe("moveTicket", () => {
  it.each(pairs.filter(([, , isDrawn]) => isDrawn))("%s -> %s", (from, to) => {
    const before = ticket({ state: from, version: 4 });
    const state = ticketState(to, START_MS + SECOND_MS);
    expect(canTicketMove(from, to)).toBe(true);
    expect(moveTicket(before, state)).toEqual({
      ...before,
      state,
      wasOnline: before.wasOnline || SEEN_ONLINE.includes(to),
      version: 5,
    });
  });

  it.each(pairs.filter(([, , isDrawn]) => !isDrawn))("%s -> %s is not drawn", (from, to) => {
    expect(canTicketMove(from, to)).toBe(false);
    expect(() => moveTicket(ticket({ state: from }), ticketState(to))).toThrow(InvariantError);
  });

  it("never lets a ticket that may have left us be void, nor one that never did be lost", () => {
    const [afterVoid, afterLost] = (["void", "lost"] as const).map((to) =>
      KINDS.filter((from) => canTicketMove(from, to)),
    );
    expect(afterVoid).toEqual(["minting", "issued"]);
    expect(afterLost?.filter((kind) => !isTicketOut(ticket({ state: kind })))).toEqual([]);
  });
});

type Row = readonly [kind: TicketStateKind, isOut: boolean, isLive: boolean];

describe("what a ticket's state means", () => {
  it.each<Row>([
    ["minting", false, true],
    ["issued", false, true],
    ["delivered", true, true],
    ["online", true, true],
    ["running", true, true],
    ["handing-back", true, true],
    ["unknown", true, true],
    ["spent", false, false],
    ["barren", false, false],
    ["handed-back", false, false],
    ["void", false, false],
    ["lost", false, false],
  ])("%s: out %s, live %s", (kind, isOut, isLive) => {
    const one = ticket({ state: kind });
    expect({ isOut: isTicketOut(one), isLive: isTicketLive(one), isOver: isTicketOver(one) }).toEqual({
      isOut,
      isLive,
      isOver: !isLive,
    });
  });

  it("no state that is out is left but by the host's word or with the machine", () => {
    const ends = KINDS.filter((kind) => isTicketOut(ticket({ state: kind })))
      .flatMap((kind) => DRAWN[kind])
      .filter((kind) => isTicketOver(ticket({ state: kind })));
    expect([...new Set(ends)].sort()).toEqual(["barren", "handed-back", "lost", "spent"]);
  });

  it("a host reports steps in the order in which they happen", () => {
    const [first, second, third] = TICKET_STEPS;
    expect([canTicketMove(first, second), canTicketMove(second, third), canTicketMove(third, first)]).toEqual([
      true,
      true,
      false,
    ]);
  });
});
