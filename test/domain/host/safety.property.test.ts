import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ProcessSight } from "../../../src/domain/host/sight.ts";
import type { HostInput } from "../../../src/domain/host/state.ts";
import { stepHost } from "../../../src/domain/host/step.ts";
import { parseTicketId } from "../../../src/domain/ids.ts";
import { always, canFail } from "../property.ts";
import { Checker, type Event, type FilesChoice, type Step } from "./host-checker.ts";
import { NONE, ticket } from "./host-story.ts";

const TICKETS = [1, 2, 3].map((count) => parseTicketId(`t-0000000${count}`));

const anyTicket = fc.constantFrom(...TICKETS);
const anyProcesses: fc.Arbitrary<ProcessSight> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<ProcessSight>({ kind: "seen", listenerCount: 0, workerCount: 0 }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("seen" as const),
      listenerCount: fc.constantFrom(0, 1),
      workerCount: fc.constantFrom(0, 0, 1),
    }),
  },
  { weight: 1, arbitrary: fc.constant<ProcessSight>({ kind: "unknown", why: "EACCES" }) },
);
const anyFiles = fc.record({
  hasSession: fc.boolean(),
  hasJobCompleted: fc.boolean(),
  isComplete: fc.boolean(),
  isUpdateFinished: fc.boolean(),
});
const anyInput: fc.Arbitrary<HostInput> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<HostInput>({ kind: "poll-sent" }) },
  {
    weight: 8,
    arbitrary: anyTicket.map((id): HostInput => ({ kind: "polled", answer: { kind: "ticket", ticket: ticket(id) } })),
  },
  { weight: 2, arbitrary: fc.constantFrom<HostInput>({ kind: "polled", answer: { kind: "nothing" } }) },
  { weight: 1, arbitrary: fc.constantFrom<HostInput>({ kind: "polled", answer: null }) },
  { weight: 1, arbitrary: fc.constantFrom<HostInput>({ kind: "clean-failed" }, { kind: "root-failed" }) },
  { weight: 1, arbitrary: fc.constantFrom<HostInput>({ kind: "cleaned" }, { kind: "root-prepared" }) },
  { weight: 1, arbitrary: fc.constantFrom<HostInput>({ kind: "asked-to-stop" }, { kind: "wanted-back" }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<HostInput>(
      { kind: "service-told", service: "serving" },
      { kind: "service-told", service: "aside" },
      { kind: "service-told", service: "ending" },
      { kind: "slept" },
    ),
  },
  {
    weight: 1,
    arbitrary: anyTicket.map((ticketId): HostInput => ({ kind: "runner-not-started", ticketId, why: "ENOENT" })),
  },
  {
    weight: 3,
    arbitrary: fc.nat(3_600_000).map((atMs): HostInput => ({ kind: "exchanged", isAnswered: false, atMs })),
  },
);
const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 5, arbitrary: anyInput.map((input): Event => ({ kind: "tell", input })) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("look" as const),
      processes: anyProcesses,
      files: anyFiles,
      afterMs: fc.constantFrom(0, 100, 500, 500, 2_500, 31_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("answer-report" as const),
      isConfirming: fc.boolean(),
      ticketOut: fc.option(anyTicket, { freq: 2 }),
    }),
  },
  { weight: 6, arbitrary: fc.constant<Event>({ kind: "answer-effects" }) },
  { weight: 3, arbitrary: fc.constantFrom(0, 1, 2, 3, null).map((code): Event => ({ kind: "exit", code })) },
  { weight: 1, arbitrary: fc.constant<Event>({ kind: "crash" }) },
);
/** What leads a host on, so that stories get far. */
const QUIET: FilesChoice = { hasSession: false, hasJobCompleted: false, isComplete: true, isUpdateFinished: true };
const quietLook: Event = { kind: "look", processes: NONE, files: QUIET, afterMs: 6_000 };
const toParked: readonly Event[] = [
  quietLook,
  quietLook,
  { kind: "answer-effects" },
  { kind: "answer-effects" },
  { kind: "answer-report", isConfirming: true, ticketOut: null },
];
const anyLead: fc.Arbitrary<readonly Event[]> = fc.oneof(
  { weight: 8, arbitrary: anyEvent.map((event) => [event]) },
  { weight: 1, arbitrary: fc.constant(toParked) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(0, 2, 3)
      .map((code): readonly Event[] => [{ kind: "answer-effects" }, { kind: "exit", code }, quietLook, quietLook]),
  },
);
const anyStory = fc.array(anyLead, { maxLength: 80, size: "max" }).map((leads) => leads.flat());

function violationsOf(events: readonly Event[], isMember: boolean, step: Step = stepHost): readonly string[] {
  return new Checker(step, isMember).play(events).violations;
}

/** Breaks one rule of the host by changing what it is told, or what it does. */
const BROKEN: readonly (readonly [string, Step])[] = [
  ["takes what it cannot read for nothing", (state, input) => stepHost(state, seeing(input, isNotUnknown))],
  ["takes an orphan Worker for nothing", (state, input) => stepHost(state, seeing(input, isNotOrphan))],
  [
    "ends by a single look",
    (state, input) =>
      stepHost(state, input.kind === "looked" ? { ...input, atMs: input.atMs + 400 * state.pollCount } : input),
  ],
  [
    "hears nothing of being put aside",
    (state, input) => stepHost(state, input.kind === "service-told" ? { ...input, service: "serving" } : input),
  ],
  ["sleeps through", (state, input) => (input.kind === "slept" ? { state, effects: [] } : stepHost(state, input))],
  [
    "does not journal what it takes",
    (state, input) => {
      const { effects, ...rest } = stepHost(state, input);
      return {
        ...rest,
        effects: effects.filter((effect) => effect.kind !== "journal" || effect.entry.kind !== "taken"),
      };
    },
  ],
  [
    "starts what it takes before the journal has it",
    (state, input) => {
      const { effects, ...rest } = stepHost(state, input);
      return { ...rest, effects: effects.toReversed() };
    },
  ],
  [
    "forgets what it refused",
    (state, input) => {
      const { effects, ...rest } = stepHost(state, input);
      const journal = rest.state.journal;
      if (journal === null) return { ...rest, effects };
      const tickets = new Map([...journal.tickets].filter(([, { runnerName }]) => runnerName !== null));
      return { state: { ...rest.state, journal: { ...journal, tickets }, unconfirmed: [] }, effects };
    },
  ],
];

function seeing(input: HostInput, isKept: (processes: ProcessSight) => boolean): HostInput {
  if (input.kind !== "looked" || isKept(input.look.processes)) return input;
  return { ...input, look: { ...input.look, processes: { kind: "seen", listenerCount: 0, workerCount: 0 } } };
}

function isNotUnknown(processes: ProcessSight): boolean {
  return processes.kind !== "unknown";
}

function isNotOrphan(processes: ProcessSight): boolean {
  return processes.kind !== "seen" || processes.listenerCount > 0 || processes.workerCount === 0;
}

describe("whatever happens, in whatever order", () => {
  it("the host breaks none of its rules", () => {
    always(
      fc.property(anyStory, fc.boolean(), (events, isMember) => {
        expect(violationsOf(events, isMember)).toEqual([]);
      }),
      3_000,
    );
  });

  it("stories get as far as runners that start, end, and start again", () => {
    const counts = fc.sample(anyStory, { numRuns: 500, seed: 1 }).map((events) => {
      const checker = new Checker(stepHost).play(events);
      const kinds = checker.journal.map(({ kind }) => kind);
      return { started: checker.startCount, isEnded: kinds.includes("ended"), isRefused: kinds.includes("refused") };
    });
    expect(counts.filter(({ started }) => started > 0).length).toBeGreaterThan(50);
    expect(counts.filter(({ started }) => started > 2).length).toBeGreaterThan(5);
    expect(counts.filter(({ isEnded }) => isEnded).length).toBeGreaterThan(50);
    expect(counts.filter(({ isRefused }) => isRefused).length).toBeGreaterThan(50);
  });

  it.each(BROKEN)("a host that %s is found", (_name, step) => {
    const property = fc.property(anyStory, (events) => violationsOf(events, true, step).length === 0);
    expect(canFail(property)).toBe(true);
  });
});
