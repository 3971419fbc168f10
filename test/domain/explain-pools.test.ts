import { describe, expect, it } from "vitest";
import { explainFleet, explainPool, type PoolStory } from "../../src/domain/explain-pools.ts";

const NOTHING = { evidence: [], decisions: [] };
const story = (over: Partial<PoolStory> = {}): PoolStory => ({
  name: "linux",
  mode: "run",
  machineCount: 3,
  max: 10,
  waiting: [],
  isMoreWaiting: false,
  records: NOTHING,
  ...over,
});

describe("a pool", () => {
  it("for which no job waits is quiet", () => {
    expect(explainPool(story())).toMatchObject({
      subject: { kind: "pool", id: "linux", machineCount: 3, max: 10 },
      verdict: { kind: "quiet", sentences: ["It has 3 of at most 10 machines.", "No job waits for it."] },
      waitingFor: null,
    });
  });

  it("tells each reason with its number of jobs, the commonest first, and waits for that", () => {
    const waiting = ["at-max", "provider-quota", "provider-quota", null] as const;
    const { verdict, waitingFor } = explainPool(story({ waiting }));
    expect(verdict.kind).toBe("waiting");
    expect(verdict.sentences.slice(1)).toEqual([
      expect.stringMatching(/^2 jobs wait for pool linux: The account's quota .* \(provider-quota\)$/),
      expect.stringMatching(/^1 job waits for pool linux: .* \(at-max\)$/),
      "1 job waits for pool linux: nothing is decided about it yet.",
    ]);
    expect(waitingFor?.reason).toBe("provider-quota");
  });

  it("among equals tells first what the oldest job waits for", () => {
    expect(explainPool(story({ waiting: ["at-max", "frozen"] })).waitingFor?.reason).toBe("at-max");
  });

  it("waits for nothing where nothing is decided", () => {
    expect(explainPool(story({ waiting: [null] }))).toMatchObject({ verdict: { kind: "waiting" }, waitingFor: null });
  });

  it.each([
    ["observe", /only observes/],
    ["removed", /no longer in the configuration/],
  ] as const)("says that it is in mode %s", (mode, sentence) => {
    expect(explainPool(story({ mode })).verdict.sentences[0]).toMatch(sentence);
  });

  it("says that more wait than were looked at", () => {
    const { sentences } = explainPool(story({ waiting: ["at-max"], isMoreWaiting: true })).verdict;
    expect(sentences[1]).toBe("More than 1 jobs wait for pool linux; of the oldest of them:");
  });
});

describe("all pools", () => {
  const fleet = { controllerId: "ci-eu", problems: [], unmatchedCount: 0, pools: [story()] };

  it("are quiet where no job waits", () => {
    expect(explainFleet(fleet)).toMatchObject({
      subject: { kind: "fleet", id: "ci-eu" },
      verdict: { kind: "quiet", sentences: ["No job waits for a machine."] },
      waitingFor: null,
    });
  });

  it("tell what is wrong first, then jobs that no pool takes, then those of each pool", () => {
    const pools = [story({ waiting: ["at-max", "at-max"] }), story({ name: "gpu", waiting: ["frozen"] })];
    const told = explainFleet({ ...fleet, problems: ["GitHub does not answer."], unmatchedCount: 1, pools });
    expect(told.verdict.sentences).toEqual([
      "GitHub does not answer.",
      expect.stringMatching(/^1 job waits for no pool: /),
      expect.stringMatching(/^2 jobs wait for pool linux: .*\(at-max\)$/),
      expect.stringMatching(/^1 job waits for pool gpu: .*\(frozen\)$/),
    ]);
    expect(told.waitingFor?.reason).toBe("at-max");
  });

  it("share one timeline", () => {
    const evidence = (name: string, observedAtMs: number) => ({
      subject: { kind: "pool" as const, id: name },
      source: "provider" as const,
      fact: "launch failed",
      observedAtMs,
      confirmedAtMs: observedAtMs,
    });
    const pools = [
      story({ records: { evidence: [evidence("linux", 2)], decisions: [] } }),
      story({ name: "gpu", records: { evidence: [evidence("gpu", 1)], decisions: [] } }),
    ];
    expect(explainFleet({ ...fleet, pools }).timeline.map(({ about }) => about)).toEqual(["pool gpu", "pool linux"]);
  });
});
