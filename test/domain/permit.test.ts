import { describe, expect, it } from "vitest";
import {
  issuePermit,
  MachinePermit,
  type MachinePermitRequest,
  type MachineProof,
  PERMIT_LIFE_MS,
  type PermitDecision,
  RegistrationPermit,
} from "../../src/domain/permit.ts";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import type { TicketStateKind } from "../../src/domain/ticket.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import {
  connectionName,
  epoch,
  heard,
  holding,
  incarnation,
  machine,
  machineId,
  machineState,
  observed,
  providerId,
  report,
  retiring,
  runnerId,
  START_MS,
  seen,
  ticket,
  ticketId,
  unheardMachine,
} from "./builders.ts";

const BOOT_MS = 5 * MINUTE_MS;
const neverEngaged: MachineProof = { kind: "never-engaged", bootDeadlineMs: BOOT_MS };
const parked: MachineProof = { kind: "parked" };
const forced: MachineProof = { kind: "forced", operator: "alice", reason: "the rack is on fire" };
const dead = (fields: Parameters<typeof observed>[1] = {}): MachineProof => ({
  kind: "provider-dead",
  observed: observed("dead", fields),
});

/** Retires since it was heard with sequence 3; its agent has said since, with sequence 4, that it holds none. */
const retired = machine({ state: retiring({ heardSequence: 3 }), sequence: 4, version: 9 });
const unheard = unheardMachine({ state: retiring() });

function ask(overrides: Partial<MachinePermitRequest> = {}): PermitDecision<MachinePermit> {
  const request = { machine: retired, tickets: [], proof: parked, epoch: epoch(4), time: heard(BOOT_MS), ...overrides };
  return issuePermit({ kind: "end-machine", ...request });
}

type Granted = readonly [name: string, request: Partial<MachinePermitRequest>];
type Refused = readonly [name: string, request: Partial<MachinePermitRequest>, missing: readonly ReasonCode[]];

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

describe("a machine's permit by `never-engaged`", () => {
  const base = { machine: unheard, proof: neverEngaged };

  it.each<Granted>([
    ["nobody came by the deadline", base],
    ["long after the deadline", { ...base, time: heard(HOUR_MS) }],
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

describe("a registration's permit", () => {
  const grant = (fields: Parameters<typeof ticket>[0]) =>
    issuePermit({ kind: "delete-registration", ticket: ticket(fields), epoch: epoch(4), time: heard() });

  it.each<TicketStateKind>(["void", "spent", "barren", "handed-back", "lost"])(
    "is granted: its ticket is %s",
    (state) => {
      expect(grant({ state })).toMatchObject({
        kind: "permitted",
        permit: { proof: "ticket-over", ticketId: ticketId() },
      });
    },
  );

  it.each<readonly [string, Parameters<typeof ticket>[0]]>([
    ["its ticket is minting", { state: "minting" }],
    ["its ticket is issued", { state: "issued" }],
    ["its ticket is delivered", { state: "delivered" }],
    ["its ticket is online", { state: "online" }],
    ["its ticket is running", { state: "running" }],
    ["its ticket is being handed back, and no fence has said anything", { state: "handing-back" }],
    ["its ticket is unknown", { state: "unknown" }],
    ["GitHub's id of it is not known", { state: "void", runnerId: null }],
  ])("is refused: %s", (_name, fields) => {
    expect(grant(fields)).toEqual({ kind: "refused", missing: ["registration-not-over"] });
  });

  it("names connection, scope, runner, ticket and its version, epoch and proof, and lives 30 s", () => {
    const scope = { kind: "repository", owner: "acme", repository: "widgets" } as const;
    const given = {
      state: "spent",
      version: 6,
      scope,
      connection: connectionName("ghes"),
      runnerId: runnerId(77),
    } as const;
    expect(permitOf(grant(given))).toEqual({
      kind: "delete-registration",
      connection: "ghes",
      scope,
      runnerId: 77,
      ticketId: ticketId(),
      ticketVersion: 6,
      epoch: 4,
      proof: "ticket-over",
      expiresAtMs: START_MS + 30 * SECOND_MS,
    });
  });
});

describe("a permit", () => {
  const permit = permitOf(ask());

  it("names machine, provider's id, the row's version, epoch and proof, and lives 30 s", () => {
    expect(PERMIT_LIFE_MS).toBe(30 * SECOND_MS);
    expect(permit).toEqual({
      kind: "end-machine",
      machineId: machineId(),
      providerId: providerId(),
      machineVersion: 9,
      epoch: 4,
      proof: "parked",
      expiresAtMs: START_MS + BOOT_MS + 30 * SECOND_MS,
    });
  });

  it("cannot be changed after it was made", () => {
    expect(Object.isFrozen(permit)).toBe(true);
    expect(() => Object.assign(permit, { expiresAtMs: Number.POSITIVE_INFINITY })).toThrow(TypeError);
  });

  it.each<readonly [string, unknown]>([
    ["a literal of the same shape", { ...permit }],
    ["what was written to a store and read again", JSON.parse(JSON.stringify(permit))],
    ["what was sent to another thread", structuredClone(permit)],
    [
      "what another factory gives: a registration's permit",
      permitOf(
        issuePermit({ kind: "delete-registration", ticket: ticket({ state: "spent" }), epoch: epoch(), time: heard() }),
      ),
    ],
  ])("is an instance, and %s is none", (_name, forged) => {
    expect(permit).toBeInstanceOf(MachinePermit);
    expect(permit).not.toBeInstanceOf(RegistrationPermit);
    expect(forged).not.toBeInstanceOf(MachinePermit);
  });

  it.each<readonly [string, object]>([
    ["a literal of the same shape", { ...permit }],
    ["what was sent to another thread", structuredClone(permit)],
    ["what claims its prototype", Object.assign(Object.create(MachinePermit.prototype), { ...permit })],
    ["what was made to look like one later", Object.setPrototypeOf({ ...permit }, MachinePermit.prototype)],
    ["what stands before a real one", new Proxy(permit, {})],
    ["what inherits from a real one", Object.create(permit)],
  ])("was made at the door, and %s was not", (_name, forged) => {
    expect([MachinePermit.isMade(permit), RegistrationPermit.isMade(permit)]).toEqual([true, false]);
    expect([MachinePermit.isMade(forged), RegistrationPermit.isMade(forged)]).toEqual([false, false]);
  });

  it("of a registration was made at the door, and what claims its prototype was not", () => {
    const request = { ticket: ticket({ state: "spent" }), epoch: epoch(), time: heard() };
    const made = permitOf(issuePermit({ kind: "delete-registration", ...request }));
    expect([RegistrationPermit.isMade(made), MachinePermit.isMade(made)]).toEqual([true, false]);
    const forged = Object.assign(Object.create(RegistrationPermit.prototype), { ...made });
    expect(forged).toBeInstanceOf(RegistrationPermit);
    expect(RegistrationPermit.isMade(forged)).toBe(false);
  });

  it("is made anew for each request", () => {
    expect(permitOf(ask())).not.toBe(permitOf(ask()));
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

function permitOf<Permit>(decision: PermitDecision<Permit>): Permit {
  if (decision.kind === "refused") throw new Error(`refused: ${decision.missing.join(", ")}`);
  return decision.permit;
}
