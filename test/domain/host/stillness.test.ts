import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FilesSight } from "../../../src/domain/host/look.ts";
import type { MotionSight } from "../../../src/domain/host/motion.ts";
import { reportOf } from "../../../src/domain/host/report.ts";
import { foldLogLine, NO_FACTS, type RunnerFacts } from "../../../src/domain/host/runner-log.ts";
import type { ProcessSight } from "../../../src/domain/host/sight.ts";
import { isSampleDue, SAMPLE_GAP_MAX_MS, SAVE_TRIES_MAX } from "../../../src/domain/host/stillness.ts";
import { STILL_FOR_MS, type Stillness } from "../../../src/domain/protocol.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { always, canFail } from "../property.ts";
import { BLIND, BOTH, idleFiles, LISTENER, NO_FENCES, NONE, ORPHAN, Story, T1 } from "./host-story.ts";

const SAMPLE_MS = 15 * SECOND_MS;
const MOVED = { isLeaseOld: false, isWorkerStill: false, areLogsSaved: false };
const STILL = { isLeaseOld: true, isWorkerStill: true, areLogsSaved: false };

const trace = (text: string): MotionSight => ({ kind: "seen", trace: text, strangerCount: 0 });
const SAME = trace("a tree");
const UNREADABLE: MotionSight = { kind: "unknown", why: "EACCES" };
/** Of a job whose lease was renewed so often. */
const renewed = (renewalCount: number, more: Partial<RunnerFacts> = {}, sight: Partial<FilesSight> = {}): FilesSight =>
  idleFiles({ receivedAtMs: [1_000], isBusy: true, renewalCount, ...more }, sight);

interface Sample {
  readonly processes?: ProcessSight;
  readonly files?: FilesSight;
  readonly motion?: MotionSight;
  readonly afterMs?: number;
}

function sample(story: Story, { processes = BOTH, files = renewed(3), motion = SAME, afterMs }: Sample = {}): Story {
  return story.look(processes, files, afterMs ?? SAMPLE_MS, NO_FENCES, motion);
}

/** Samples until so much time has passed. */
function rest(story: Story, forMs: number, seen: Sample = {}): Story {
  for (let passedMs = 0; passedMs < forMs; passedMs += SAMPLE_MS) sample(story, seen);
  return story;
}

const running = () => sample(Story.idle());
const still = () => rest(running(), STILL_FOR_MS);
const stillnessOf = (story: Story): Stillness | null => reportOf(story.state).stillness;
const sendings = (story: Story) => story.allEffects.filter(({ kind }) => kind === "send-logs").length;

describe("stillness", () => {
  it("is not spoken of without a job", () => {
    expect(stillnessOf(Story.parked())).toBeNull();
    const story = rest(Story.idle(), HOUR_MS, { processes: LISTENER, files: idleFiles() });
    expect(stillnessOf(story)).toBeNull();
    expect(sendings(story)).toBe(0);
    expect(isSampleDue(story.state.held, story.atMs)).toBe(false);
    expect(isSampleDue(null, 0)).toBe(false);
  });

  it("is sampled now and then, from the job's beginning on", () => {
    const story = Story.idle().look(BOTH, renewed(1));
    expect(isSampleDue(story.state.held, story.atMs)).toBe(true);
    sample(story);
    expect(isSampleDue(story.state.held, story.atMs + SAMPLE_MS - 1)).toBe(false);
    expect(isSampleDue(story.state.held, story.atMs + SAMPLE_MS)).toBe(true);
  });

  it("is both after 15 minutes in which nothing moved, and not a moment before", () => {
    const story = rest(running(), STILL_FOR_MS - SAMPLE_MS);
    expect(stillnessOf(story)).toEqual(MOVED);
    expect(stillnessOf(sample(story, { afterMs: SAMPLE_MS - 1 }))).toEqual(MOVED);
    expect(stillnessOf(sample(story, { afterMs: 1 }))).toEqual(STILL);
  });

  it("is told once, and an unchanged host tells nothing more", () => {
    const story = still();
    expect(story.kinds()).toEqual(["report", "send-logs"]);
    expect(rest(story, HOUR_MS).kinds()).toEqual([]);
    expect(stillnessOf(story)).toEqual(STILL);
  });

  it.each<[string, Sample, Partial<Stillness>]>([
    ["a process used CPU time", { motion: trace("another tree") }, { isWorkerStill: false }],
    ["what moves cannot be read", { motion: UNREADABLE }, { isWorkerStill: false }],
    ["the lease was renewed", { files: renewed(4) }, { isLeaseOld: false }],
    ["the log cannot be read", { files: renewed(3, {}, { unreadable: "EIO" }) }, { isLeaseOld: false }],
    ["the log was not read to its end", { files: renewed(3, {}, { isComplete: false }) }, { isLeaseOld: false }],
    ["the log is of another shape", { files: renewed(3, { shapedLineCount: 0 }) }, { isLeaseOld: false }],
    ["nobody looked for a while", { afterMs: SAMPLE_GAP_MAX_MS + 1 }, { isLeaseOld: false, isWorkerStill: false }],
  ])("starts anew when %s", (_name, seen, change) => {
    const story = sample(still(), seen);
    expect(stillnessOf(story)).toEqual({ ...STILL, ...change });
    // What it is now is the new beginning.
    const after = { ...seen, afterMs: SAMPLE_MS, ...(seen.afterMs === undefined ? {} : { files: renewed(3) }) };
    const isSeenAgain = seen.motion !== UNREADABLE && (seen.files?.unreadable ?? null) === null;
    const again = rest(story, STILL_FOR_MS - SAMPLE_MS, isSeenAgain ? after : {});
    expect(stillnessOf(again)).not.toEqual(STILL);
  });

  it("starts anew with another agent", () => {
    const story = Story.begun(
      { kind: "taken", ticketId: T1, runnerName: "r" },
      { kind: "started", ticketId: T1, pid: 100, startTime: "7" },
      { kind: "worker-seen", ticketId: T1 },
    );
    expect(stillnessOf(rest(story, STILL_FOR_MS))).toEqual(MOVED);
    expect(stillnessOf(sample(story))).toEqual(STILL);
  });

  it("has an old lease as soon as no listener is seen, and not where nothing can be seen", () => {
    expect(stillnessOf(sample(running(), { processes: ORPHAN }))).toMatchObject({ isLeaseOld: true });
    expect(stillnessOf(sample(running(), { processes: BLIND }))).toMatchObject({ isLeaseOld: false });
    const blind = idleFiles({}, { unreadable: "EIO" });
    expect(stillnessOf(sample(running(), { processes: ORPHAN, files: blind }))).toMatchObject({ isLeaseOld: true });
  });

  it("has no old lease by a log in which no renewal was ever recognised", () => {
    const story = rest(Story.idle(), HOUR_MS, { files: renewed(0) });
    expect(stillnessOf(story)).toEqual({ ...MOVED, isWorkerStill: true });
  });

  it.each([
    ["this flow", "Successfully renew job 5f1c1d1e, job is valid till 12/28/2021 4:17:55 PM"],
    ["the older flow", "Successfully renew job request 17, job is valid till 02/12/2025 11:50:12"],
  ])("knows the line about the lease of %s", (_name, text) => {
    const line = `[2026-08-19 16:08:55Z INFO JobDispatcher] ${text}`;
    expect([line, line].reduce(foldLogLine, NO_FACTS).renewalCount).toBe(2);
  });
});

describe("the logs of what stands still", () => {
  const sent = (story: Story, isTaken: boolean) =>
    story.tell({ kind: "logs-sent", ticketId: T1, isTaken, atMs: story.atMs });

  it("are saved once the controller took them, and that is told", () => {
    const story = sent(still(), true);
    expect(story.kinds()).toEqual(["report"]);
    expect(stillnessOf(story)).toEqual({ ...STILL, areLogsSaved: true });
    expect(sendings(rest(story, HOUR_MS))).toBe(1);
    expect(stillnessOf(story)).toEqual({ ...STILL, areLogsSaved: true });
  });

  it("are sent again where it did not, after a pause and not for ever", () => {
    const story = sent(still(), false);
    expect(stillnessOf(story)).toEqual(STILL);
    rest(story, 2 * MINUTE_MS - SAMPLE_MS);
    expect(sendings(story)).toBe(1);
    sample(story);
    expect(sendings(story)).toBe(2);
    for (let count = 0; count < SAVE_TRIES_MAX + 5; count += 1) rest(sent(story, false), 3 * MINUTE_MS);
    expect(sendings(story)).toBe(SAVE_TRIES_MAX);
  });

  it("are not those of an earlier stretch", () => {
    const story = sample(sent(still(), true), { motion: trace("moved") });
    expect(stillnessOf(story)).toEqual({ ...MOVED, isLeaseOld: true });
    sent(story, true);
    expect(stillnessOf(story)).toMatchObject({ areLogsSaved: false });
    rest(story, STILL_FOR_MS, { motion: trace("moved") });
    expect(stillnessOf(story)).toEqual(STILL);
    expect(sendings(story)).toBe(2);
  });

  it("of another ticket, or not asked for, say nothing", () => {
    const early = sent(rest(running(), MINUTE_MS), true);
    expect(stillnessOf(early)).toEqual(MOVED);
    const story = still().tell({ kind: "logs-sent", ticketId: "t-other" as typeof T1, isTaken: true, atMs: 0 });
    expect(stillnessOf(story)).toEqual(STILL);
  });
});

describe("whatever the samples", () => {
  interface Step {
    readonly trace: number | null;
    readonly afterMs: number;
  }
  const anyStep = fc.record<Step>({
    trace: fc.oneof({ weight: 60, arbitrary: fc.constant(1) }, fc.constantFrom(1, 2, null)),
    afterMs: fc.oneof({ weight: 60, arbitrary: fc.constant(SAMPLE_MS) }, fc.constantFrom(SAMPLE_MS, 59_000, 61_000)),
  });

  /** What was seen in the last 15 minutes and one sample before them is one trace, without a gap. */
  function mayBeStill(steps: readonly Step[]): boolean {
    let passedMs = 0;
    for (const [index, step] of [...steps.entries()].toReversed()) {
      if (step.trace === null || step.trace !== steps.at(-1)?.trace) return false;
      if (passedMs >= STILL_FOR_MS) return true;
      if (step.afterMs > MINUTE_MS || index === 0) return false;
      passedMs += step.afterMs;
    }
    return false;
  }

  function agrees(steps: readonly Step[], skew = 0): boolean {
    const story = Story.idle();
    return steps.every(({ trace: text, afterMs }, index) => {
      sample(story, { motion: text === null ? UNREADABLE : trace(String(text)), afterMs: afterMs + skew });
      return stillnessOf(story)?.isWorkerStill === mayBeStill(steps.slice(0, index + 1));
    });
  }

  it("the Worker is still exactly after a stretch that was seen as a whole", () => {
    always(
      fc.property(fc.array(anyStep, { maxLength: 150, size: "max" }), (steps) => agrees(steps)),
      300,
    );
  });

  it("a host whose clock is wrong is found", () => {
    expect(
      canFail(fc.property(fc.array(anyStep, { maxLength: 150, size: "max" }), (steps) => agrees(steps, 900))),
    ).toBe(true);
  });

  it("nothing is said once the ticket is over", () => {
    const story = still().exited(0).look(NONE).look(NONE);
    expect(stillnessOf(story)).toBeNull();
  });
});
