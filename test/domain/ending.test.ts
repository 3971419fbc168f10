import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CONFIRM_PATIENCE_MS,
  DEAD_PATIENCE_MS,
  decideEnding,
  type EndingInput,
  type EndingStep,
  owesDeletion,
} from "../../src/domain/ending.ts";
import { InvariantError } from "../../src/domain/invariant.ts";
import { moveMachine, RETIRING_STAGES } from "../../src/domain/machine.ts";
import { issuePermit } from "../../src/domain/permit.ts";
import { isTicketLive, type RegistrationState, type TicketStateKind } from "../../src/domain/ticket.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import {
  epoch,
  heard,
  heardFacts,
  holding,
  machine,
  observed,
  pool,
  providerId,
  report,
  START_MS,
  ticket,
  ticketId,
  ticketState,
} from "./builders.ts";
import {
  alice,
  answered,
  at,
  BOOT_MS,
  decide,
  playToTheEnd,
  type Scene,
  stage,
  unanswered,
  unheard,
  waits,
} from "./ending-scene.ts";
import { always } from "./property.ts";

describe("the steps of an ending, to the end", () => {
  type Row = readonly [name: string, scene: () => Scene, want: readonly string[]];
  it.each<Row>([
    [
      "parked, never had a ticket",
      () => ({ machine: answered, tickets: [] }),
      ["deregistering", "terminating", "terminate by parked", "gone"],
    ],
    [
      "parked, after a job",
      () => ({ machine: answered, tickets: [ticket({ state: "spent", registration: "present" })] }),
      ["deregistering", "terminating", "terminate by parked", "gone"],
    ],
    [
      "parked, with an issued ticket: voided, deregistered, then terminated",
      () => ({ machine: answered, tickets: [ticket({ state: "issued" })] }),
      ["void t-00000001", "deregistering", "wait: deregistering", "terminating", "terminate by parked", "gone"],
    ],
    [
      "parked, with a ticket that is being made",
      () => ({ machine: answered, tickets: [ticket({ state: "minting" })] }),
      ["void t-00000001", "deregistering", "wait: deregistering", "terminating", "terminate by parked", "gone"],
    ],
    [
      "never heard of, past its boot deadline",
      () => ({ machine: unheard, tickets: [] }),
      ["deregistering", "terminating", "terminate by never-engaged", "gone"],
    ],
    [
      "never heard of, with an issued ticket",
      () => ({ machine: unheard, tickets: [ticket({ state: "issued" })] }),
      ["void t-00000001", "deregistering", "wait: deregistering", "terminating", "terminate by never-engaged", "gone"],
    ],
    [
      "dead, with a ticket out: its registration stays until it is gone",
      () => ({ machine: unanswered, tickets: [ticket({ state: "running" })], observed: observed("dead") }),
      ["terminating", "terminate by provider-dead", "gone"],
    ],
    [
      "dead, with an issued ticket: it is voided first",
      () => ({ machine: unanswered, tickets: [ticket({ state: "issued" })], observed: observed("dead") }),
      ["void t-00000001", "terminating", "terminate by provider-dead", "gone"],
    ],
    [
      "forced, with a ticket out",
      () => ({ machine: unanswered, tickets: [ticket({ state: "running" })], forced: alice }),
      ["terminating", "terminate by forced", "gone"],
    ],
    [
      "forced, and nothing stands against it: the better proof is taken",
      () => ({ machine: answered, tickets: [], forced: alice }),
      ["deregistering", "terminating", "terminate by parked", "gone"],
    ],
    ["silent since it retired: it waits", () => ({ machine: unanswered, tickets: [] }), ["wait: awaits-report"]],
    [
      "a ticket out: it waits",
      () => ({
        machine: { ...answered, report: holding(ticketId(), "online") },
        tickets: [ticket({ state: "online" })],
      }),
      ["wait: ticket-not-over, report-names-ticket, sees-processes"],
    ],
    ["gone already", () => ({ machine: unanswered, tickets: [], observed: observed("gone") }), ["gone"]],
    [
      "gone already, with an issued ticket: it is voided, for no ending is asked about it again",
      () => ({ machine: unanswered, tickets: [ticket({ state: "issued" })], observed: observed("gone") }),
      ["void t-00000001", "gone"],
    ],
  ])("%s", (_name, scene, want) => {
    expect(playToTheEnd(scene())).toEqual(want);
  });
});

describe("decideEnding", () => {
  const registered = (kind: TicketStateKind, registration: RegistrationState, sinceMs = START_MS + BOOT_MS) => [
    ticket({ state: ticketState(kind, sinceMs), registration }),
  ];
  type Row = readonly [name: string, input: Partial<EndingInput>, want: EndingStep];
  const parked = { kind: "terminate", proof: { kind: "parked", observed: null } } as const;

  it.each<Row>([
    [
      "the registration of a void ticket is at GitHub",
      { machine: at(answered, "deregistering"), tickets: registered("void", "present") },
      waits("deregistering"),
    ],
    [
      "whether GitHub made one is not known",
      { machine: at(answered, "deregistering"), tickets: registered("void", "unknown") },
      waits("deregistering"),
    ],
    [
      "GitHub has not answered within the patience: nobody has the secret, and the sweep goes on with it",
      {
        machine: at(answered, "deregistering"),
        tickets: registered("void", "present", START_MS + BOOT_MS - 2 * MINUTE_MS),
      },
      stage("terminating"),
    ],
    [
      "one ms before the patience ends",
      {
        machine: at(answered, "deregistering"),
        tickets: registered("void", "unknown", START_MS + BOOT_MS - 2 * MINUTE_MS + 1),
      },
      waits("deregistering"),
    ],
    [
      "GitHub has none any more",
      { machine: at(answered, "deregistering"), tickets: registered("void", "gone") },
      stage("terminating"),
    ],
    [
      "GitHub never had one",
      { machine: at(answered, "deregistering"), tickets: registered("void", "none") },
      stage("terminating"),
    ],
    [
      "a spent ticket's registration ends by itself: no reason to wait",
      { machine: at(answered, "deregistering"), tickets: registered("spent", "present") },
      stage("terminating"),
    ],
    ["terminating, and the proof holds", { machine: at(answered, "terminating") }, parked],
    [
      "terminating, and the proof holds no more: a Worker is seen",
      { machine: { ...at(answered, "terminating"), report: holding(ticketId(), "running") } },
      waits("report-names-ticket", "sees-processes"),
    ],
    [
      "terminating, and an issued ticket turns up",
      { machine: at(answered, "terminating"), tickets: [ticket({ state: "issued" })] },
      { kind: "void-ticket", ticketId: ticketId() },
    ],
    [
      "terminating, and the provider says gone",
      { machine: at(answered, "terminating"), observed: observed("gone") },
      { kind: "confirm-gone" },
    ],
    [
      "the provider says that it runs: proves nothing either way",
      { observed: observed("running") },
      stage("deregistering"),
    ],
    [
      "a dead machine of another id is not ours",
      { machine: unanswered, observed: observed("dead", { providerId: providerId(2) }) },
      waits("awaits-report"),
    ],
    [
      "never heard of, before its boot deadline",
      { machine: unheard, time: heard(BOOT_MS - 1) },
      waits("deadline-not-past"),
    ],
    ["adopted, never heard of", { machine: { ...unheard, origin: "adopted" } }, waits("not-ours-from-the-start")],
    ["forced without a name", { machine: unanswered, forced: { ...alice, operator: "" } }, waits("awaits-report")],
  ])("%s", (_name, input, want) => {
    expect(decide(input)).toEqual(want);
  });

  it.each<readonly [string, number, EndingStep]>([
    ["one ms before patience ends", CONFIRM_PATIENCE_MS - 1, waits("confirming")],
    ["when patience ends: the provider is asked again", CONFIRM_PATIENCE_MS, stage("terminating")],
  ])("confirming, %s", (_name, afterMs, want) => {
    expect(decide({ machine: at(answered, "confirming") }, afterMs)).toEqual(want);
  });

  it.each<[string, number, EndingStep]>([
    ["longer than without a word", DEAD_PATIENCE_MS - 1, waits("confirming")],
    ["not for ever: the provider is asked again", DEAD_PATIENCE_MS, stage("terminating")],
  ])("confirming, is waited for where the provider says that it is dead, %s", (_name, afterMs, want) => {
    const machine = at(answered, "confirming");
    expect(decide({ machine, observed: observed("dead") }, afterMs)).toEqual(want);
    expect(decide({ machine, observed: observed("dead", { providerId: providerId(9) }) }, afterMs)).toEqual(
      stage("terminating"),
    );
  });

  it.each(["planned", "provisioning", "parked", "engaged", "gone"] as const)(
    "is not asked of one that is %s",
    (state) => {
      expect(() => decide({ machine: machine({ state }) })).toThrow(InvariantError);
    },
  );

  it("says for any machine what it waits for, and never with nothing", () => {
    always(
      fc.property(anyEnding, (input) => {
        const step = decideEnding(input, pool());
        if (step.kind === "wait") expect(step.missing.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe("whatever comes", () => {
  it("is terminated only in its stage, by a proof that a permit is granted for, with no ticket left that is unsent", () => {
    let count = 0;
    always(
      fc.property(anyEnding, (input) => {
        const step = decideEnding(input, pool());
        if (step.kind !== "terminate") return;
        count += 1;
        expect(input.machine.state).toMatchObject({ kind: "retiring", stage: "terminating" });
        expect(input.tickets.filter(({ state }) => state.kind === "minting" || state.kind === "issued")).toEqual([]);
        const { machine: row, tickets, time } = input;
        const decision = issuePermit({
          kind: "end-machine",
          machine: row,
          tickets,
          proof: step.proof,
          epoch: epoch(),
          time,
        });
        expect(decision.kind).toBe("permitted");
        if (step.proof.kind === "parked" || step.proof.kind === "never-engaged")
          expect(tickets.filter(isTicketLive)).toEqual([]);
      }),
      3_000,
    );
    expect(count).toBeGreaterThan(50);
  });

  it("comes no further than its deregistration while GitHub may have a registration that never left us", () => {
    always(
      fc.property(anyEnding, (input) => {
        const step = decideEnding(input, pool());
        const isCertain = input.observed?.state !== "dead" && input.forced === null;
        if (
          input.machine.state.kind !== "retiring" ||
          !isCertain ||
          !input.tickets.some((one) => owesDeletion(one, input.time.nowMs))
        )
          return;
        const { stage: now } = input.machine.state;
        if (now === "proving" || now === "deregistering") expect(step).not.toEqual(stage("terminating"));
      }),
      3_000,
    );
  });

  it("takes each stage only where the machine can go", () => {
    always(
      fc.property(anyEnding, (input) => {
        const step = decideEnding(input, pool());
        if (step.kind !== "stage") return;
        expect(() => moveMachine(input.machine, step, START_MS)).not.toThrow();
      }),
      3_000,
    );
  });
});

const KINDS = ["minting", "issued", "delivered", "running", "spent", "void", "void", "void"] as const;

const anyEnding: fc.Arbitrary<EndingInput> = fc
  .record({
    stageName: fc.constantFrom(...RETIRING_STAGES),
    row: fc.constantFrom(answered, answered, unanswered, unheard, {
      ...answered,
      report: report({ phase: "starting" }),
    }),
    kinds: fc.array(fc.tuple(fc.constantFrom(...KINDS), fc.constantFrom("none", "unknown", "present", "gone")), {
      maxLength: 3,
    }),
    providerState: fc.constantFrom(null, null, "running", "dead", "gone"),
    forced: fc.constantFrom(null, null, alice),
    afterMs: fc.nat(2 * BOOT_MS),
  })
  .map(({ stageName, row, kinds, providerState, forced, afterMs }) => ({
    machine: at(row, stageName, row === unanswered ? 4 : 0),
    tickets: kinds.map(([state, registration], index) => ticket({ id: ticketId(index), state, registration })),
    observed: providerState && observed(providerState),
    forced,
    facts: heardFacts(START_MS + afterMs),
    guard: null,
    epoch: epoch(),
    time: heard(afterMs),
  }));

describe("what an attack on this module found", () => {
  // `gone` is the provider's word about this machine: I2 ends with it.
  it("the word that another machine is gone does not close this row", () => {
    expect(decide({ observed: observed("gone", { providerId: providerId(2) }) })).not.toEqual({ kind: "confirm-gone" });
  });

  // Permits: "an issued ticket is voided and its registration DELETEd, then terminate". It was dead for one reading, and
  // came to its stage past the deregistration.
  it("a machine that was taken for dead is deregistered before it is terminated by another proof", () => {
    const tickets = [ticket({ state: ticketState("void", START_MS + BOOT_MS), registration: "present" })];
    expect(decide({ machine: at(answered, "terminating"), tickets }).kind).not.toBe("terminate");
  });
});
