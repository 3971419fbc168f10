import { describe, expect, it } from "vitest";
import { ProblemList } from "../../../src/app/config/problems.ts";
import { readTrace } from "../../../src/app/simulate/read-trace.ts";

const HEAD = "queued_at,labels,duration_seconds";

function readAll(text: string) {
  const problems = new ProblemList();
  const rows = readTrace(text, "jobs.csv", problems);
  let told: readonly { readonly path: string; readonly problem: string; readonly mend: string }[] = [];
  try {
    problems.throwIfAny("scenario.yaml");
  } catch (error) {
    told = (error as { readonly problems: typeof told }).problems;
  }
  return { rows, told };
}

describe("a trace", () => {
  it("has labels between semicolons or spaces, seconds or instants, and columns in any order", () => {
    const text = `\ufeffname,duration_seconds,labels,queued_at,repository\r\nbuild,1.5,"self-hosted linux",12,acme/widgets\r\n\r\n,60,self-hosted; linux,2026-01-05T08:00:00.5Z,\r\n`;
    const { rows, told } = readAll(text);
    expect(told).toEqual([]);
    const labels = ["self-hosted", "linux"];
    expect(rows).toEqual([
      {
        line: 2,
        queuedAt: { kind: "after", afterMs: 12_000 },
        labels,
        durationMs: 1_500,
        repository: "acme/widgets",
        name: "build",
      },
      {
        line: 4,
        queuedAt: { kind: "instant", atMs: Date.parse("2026-01-05T08:00:00.5Z") },
        labels,
        durationMs: 60_000,
        repository: null,
        name: null,
      },
    ]);
  });

  it.each([
    ["", "jobs.csv", "is empty", `begin it with \`${HEAD}\``],
    [
      "queued_at,labels\n",
      "jobs.csv, line 1",
      "lacks duration_seconds",
      `the first line names the columns: \`${HEAD}\``,
    ],
    ["queuedat,labels,duration_seconds\n", "jobs.csv, line 1", "has a column `queuedat`", "did you mean `queued_at`?"],
    [
      `${HEAD}\nyesterday,linux,1\n`,
      "jobs.csv, line 2",
      "has no `queued_at` that is one",
      "write `2026-01-05T08:00:00Z`, or seconds since the start",
    ],
    [
      `${HEAD}\n2026-01-05T08:00:00,linux,1\n`,
      "jobs.csv, line 2",
      "has no `queued_at` that is one",
      "write `2026-01-05T08:00:00Z`, or seconds since the start",
    ],
    [`${HEAD}\n1,,1\n`, "jobs.csv, line 2", "has no labels", "write `self-hosted;linux`"],
    [
      `${HEAD}\n1,linux,-1\n`,
      "jobs.csv, line 2",
      "has no `duration_seconds` that is one",
      "write seconds, 0 to 432000 (5 days)",
    ],
    [
      `${HEAD}\n1,linux,432001\n`,
      "jobs.csv, line 2",
      "has no `duration_seconds` that is one",
      "write seconds, 0 to 432000 (5 days)",
    ],
    [
      `${HEAD}\n1,linux\n`,
      "jobs.csv, line 2",
      "has no `duration_seconds` that is one",
      "write seconds, 0 to 432000 (5 days)",
    ],
    [
      `${HEAD},repository\n1,linux,1,widgets\n`,
      "jobs.csv, line 2",
      "has a `repository` that is none",
      "write `owner/name`",
    ],
    [`${HEAD},name\n1,linux,1,${"n".repeat(101)}\n`, "jobs.csv, line 2", "has a long name", "at most 100 characters"],
  ])("%j is refused with its line", (text, path, problem, mend) => {
    expect(readAll(text).told).toEqual([{ path, problem, mend }]);
  });

  it("that is not CSV says where", () => {
    expect(readAll(`${HEAD}\n1,"linux,1\n`).told).toMatchObject([
      { path: expect.stringMatching(/^jobs\.csv, line \d/) },
    ]);
  });

  it("tells the first of many such mistakes, and how many more there are", () => {
    const { told } = readAll(`${HEAD}\n${"x,linux,1\n".repeat(25)}`);
    expect(told).toHaveLength(11);
    expect(told.at(-1)).toMatchObject({ path: "jobs.csv", problem: "has 15 more such problems" });
  });

  it("has a bound", () => {
    const { rows, told } = readAll(`${HEAD}\n${"1,linux,1\n".repeat(100_001)}`);
    expect(rows).toEqual([]);
    expect(told).toMatchObject([{ problem: "has 100001 jobs" }]);
  });
});
