import { describe, expect, it } from "vitest";
import type { DecisionRecord, Evidence, EvidenceSource, Subject } from "../../src/domain/evidence.ts";
import { describeMachine, explainJob, explainMachine, findProof, whyJobWaits } from "../../src/domain/explain.ts";
import { formatInstant } from "../../src/domain/instant.ts";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import { TIMELINE_COUNT_MAX } from "../../src/domain/timeline.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import {
  job,
  jobId,
  machine,
  machineId,
  machineState,
  poolName,
  retiring,
  START_MS,
  ticket,
  ticketId,
} from "./builders.ts";

const JOB: Subject = { kind: "job", id: "main/7" };
const MACHINE: Subject = { kind: "machine", id: machineId() };
const TICKET: Subject = { kind: "ticket", id: ticketId() };
const RUNNER = "hf-ci-t-00000001";

function saw(subject: Subject, source: EvidenceSource, afterMs: number, fact: string, untilMs = afterMs): Evidence {
  return { subject, source, fact, observedAtMs: START_MS + afterMs, confirmedAtMs: START_MS + untilMs };
}

function decided(
  subject: Subject,
  afterMs: number,
  action: string,
  reason: ReasonCode,
  untilMs = afterMs,
): DecisionRecord {
  return { subject, action, reason, decidedAtMs: START_MS + afterMs, confirmedAtMs: START_MS + untilMs };
}

/** From the webhook to the machine's end, newest first as the store lists them. */
const EVIDENCE: readonly Evidence[] = [
  saw(MACHINE, "provider", 75 * SECOND_MS, "machine gone"),
  saw(MACHINE, "controller", 74 * SECOND_MS, "asked the provider to end it, by proof parked"),
  saw(JOB, "github-webhook", 71 * SECOND_MS, `job completed: success on ${RUNNER}`),
  saw(MACHINE, "agent", 70_100, "machine parked"),
  ...[TICKET, MACHINE].map((subject) => saw(subject, "agent", 70 * SECOND_MS, "ticket spent")),
  saw(JOB, "github-webhook", 21 * SECOND_MS, `job in progress on ${RUNNER}`),
  ...[TICKET, MACHINE].map((subject) => saw(subject, "agent", 20 * SECOND_MS, "ticket running")),
  ...[TICKET, MACHINE].map((subject) => saw(subject, "agent", 16 * SECOND_MS, "ticket online")),
  saw(TICKET, "store", 12_300, "ticket delivered"),
  saw(TICKET, "github-api", 12_200, "ticket issued as runner 1"),
  ...[TICKET, MACHINE, JOB].map((subject) =>
    saw(subject, "store", 12 * SECOND_MS, `ticket ${ticketId()} for job 7 on ${machineId()}`),
  ),
  saw(MACHINE, "agent", 11 * SECOND_MS, "machine parked"),
  saw(MACHINE, "provider", 2 * SECOND_MS, "machine provisioning as i-00000001"),
  saw(MACHINE, "store", SECOND_MS, "machine planned in launch l-00000001"),
  saw(JOB, "github-webhook", 0, "job queued", 3 * SECOND_MS),
];

const DECISIONS: readonly DecisionRecord[] = [
  decided(MACHINE, 70_300, "wait", "awaits-report", 73 * SECOND_MS),
  decided(MACHINE, 70_200, "retire", "used-up"),
  decided(MACHINE, 20_500, "keep", "runs-job", 69 * SECOND_MS),
  decided(JOB, 12 * SECOND_MS, "mint", "mint-next"),
  decided(JOB, 2 * SECOND_MS, "wait", "machine-booting", 11 * SECOND_MS),
  decided(JOB, 900, "launch", "launch-next"),
];

const ENDED_JOB = job({
  id: jobId(7),
  status: "completed",
  conclusion: "success",
  runnerName: RUNNER,
  startedAtMs: START_MS + 20 * SECOND_MS,
  completedAtMs: START_MS + 70 * SECOND_MS,
});
const SPENT = ticket({ state: "spent", jobId: jobId(7), runnerName: RUNNER });
const RECORDS = { evidence: EVIDENCE, decisions: DECISIONS };

function render(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

describe("whole stories", () => {
  it("of a job, from its webhook to its machine's end", async () => {
    const told = explainJob({ job: ENDED_JOB, pool: poolName(), tickets: [SPENT], rerun: null, records: RECORDS });
    await expect(render(told)).toMatchFileSnapshot("golden/explain-job.json");
  });

  it("of a machine, from its plan to its end", async () => {
    const state = { ...machineState("gone", START_MS + 75 * SECOND_MS), reason: "used-up" } as const;
    const evidence = EVIDENCE.filter(({ subject }) => subject.kind !== "job");
    const decisions = DECISIONS.filter(({ subject }) => subject.kind !== "job");
    const gone = machine({ state: state.kind === "gone" ? state : "gone" });
    const told = explainMachine({
      machine: gone,
      tickets: [SPENT],
      verdict: null,
      records: { evidence, decisions },
      nowMs: START_MS + 80 * SECOND_MS,
    });
    await expect(render(told)).toMatchFileSnapshot("golden/explain-machine.json");
  });
});

describe("what a job waits for", () => {
  const wait = decided(JOB, 0, "wait", "at-max");
  it.each([
    ["held for approval", job({ status: "waiting" }), wait, "waits-for-approval"],
    ["queued, decided", job(), wait, "at-max"],
    ["queued, decided by another action", job(), decided(JOB, 0, "mint", "mint-next"), "mint-next"],
    ["queued, not decided yet", job(), null, undefined],
    ["running", job({ status: "in_progress" }), wait, undefined],
    ["ended", ENDED_JOB, wait, undefined],
  ])("%s", (_name, of, latest, reason) => {
    expect(whyJobWaits(of, poolName(), latest)?.reason).toBe(reason);
  });

  it("is a pool, where none takes it and nothing was decided", () => {
    expect(whyJobWaits(job(), null, null)?.reason).toBe("no-pool");
  });

  it("is the last decision about the job itself, whatever the clock said", () => {
    const decisions = [
      decided(MACHINE, 9, "keep", "kept-warm"),
      decided(JOB, 1, "launch", "launch-next"),
      decided(JOB, 2, "wait", "at-max"),
    ];
    const told = explainJob({
      job: job(),
      pool: poolName(),
      tickets: [],
      rerun: null,
      records: { evidence: [], decisions },
    });
    expect(told.waitingFor?.reason).toBe("launch-next");
  });
});

describe("what became of a job", () => {
  const lost = ticket({ state: "lost", runnerName: RUNNER });
  it.each([
    ["queued", job(), [], "It is queued for pool linux."],
    [
      "queued with a ticket",
      job(),
      [ticket({ state: "issued" })],
      `Ticket ${ticketId()} for it is issued, on machine ${machineId()}.`,
    ],
    [
      "running with us",
      job({ status: "in_progress", runnerName: RUNNER }),
      [SPENT],
      `It runs on machine ${machineId()}.`,
    ],
    [
      "running elsewhere",
      job({ status: "in_progress", runnerName: "x" }),
      [SPENT],
      "It runs on the runner x, which this Holdfast does not know.",
    ],
    ["running, no runner named", job({ status: "in_progress" }), [], "It runs on a runner that GitHub has not named."],
    [
      "cancelled in the queue",
      { ...ENDED_JOB, conclusion: "cancelled", runnerName: null },
      [],
      "It ended: cancelled. No runner took it.",
    ],
    ["ended with us", ENDED_JOB, [SPENT], `It ended: success, on machine ${machineId()}.`],
    ["lost with its machine", ENDED_JOB, [lost], "Its machine was lost while the ticket was out."],
  ] as const)("%s", (_name, of, tickets, sentence) => {
    const told = explainJob({
      job: of,
      pool: poolName(),
      tickets,
      rerun: null,
      records: { evidence: [], decisions: [] },
    });
    expect(told.verdict.sentences).toContain(sentence);
  });
});

describe("what becomes of a machine", () => {
  const explained = (
    state: Parameters<typeof machine>[0],
    decisions: readonly DecisionRecord[] = [],
    nowMs = START_MS + HOUR_MS,
  ) =>
    explainMachine({
      machine: machine(state),
      tickets: [],
      verdict: { kind: "idle", proof: "parked" },
      records: { evidence: [], decisions },
      nowMs,
    });

  it.each([
    ["planned", { state: "planned" }, [], "being-launched"],
    ["kept", { state: "parked" }, [decided(MACHINE, 0, "keep", "kept-warm")], "kept-warm"],
    ["not decided yet", { state: "parked" }, [], undefined],
    ["decided before it came to its state", { state: "parked" }, [decided(MACHINE, -1, "keep", "booting")], undefined],
    [
      "decided before, and again since",
      { state: "parked" },
      [decided(MACHINE, -1, "keep", "kept-warm", 1)],
      "kept-warm",
    ],
    [
      "retiring, without its proof",
      { state: retiring() },
      [decided(MACHINE, 0, "wait", "awaits-report")],
      "awaits-report",
    ],
    ["retiring since just now", { state: retiring() }, [decided(MACHINE, 0, "retire", "surplus")], undefined],
    [
      "being ended",
      { state: retiring({ stage: "terminating" }) },
      [decided(MACHINE, 0, "wait", "awaits-report")],
      "terminating",
    ],
    ["being confirmed", { state: retiring({ stage: "confirming" }) }, [], "confirming"],
    ["gone", { state: "gone" }, [decided(MACHINE, 0, "retire", "surplus")], undefined],
  ] as const)("%s", (_name, state, decisions, reason) => {
    expect(explained(state, decisions).waitingFor?.reason).toBe(reason);
  });

  it("has the reason that was found last, also where the clock was set back since", () => {
    const [since, before] = [
      decided(MACHINE, -HOUR_MS, "keep", "kept-warm"),
      decided(MACHINE, -MINUTE_MS, "keep", "booting"),
    ];
    const parked = (decisions: readonly DecisionRecord[]) =>
      explained({ state: "parked" }, decisions, START_MS - HOUR_MS).waitingFor?.reason;
    expect(parked([since, before])).toBe("kept-warm");
    expect(parked([before])).toBe("booting");
    const ending = [decided(MACHINE, -HOUR_MS, "wait", "awaits-report"), decided(MACHINE, 0, "retire", "surplus")];
    expect(explained({ state: retiring() }, ending).waitingFor?.reason).toBe("awaits-report");
  });

  it("is told with both the reason of its retiring and its verdict", () => {
    const { verdict } = explained({ state: retiring() });
    expect(verdict).toEqual({
      kind: "idle",
      sentences: [expect.stringMatching(/^It retires: No job/), expect.stringMatching(/^It holds no ticket/)],
    });
  });

  it("is gone without a proof where the provider started nothing", () => {
    const state = { kind: "gone", providerId: null, reason: "never-launched", sinceMs: START_MS } as const;
    expect(describeMachine(machine({ state }), null, [])).toEqual({
      kind: "gone",
      sentences: ["The provider started nothing for it."],
    });
  });

  it("names every reason and everything that is missing", () => {
    const of = machine({ state: "engaged" });
    expect(
      describeMachine(of, { kind: "unknown", missing: ["ticket-out", "agent-silent"] }, []).sentences,
    ).toHaveLength(2);
    expect(describeMachine(of, { kind: "busy", reasons: ["runs-job"] }, []).sentences).toEqual([
      "Its host sees a job running.",
    ]);
  });
});

describe("the proof of an end", () => {
  const asked = (afterMs: number, proof: string) =>
    saw(MACHINE, "controller", afterMs, `asked the provider to end it, by proof ${proof}`);
  it.each([
    ["the last one", [asked(0, "parked"), asked(1, "provider-dead")], "provider-dead"],
    ["none noted", [saw(MACHINE, "provider", 0, "machine gone")], null],
    ["not what an agent says", [saw(MACHINE, "agent", 0, "by proof forced")], null],
    ["not what is no proof", [asked(0, "constructor")], null],
  ])("%s", (_name, evidence, proof) => {
    expect(findProof(evidence)).toBe(proof);
  });
});

describe("the timeline", () => {
  it("is bounded, keeps the newest and says how many are left out", () => {
    const evidence = Array.from({ length: TIMELINE_COUNT_MAX + 5 }, (_, index) =>
      saw(MACHINE, "agent", index, `fact ${index}`),
    );
    const { timeline, omittedCount } = explainJob({
      job: job(),
      pool: null,
      tickets: [],
      rerun: null,
      records: { evidence, decisions: [] },
    });
    expect([timeline.length, omittedCount, timeline[0]?.fact]).toEqual([TIMELINE_COUNT_MAX, 5, "fact 5"]);
  });

  it("shows a reason that only another version knows", () => {
    const decisions = [decided(JOB, 0, "juggle", "from-the-future" as ReasonCode)];
    const { timeline } = explainJob({
      job: job(),
      pool: null,
      tickets: [],
      rerun: null,
      records: { evidence: [], decisions },
    });
    expect(timeline[0]).toMatchObject({
      fact: "juggle",
      rule: { reason: "from-the-future", sentence: "from-the-future" },
    });
  });
});

describe("an instant in writing", () => {
  it.each([0, 1, -1, 951_782_399_999, 951_868_800_000, 4_107_542_400_000, START_MS, 68_169_600_000 + 59 * DAY_MS])(
    "%i",
    (epochMs) => {
      expect(formatInstant(epochMs)).toBe(new Date(epochMs).toISOString());
    },
  );

  it("is what the system's own clock writes, day by day for four centuries", () => {
    for (let day = 0; day < 146_097; day += 13) {
      const epochMs = day * DAY_MS + day * MINUTE_MS + (day % 1_000);
      expect(formatInstant(epochMs)).toBe(new Date(epochMs).toISOString());
    }
  });
});
