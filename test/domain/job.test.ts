import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyJobEvent,
  type Job,
  type JobEvent,
  type JobStatus,
  parseJobStatus,
  RUN_DELETED,
} from "../../src/domain/job.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { job, jobId, runnerId, START_MS } from "./builders.ts";
import { always } from "./property.ts";

/** What GitHub sends: hearsay included. A queued event may name a runner and has `started_at` set to its creation. */
const queued = job({ runnerId: runnerId(7), runnerName: "somebody's", startedAtMs: START_MS, conclusion: null });
const inProgress = job({
  status: "in_progress",
  runnerId: runnerId(8),
  runnerName: "ours",
  startedAtMs: START_MS + MINUTE_MS,
  queuedSeenAtMs: null,
});
const completed = job({
  ...inProgress,
  status: "completed",
  conclusion: "success",
  completedAtMs: START_MS + 5 * MINUTE_MS,
});
/** Cancelled while queued: no runner, no steps, and sometimes no labels (ARC #1370, #836, #2520). */
const cancelled = job({
  status: "completed",
  conclusion: "cancelled",
  labels: [],
  startedAtMs: START_MS,
  completedAtMs: START_MS + MINUTE_MS,
  queuedSeenAtMs: null,
});

type Row = readonly [name: string, before: readonly JobEvent[], event: JobEvent, want: Partial<Job> | "nothing-new"];

describe("applyJobEvent", () => {
  it.each<Row>([
    ["queued of a job never seen: hearsay is dropped", [], queued, { ...nobody(), status: "queued" }],
    ["in_progress of a job never seen", [], inProgress, { status: "in_progress", runnerName: "ours" }],
    [
      "completed of a job never seen",
      [],
      completed,
      { status: "completed", conclusion: "success", runnerName: "ours" },
    ],
    ["cancelled before pick-up: no runner, no labels", [], cancelled, { ...asCancelled(), labels: [] }],
    ["queued, then cancelled: the labels stay", [queued], cancelled, { ...asCancelled(), labels: queued.labels }],
    [
      "cancelled, then queued late: it stays cancelled",
      [cancelled],
      queued,
      { ...asCancelled(), labels: queued.labels },
    ],
    [
      "in_progress, then queued late: still in progress",
      [inProgress],
      queued,
      { status: "in_progress", runnerId: runnerId(8) },
    ],
    ["completed, then in_progress late: nothing new", [completed], inProgress, "nothing-new"],
    [
      "completed without a runner, then in_progress late: the runner is learnt",
      [cancelled],
      inProgress,
      { status: "completed", runnerName: "ours" },
    ],
    ["queued twice: nothing new", [queued], queued, "nothing-new"],
    [
      "completed again, as a re-run of its siblings sends it: nothing new",
      [queued, inProgress, completed],
      completed,
      "nothing-new",
    ],
    [
      "queued, said again by an answer a minute later",
      [queued],
      { ...queued, queuedSeenAtMs: START_MS + MINUTE_MS },
      { status: "queued", queuedSeenAtMs: START_MS + MINUTE_MS },
    ],
    [
      "queued, said by an older answer that came late: nothing new",
      [queued],
      { ...queued, queuedSeenAtMs: START_MS - MINUTE_MS },
      "nothing-new",
    ],
    [
      "a queued event delivered after days changes nothing but when it was seen",
      [queued, inProgress, completed],
      { ...queued, queuedSeenAtMs: START_MS + DAY_MS },
      { status: "completed", runnerName: "ours", completedAtMs: completed.completedAtMs },
    ],
    ["action queued with status waiting, then approved", [waiting()], queued, { status: "queued" }],
    ["approved, then the waiting event late", [queued], waiting(), "nothing-new"],
    [
      "an event of another status that claims an end: only completed knows one",
      [queued],
      { ...inProgress, conclusion: "failure", completedAtMs: START_MS },
      { status: "in_progress", conclusion: null, completedAtMs: null },
    ],
    ["labels that come late", [{ ...queued, labels: [] }], queued, { labels: queued.labels }],
  ])("%s", (_name, before, event, want) => {
    const known = before.reduce<Job | null>((sum, one) => applied(sum, one), null);
    const result = applyJobEvent(known, event);
    if (want === "nothing-new") expect(result).toEqual({ kind: "ignored", reason: "nothing-new" });
    else expect(result).toMatchObject({ kind: "changed", job: want });
  });

  it("takes a re-run's attempt as another job: its id is new", () => {
    const first = applied(null, completed);
    const second = applied(null, { ...queued, id: jobId(2), runAttempt: 2 });
    expect(first).toMatchObject({ id: jobId(1), runAttempt: 1, status: "completed" });
    expect(second).toMatchObject({ id: jobId(2), runAttempt: 2, status: "queued", conclusion: null });
  });

  it("does not change what it was given", () => {
    const before = Object.freeze(job({ ...queued, labels: Object.freeze([...queued.labels]) }));
    expect(() => applyJobEvent(before, completed)).not.toThrow();
  });
});

describe("parseJobStatus", () => {
  it.each<readonly [action: string | null, status: string, want: JobStatus | null]>([
    ["queued", "queued", "queued"],
    ["queued", "waiting", "waiting"],
    ["waiting", "waiting", "waiting"],
    ["waiting", "queued", "waiting"],
    ["in_progress", "in_progress", "in_progress"],
    ["in_progress", "queued", "in_progress"],
    ["completed", "completed", "completed"],
    ["completed", "in_progress", "completed"],
    ["queued", "in_progress", "in_progress"],
    ["queued", "completed", "completed"],
    [null, "queued", "queued"],
    [null, "in_progress", "in_progress"],
    [null, "completed", "completed"],
    [null, "waiting", "waiting"],
    [null, "pending", "waiting"],
    [null, "requested", "waiting"],
    [null, "something new", null],
    ["something new", "something new", null],
    [null, "", null],
  ])("action %s, status %s: %s", (action, status, want) => {
    expect(parseJobStatus(action, status)).toBe(want);
  });
});

describe("any order and any repetition", () => {
  it("of the events of one life give the same job, and it is the true one", () => {
    always(
      fc.property(lifeArbitrary.chain(shuffledTwice), ({ life, one, other }) => {
        const joined = one.reduce<Job | null>(applied, null);
        expect(other.reduce<Job | null>(applied, null)).toEqual(joined);
        expect(joined).toMatchObject(truthOf(life));
      }),
      1_000,
    );
  });

  it("of events that contradict each other give the same job too", () => {
    always(
      fc.property(fc.array(anyEvent, { minLength: 1, maxLength: 6 }).chain(shuffledTwice), ({ one, other }) => {
        expect(other.reduce<Job | null>(applied, null)).toEqual(one.reduce<Job | null>(applied, null));
      }),
      1_000,
    );
  });

  it("an event is ignored the second time, whatever came before and between", () => {
    always(
      fc.property(
        fc.array(anyEvent, { maxLength: 5 }),
        anyEvent,
        fc.array(anyEvent, { maxLength: 5 }),
        (before, event, between) => {
          const known = [...before, event, ...between].reduce<Job | null>(applied, null);
          expect(applyJobEvent(known, event)).toEqual({ kind: "ignored", reason: "nothing-new" });
        },
      ),
      1_000,
    );
  });
});

function applied(known: Job | null, event: JobEvent): Job | null {
  const result = applyJobEvent(known, event);
  return result.kind === "changed" ? result.job : known;
}

function nobody(): Partial<Job> {
  return { runnerId: null, runnerName: null, startedAtMs: null, conclusion: null, completedAtMs: null };
}

function asCancelled(): Partial<Job> {
  return { status: "completed", conclusion: "cancelled", runnerId: null, runnerName: null };
}

function waiting(): JobEvent {
  return job({ status: "waiting", startedAtMs: START_MS, queuedSeenAtMs: null });
}

interface Life {
  readonly life: readonly JobEvent[];
}

/** A job's consistent life as GitHub tells it: how far it came, whether it ran, and what its queued events claim. */
const lifeArbitrary: fc.Arbitrary<readonly JobEvent[]> = fc
  .record({
    waits: fc.boolean(),
    runs: fc.boolean(),
    ends: fc.boolean(),
    conclusion: fc.constantFrom("success", "failure", "cancelled", "timed_out", "skipped"),
    hearsay: fc.option(fc.record({ id: fc.nat(99), name: fc.string({ maxLength: 8 }) }), { nil: null }),
    queuedSeen: fc.array(fc.nat(60), { minLength: 1, maxLength: 3 }),
    forgetsLabels: fc.boolean(),
  })
  .map(({ waits, runs, ends, conclusion, hearsay, queuedSeen, forgetsLabels }) => {
    const claim = {
      runnerId: hearsay && runnerId(hearsay.id),
      runnerName: hearsay?.name ?? null,
      startedAtMs: START_MS,
    };
    const ran = runs ? { runnerId: runnerId(5), runnerName: "ours", startedAtMs: START_MS + MINUTE_MS } : {};
    const start = { queuedSeenAtMs: null, ...ran };
    const labels = forgetsLabels && !runs ? [] : queued.labels;
    return [
      ...(waits ? [job({ ...claim, status: "waiting", queuedSeenAtMs: null })] : []),
      ...queuedSeen.map((seconds) => job({ ...claim, queuedSeenAtMs: START_MS + seconds * SECOND_MS })),
      ...(runs ? [job({ ...start, status: "in_progress" })] : []),
      ...(ends ? [job({ ...start, status: "completed", conclusion, labels, completedAtMs: START_MS + DAY_MS })] : []),
    ];
  });

/** What must be known at the end, by the most advanced event of the life. */
function truthOf(life: readonly JobEvent[]): Partial<Job> {
  const last = life.at(-1) ?? queued;
  const hasRun = life.some((event) => event.status === "in_progress");
  const hasEnded = last.status === "completed";
  return {
    status: last.status,
    labels: queued.labels,
    runnerId: hasRun ? runnerId(5) : null,
    runnerName: hasRun ? "ours" : null,
    conclusion: hasEnded ? last.conclusion : null,
    completedAtMs: hasEnded ? START_MS + DAY_MS : null,
    queuedSeenAtMs: Math.max(...life.map((event) => event.queuedSeenAtMs ?? 0)),
  };
}

/** Events as they could come from anywhere: no field agrees with another. */
const anyEvent: fc.Arbitrary<JobEvent> = fc
  .record({
    status: fc.constantFrom<JobStatus>("waiting", "queued", "in_progress", "completed"),
    conclusion: fc.constantFrom(null, "success", "failure"),
    runner: fc.constantFrom(null, 0, 1, 2),
    runnerName: fc.constantFrom(null, "", "a", "b"),
    labels: fc.constantFrom<readonly string[]>([], ["a"], ["b"], ["b", "a"], ["a", "b"]),
    name: fc.constantFrom("", "build", "test"),
    repository: fc.constantFrom("acme/widgets", "acme/renamed"),
    createdAtMs: fc.nat(3),
    startedAtMs: fc.option(fc.nat(3), { nil: null }),
    completedAtMs: fc.option(fc.nat(3), { nil: null }),
    queuedSeenAtMs: fc.option(fc.nat(3), { nil: null }),
    runAttempt: fc.nat(3),
  })
  .map(({ runner, ...fields }) => job({ ...fields, runnerId: runner === null ? null : runnerId(runner) }));

/** The same events in two orders, some of them repeated. */
function shuffledTwice(
  life: readonly JobEvent[],
): fc.Arbitrary<Life & { readonly one: readonly JobEvent[]; readonly other: readonly JobEvent[] }> {
  const repeated = fc.array(fc.constantFrom(...life), { maxLength: 5 });
  const order = repeated.chain((again) => {
    const all = [...life, ...again];
    return fc.shuffledSubarray(all, { minLength: all.length });
  });
  return fc.record({ life: fc.constant(life), one: order, other: order });
}

it.each(["cancelled", "failure", "success"])(
  "our own guess of its end yields to GitHub's word that it was %s",
  (word) => {
    const guessed = { ...completed, conclusion: RUN_DELETED };
    const told = { ...completed, conclusion: word };
    for (const [before, event] of [
      [guessed, told],
      [told, guessed],
    ] as const) {
      const applied = applyJobEvent(before, event);
      expect(applied.kind === "changed" ? applied.job.conclusion : before.conclusion).toBe(word);
    }
  },
);
