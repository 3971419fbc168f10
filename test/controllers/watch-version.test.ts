import { afterEach, beforeEach, expect, it } from "vitest";
import { watchVersion } from "../../src/controllers/watch-version.ts";
import { DAY_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { listDecisions } from "../../src/store/evidence/decisions.ts";
import { listEvidence } from "../../src/store/evidence/evidence.ts";
import { jobSubject, poolSubject } from "../../src/store/subjects.ts";
import { Yard } from "./yard.ts";

let yard: Yard;
beforeEach(async () => {
  yard = await Yard.open({ warmParkedCount: 1 });
  yard.provider.runnerVersion = "2.330.0";
});
afterEach(() => yard.close());

const endsIn = (durationMs: number) => {
  const endsAtMs = yard.clock.nowMs() + durationMs;
  const value = { registrationEndsAtMs: null, runtimeEndsAtMs: endsAtMs };
  yard.github.deprecation = { kind: "present", value, observedAtMs: yard.clock.nowMs() };
};
const facts = async () =>
  (await listEvidence(yard.store.db, poolSubject(yard.context.pool.name), 10)).map(({ fact }) => fact);
const watch = () => watchVersion(yard.context);

it("says a week ahead until when GitHub takes the runner, and goes on launching", async () => {
  endsIn(7 * DAY_MS);
  await watch();
  expect(await facts()).toEqual([
    "GitHub takes no jobs with runner 2.330.0 from 1970-01-08 00:00 UTC on: put a newer one into runner.directory",
  ]);
  expect(yard.telemetry.gauges.get("holdfast_runner_deprecation_seconds pool=linux")).toBe(7 * 86_400);
  await yard.queue();
  await yard.pass();
  expect(yard.provider.launches).not.toEqual([]);
});

it("stops launches and tickets at the end, with the reason at each job, and not before", async () => {
  endsIn(MINUTE_MS);
  await watch();
  yard.clock.advance(MINUTE_MS);
  const id = await yard.queue();
  await yard.pass();
  expect(yard.provider.launches).toEqual([]);
  expect(yard.github.mints).toEqual([]);
  const decisions = await listDecisions(yard.store.db, jobSubject(yard.context.pool.connection, id), 10);
  expect(decisions.map(({ reason }) => reason)).toContain("runner-deprecated");
});

it("starts again as soon as a newer runner lies there", async () => {
  endsIn(0);
  await watch();
  yard.provider.runnerVersion = "2.336.0";
  yard.github.deprecation = { kind: "absent", observedAtMs: 0 };
  await watch();
  await yard.queue();
  await yard.pass();
  expect(yard.provider.launches).not.toEqual([]);
});

it("starts again with a newer runner also while GitHub says nothing of it", async () => {
  endsIn(0);
  await watch();
  yard.provider.runnerVersion = "2.336.0";
  yard.github.deprecation = { kind: "unknown", code: "github-unavailable", observedAtMs: 0 };
  await watch();
  await yard.queue();
  await yard.pass();
  expect(yard.provider.launches).not.toEqual([]);
});

it("believes neither silence nor an older server's 404 to be an end, nor the end to be over", async () => {
  endsIn(0);
  await watch();
  yard.github.deprecation = { kind: "unknown", code: "github-unavailable", observedAtMs: 0 };
  yard.clock.advance(11 * MINUTE_MS);
  await watch();
  await yard.queue();
  await yard.pass();
  expect(yard.provider.launches).toEqual([]);
});

it("asks once in ten minutes, and for another version at once", async () => {
  let askedCount = 0;
  const { github } = yard;
  const readDeprecation = github.readDeprecation.bind(github);
  github.readDeprecation = () => {
    askedCount += 1;
    return readDeprecation();
  };
  await watch();
  yard.clock.advance(10 * MINUTE_MS - 1);
  await watch();
  expect(askedCount).toBe(1);
  yard.clock.advance(1);
  await watch();
  expect(askedCount).toBe(2);
  yard.provider.runnerVersion = "2.336.0";
  await watch();
  expect(askedCount).toBe(3);
});

it("is silent about a runner whose version nobody can read", async () => {
  yard.provider.runnerVersion = null;
  endsIn(0);
  await watch();
  expect(await facts()).toEqual([]);
});
