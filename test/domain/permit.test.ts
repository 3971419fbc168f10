import { describe, expect, it } from "vitest";
import type { ProviderState } from "../../src/domain/observed.ts";
import type { TicketStateKind } from "../../src/domain/ticket.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import {
  heard,
  holding,
  incarnation,
  machine,
  machineId,
  machineState,
  observed,
  providerId,
  report,
  START_MS,
  seen,
  ticket,
  ticketId,
  unheardMachine,
} from "./builders.ts";

import {
  ask,
  BOOT_MS,
  dead,
  forced,
  type Granted,
  neverEngaged,
  parked,
  type Refused,
  retired,
  unheard,
} from "./permit-scene.ts";

describe("a machine's permit by `parked`", () => {
  const over: readonly TicketStateKind[] = ["spent", "barren", "handed-back", "void"];
  const notOver: readonly TicketStateKind[] = [
    "minting",
    "issued",
    "delivered",
    "online",
    "running",
    "handing-back",
    "unknown",
  ];
  const reports = (fields: Parameters<typeof report>[0]) => ({ machine: { ...retired, report: report(fields) } });

  it.each<Granted>([
    ["no ticket ever, and the next report holds none", {}],
    ["the agent is leaving and holds none", reports({ phase: "leaving" })],
    ["the agent clears up after the last ticket", reports({ phase: "preparing" })],
    [
      "adopted, and its unknown ticket has been handed back",
      { machine: { ...retired, origin: "adopted" }, tickets: [ticket({ state: "handed-back" })] },
    ],
    [
      "as many tickets were given as its host has ended, and a void one never left us",
      {
        machine: { ...retired, ticketsGiven: 2 },
        tickets: [
          ticket({ state: "spent" }),
          ticket({ id: ticketId(2), state: "void" }),
          ticket({ id: ticketId(3), state: "barren" }),
        ],
      },
    ],
    [
      "restored, and its unknown ticket turned out barren",
      { machine: { ...retired, origin: "restored" }, tickets: [ticket({ state: "barren" })] },
    ],
    ...over.map((kind): Granted => [`the last ticket is ${kind}`, { tickets: [ticket({ state: kind })] }]),
  ])("is granted: %s", (_name, request) => {
    expect(ask(request)).toMatchObject({ kind: "permitted", permit: { proof: "parked" } });
  });

  it.each<Refused>([
    ...notOver.map(
      (kind): Refused => [`a ticket is ${kind}`, { tickets: [ticket({ state: kind })] }, ["ticket-not-over"]],
    ),
    [
      "an earlier ticket is still out",
      { tickets: [ticket({ state: "online" }), ticket({ id: ticketId(2), state: "spent" })] },
      ["ticket-not-over"],
    ],
    [
      "a ticket was given that no row tells of, and a void one is no such row",
      { machine: { ...retired, ticketsGiven: 1 }, tickets: [ticket({ state: "void" })] },
      ["ticket-not-over"],
    ],
    [
      "two tickets were given, and one has ended",
      { machine: { ...retired, ticketsGiven: 2 }, tickets: [ticket({ state: "spent" })] },
      ["ticket-not-over"],
    ],
    [
      "a ticket was lost after another was spent",
      { tickets: [ticket({ state: "spent" }), ticket({ id: ticketId(2), state: "lost" })] },
      ["ticket-not-over"],
    ],
    ["the machine is parked: no compare-and-set yet", { machine: machine({ sequence: 4 }) }, ["not-retiring"]],
    [
      "the machine is engaged",
      { machine: machine({ state: "engaged", sequence: 4 }) },
      ["not-retiring", "ticket-not-over"],
    ],
    ["the machine is planned: there is nothing to end", { machine: machine({ state: "planned" }) }, ["not-retiring"]],
    ["the machine is gone", { machine: machine({ state: "gone" }) }, ["not-retiring"]],
    ["the last report came before the compare-and-set", { machine: { ...retired, sequence: 3 } }, ["awaits-report"]],
    ["a report of a sequence below, of whatever start", { machine: { ...retired, sequence: 1 } }, ["awaits-report"]],
    ["no report at all", { machine: { ...retired, report: null } }, ["awaits-report"]],
    [
      "the report names a ticket that we do not know",
      reports({ ticket: { id: ticketId(9), step: "delivered" } }),
      ["report-names-ticket"],
    ],
    ["the agent is starting and has not looked", reports({ phase: "starting" }), ["report-names-ticket"]],
    ["the agent says engaged and names no ticket", reports({ phase: "engaged" }), ["report-names-ticket"]],
    ["a listener is seen", reports({ sighting: seen({ hasListener: true }) }), ["sees-processes"]],
    ["an orphan Worker is seen", reports({ sighting: seen({ workerCount: 1 }) }), ["sees-processes"]],
    ["the host could not look", reports({ sighting: { kind: "unknown", why: "hidepid" } }), ["sees-processes"]],
    [
      "adopted, and nothing is known of its ticket",
      { machine: { ...retired, origin: "adopted" } },
      ["not-ours-from-the-start"],
    ],
    [
      "restored, and nothing is known of its ticket",
      { machine: { ...retired, origin: "restored" } },
      ["not-ours-from-the-start"],
    ],
    [
      "all of it is missing",
      {
        machine: { ...retired, origin: "adopted", report: holding(ticketId(), "running") },
        tickets: [ticket({ state: "running" })],
      },
      ["ticket-not-over", "not-ours-from-the-start", "report-names-ticket", "sees-processes"],
    ],
  ])("is refused: %s", (_name, request, missing) => {
    expect(ask(request)).toEqual({ kind: "refused", missing });
  });
});

describe("the permit by `parked` of a machine that the provider says is stopped", () => {
  const silent = { ...retired, sequence: 3 };
  const at = (state: ProviderState, others: Parameters<typeof observed>[1] = {}) =>
    ({ kind: "parked", observed: observed(state, others) }) as const;

  it("needs no word of its host", () => {
    expect(ask({ machine: silent, proof: at("stopped") })).toMatchObject({ kind: "permitted" });
  });

  it.each<Refused>([
    ["it runs", { machine: silent, proof: at("running") }, ["awaits-report"]],
    [
      "another one is stopped",
      { machine: silent, proof: at("stopped", { providerId: providerId(2) }) },
      ["awaits-report"],
    ],
    [
      "a ticket is out",
      { machine: silent, proof: at("stopped"), tickets: [ticket({ state: "online" })] },
      ["ticket-not-over"],
    ],
  ])("is refused: %s", (_name, request, missing) => {
    expect(ask(request)).toEqual({ kind: "refused", missing });
  });
});

describe("a machine's permit to be stopped", () => {
  const stopping = machine({
    state: { kind: "stopping", providerId: providerId(), heardSequence: 3, sinceMs: START_MS },
    sequence: 4,
    version: 9,
  });

  it("is granted by its host's word since it began to be stopped", () => {
    expect(ask({ machine: stopping })).toMatchObject({
      kind: "permitted",
      permit: { proof: "parked", machineVersion: 9 },
    });
  });

  it.each<readonly [string, Parameters<typeof ask>[0], string]>([
    ["its host has said nothing since", { machine: { ...stopping, sequence: 3 } }, "awaits-report"],
    [
      "its host sees a Worker",
      { machine: { ...stopping, report: report({ sighting: seen({ workerCount: 1 }) }) } },
      "sees-processes",
    ],
    [
      "a ticket may be out",
      { machine: { ...stopping, ticketsGiven: 1 }, tickets: [ticket({ state: "delivered" })] },
      "ticket-not-over",
    ],
    ["it was adopted", { machine: { ...stopping, origin: "adopted" } }, "not-ours-from-the-start"],
    ["another proof is offered", { machine: stopping, proof: forced }, "not-retiring"],
    ["its state does not say so", { machine: { ...stopping, state: machineState("parked") } }, "not-retiring"],
  ])("is refused where %s", (_name, request, missing) => {
    const decision = ask(request);
    expect(decision.kind).toBe("refused");
    expect(decision).toMatchObject({ missing: expect.arrayContaining([missing]) });
  });
});

describe("a machine's permit by `never-engaged`", () => {
  const base = { machine: unheard, proof: neverEngaged };
  const WAITS = { place: "serving", departure: "waits" } as const;
  const departing = { ...neverEngaged, observed: observed("running", { membership: WAITS }) };

  it.each<Granted>([
    ["nobody came by the deadline", base],
    ["long after the deadline", { ...base, time: heard(HOUR_MS) }],
    ["its group ends it before the deadline", { ...base, proof: departing, time: heard(1) }],
    [
      "its only tickets are void",
      { ...base, tickets: [ticket({ state: "void" }), ticket({ id: ticketId(2), state: "void" })] },
    ],
  ])("is granted: %s", (_name, request) => {
    expect(ask(request)).toMatchObject({ kind: "permitted", permit: { proof: "never-engaged" } });
  });

  const others: readonly TicketStateKind[] = [
    "minting",
    "issued",
    "delivered",
    "online",
    "running",
    "handing-back",
    "unknown",
    "spent",
    "barren",
    "handed-back",
    "lost",
  ];
  it.each<Refused>([
    ...others.map(
      (kind): Refused => [
        `a ticket is ${kind}, not void`,
        { ...base, tickets: [ticket({ state: kind })] },
        ["ticket-not-over"],
      ],
    ),
    [
      "a ticket was given, whatever its row says",
      { ...base, machine: { ...unheard, ticketsGiven: 1 } },
      ["ticket-not-over"],
    ],
    ["not retiring", { ...base, machine: unheardMachine() }, ["not-retiring"]],
    ["adopted", { ...base, machine: { ...unheard, origin: "adopted" } }, ["not-ours-from-the-start"]],
    ["restored", { ...base, machine: { ...unheard, origin: "restored" } }, ["not-ours-from-the-start"]],
    [
      "somebody was refused as this machine",
      { ...base, machine: { ...unheard, isAgentSeen: true } },
      ["agent-was-seen"],
    ],
    ["an agent checked in", { ...base, machine: { ...unheard, incarnation: incarnation() } }, ["agent-was-seen"]],
    ["one ms before the deadline", { ...base, time: heard(BOOT_MS - 1) }, ["deadline-not-past"]],
    [
      "its group ends it, and we began to listen a minute ago: it may have an agent that a restored store does not know",
      { ...base, proof: departing, time: heard(HOUR_MS, { heardSinceMs: START_MS + HOUR_MS - MINUTE_MS }) },
      ["deadline-not-past"],
    ],
    [
      "another machine's group ends it",
      {
        ...base,
        proof: { ...departing, observed: observed("running", { providerId: providerId(2), membership: WAITS }) },
        time: heard(1),
      },
      ["deadline-not-past"],
    ],
    [
      "past the deadline, and we were deaf until a minute ago",
      { ...base, time: heard(HOUR_MS, { heardSinceMs: START_MS + HOUR_MS - MINUTE_MS }) },
      ["deadline-not-past"],
    ],
  ])("is refused: %s", (_name, request, missing) => {
    expect(ask(request)).toEqual({ kind: "refused", missing });
  });
});

describe("a machine's permit by `provider-dead`", () => {
  it.each<Granted>([
    ["the provider says dead", { proof: dead() }],
    ["the provider says gone", { proof: dead({ state: "gone" }) }],
    ["a ticket is out: its job died with the machine", { proof: dead(), tickets: [ticket({ state: "running" })] }],
    [
      "the last report saw a Worker",
      { proof: dead(), machine: { ...retired, report: holding(ticketId(), "running") } },
    ],
    [
      "the marks are unreadable, the provider's id is ours",
      { proof: dead({ machineId: null, launchId: null, pool: null }) },
    ],
  ])("is granted: %s", (_name, request) => {
    expect(ask(request)).toMatchObject({ kind: "permitted", permit: { proof: "provider-dead" } });
  });

  it.each<Refused>([
    ["it runs", { proof: dead({ state: "running" }) }, ["not-dead"]],
    ["it starts", { proof: dead({ state: "starting" }) }, ["not-dead"]],
    ["another machine is dead", { proof: dead({ providerId: providerId(2) }) }, ["not-dead"]],
    [
      "another machine is dead that carries our marks",
      { proof: dead({ providerId: providerId(2), machineId: machineId() }) },
      ["not-dead"],
    ],
    ["not retiring", { proof: dead(), machine: machine() }, ["not-retiring"]],
    [
      "nothing was started: no id of the provider's",
      { proof: dead(), machine: machine({ state: "planned" }) },
      ["not-retiring", "not-dead"],
    ],
  ])("is refused: %s", (_name, request, missing) => {
    expect(ask(request)).toEqual({ kind: "refused", missing });
  });
});

describe("a machine's permit by `forced`", () => {
  it("is granted to a name with a reason, whatever is out", () => {
    const answer = ask({ proof: forced, tickets: [ticket({ state: "running" })] });
    expect(answer).toMatchObject({ kind: "permitted", permit: { proof: "forced" } });
  });

  it.each<Refused>([
    ["nobody's word", { proof: { ...forced, operator: "" } }, ["no-reason-given"]],
    ["a word without a reason", { proof: { ...forced, reason: "" } }, ["no-reason-given"]],
    ["not retiring", { proof: forced, machine: machine() }, ["not-retiring"]],
  ])("is refused: %s", (_name, request, missing) => {
    expect(ask(request)).toEqual({ kind: "refused", missing });
  });
});

describe("what an attack on this module found", () => {
  // Permits, parked: "no ticket ever, or the last one spent, void, barren or handed back". Lost is not among them: the
  // machine it was lost with is gone, and one that reports is not.
  it("a lost ticket is no proof that the machine is parked", () => {
    expect(ask({ tickets: [ticket({ state: "lost" })] })).toEqual({ kind: "refused", missing: ["ticket-not-over"] });
  });

  // The presumption: the machine was given a ticket whose row the request does not hold; its answer may be on its way.
  it("a ticket that was given and is not in the request is not over", () => {
    const given = { ...retired, ticketsGiven: 1 };
    expect(ask({ machine: given })).toEqual({ kind: "refused", missing: ["ticket-not-over"] });
  });

  // The presumption, restored rows: a ticket that never left us says nothing about those that the lost rows were of.
  it.each(["adopted", "restored"] as const)("%s with nothing but a void ticket: nobody knows what it did", (origin) => {
    const answer = ask({ machine: { ...retired, origin }, tickets: [ticket({ state: "void" })] });
    expect(answer).toEqual({ kind: "refused", missing: ["not-ours-from-the-start"] });
  });

  // Permits, parked: the report "says that it holds none"; one that says engaged and names no ticket contradicts itself.
  it("a report that says engaged and names no ticket proves nothing", () => {
    const answer = ask({ machine: { ...retired, report: report({ phase: "engaged" }) } });
    expect(answer).toEqual({ kind: "refused", missing: ["report-names-ticket"] });
  });
});

it("a row in no state that a permit needs is refused with what is missing, never with nothing", () => {
  const kinds = ["planned", "provisioning", "parked", "engaged", "gone"] as const;
  for (const kind of kinds)
    for (const proof of [parked, neverEngaged, dead(), forced])
      expect(ask({ machine: machine({ state: machineState(kind) }), proof })).toMatchObject({
        kind: "refused",
        missing: expect.arrayContaining(["not-retiring"]),
      });
});
