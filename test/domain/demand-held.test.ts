/** Jobs that GitHub itself holds up: what they are told, and that their machines are there when it answers again. */
import { describe, expect, it } from "vitest";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import { HOUR_MS } from "../../src/domain/units.ts";
import { job, jobId, START_MS } from "./builders.ts";
import { decide, forJob, free, mint, nobodys, type Row, room, wait, waiting } from "./demand-scene.ts";

const down = { mintPauses: new Map<string, ReasonCode>([["acme", "github-unavailable"]]) };

describe("a ticket that is asked for again and again", () => {
  it.each<Row>([
    ["is told by why it was not given", { tickets: [forJob(1, "minting")], ...down }, [wait(1, "github-unavailable")]],
    [
      "of another scope is not",
      {
        tickets: [forJob(1, "minting", { scope: { kind: "organization", organization: "other" } })],
        ...down,
      },
      [wait(1, "ticket-minting")],
    ],
    ["and was given is not", { tickets: [forJob(1, "issued")], ...down }, [wait(1, "ticket-issued")]],
  ])("%s", (_name, input, want) => {
    expect(decide(input).decisions).toEqual(want);
  });
});

describe("a job about which GitHub was asked in vain", () => {
  const held = (askProblem: ReasonCode) => waiting(1, { isAskPaused: true, askProblem });
  const younger = waiting(2, { job: job({ id: jobId(2), createdAtMs: START_MS + HOUR_MS }) });
  const machines = [free(1)];

  it.each<ReasonCode>(["github-budget", "github-suspended", "github-job-not-found"])("is told %s", (problem) => {
    expect(decide({ jobs: [held(problem)], machines }, {}, HOUR_MS).decisions).toEqual([wait(1, problem)]);
    const unnamedRunning = [nobodys("running")];
    expect(decide({ jobs: [held(problem)], unnamedRunning }, {}, HOUR_MS).decisions).toEqual([wait(1, problem)]);
  });

  it("keeps the machine that no other needs, and takes none from the others", () => {
    const input = { jobs: [held("github-budget"), younger], machines };
    expect(decide({ ...input, machines: [free(1), free(2)] }, {}, HOUR_MS)).toMatchObject({
      decisions: [wait(1, "github-budget"), mint(2, 1)],
      spare: [],
    });
    expect(decide(input, {}, HOUR_MS).decisions).toEqual([wait(1, "at-max"), mint(2, 1)]);
  });

  it("has no machine launched for it", () => {
    expect(decide({ jobs: [held("github-budget")], ...room(1) }, {}, HOUR_MS).decisions).toEqual([
      wait(1, "github-budget"),
    ]);
  });

  it("keeps none where GitHub does not find it: its run may be deleted", () => {
    expect(decide({ jobs: [held("github-job-not-found")], machines }, {}, HOUR_MS).spare).toEqual(machines);
  });
});
