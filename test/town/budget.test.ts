/** GitHub's rate limits, kept without GitHub's having to say so: by the model's own counts. */
import { afterEach, describe, expect, it } from "vitest";
import { POINTS_PER_MINUTE_MAX } from "../../src/domain/budget.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { readStatus } from "../../src/http/operators/read-status.ts";
import { type CredentialUsage, readUsage } from "../../src/simulator/github/quota.ts";
import { registerRunner } from "../../src/simulator/github/runners.ts";
import type { Job } from "../../src/simulator/github/state.ts";
import { expectCleared, expectRun, expectShown, fault, openTown, queue, type SignIn } from "./failure-scene.ts";
import type { Town } from "./town.ts";

let town: Town;
afterEach(() => town.close());

const ACME = { kind: "organization", organization: "acme" } as const;
const SIGN_INS: readonly SignIn[] = ["app", "token"];
const CREDENTIALS: Readonly<Record<SignIn, string>> = { app: "installation 51515151", token: "token octocat" };

function usageOf(signIn: SignIn): CredentialUsage {
  const usage = readUsage(town.github.state, town.clock.nowMs())[CREDENTIALS[signIn]];
  if (usage === undefined) throw new Error(`nothing was asked by ${CREDENTIALS[signIn]}`);
  return usage;
}

/** GitHub's refusals by a limit or otherwise, as our own figures have them. */
function refusals(): readonly string[] {
  return town.telemetry.counts.filter((count) => /holdfast_github_calls_total .*status=4(03|29)/.test(count));
}

const RUNNER_COUNT = 1_000;

describe.each(SIGN_INS)("1,000 runners that do not change, by %s", (signIn) => {
  it("cost a second look at most 10 requests, all answered 304, and nothing of the primary limit", async () => {
    town = await openTown(signIn);
    for (let number = 0; number < RUNNER_COUNT; number += 1) {
      const request = { scope: ACME, name: `runner-${number}`, labels: ["linux"], groupId: 1, isEphemeral: false };
      registerRunner(town.github.state, request, town.clock.nowMs());
    }
    const { github } = town.connection;
    const first = await github.listRunners(ACME);
    expect(first).toHaveLength(RUNNER_COUNT);
    const before = usageOf(signIn);
    expect(await github.listRunners(ACME)).toEqual(first);
    const after = usageOf(signIn);
    const requestCount = after.requestCount - before.requestCount;
    expect(requestCount).toBeLessThanOrEqual(10);
    expect(after.notModifiedCount - before.notModifiedCount).toBe(requestCount);
    expect(after.primaryUsed).toBe(before.primaryUsed);
  });
});

const BURST_COUNT = 400;
const STATUS_EVERY_MS = 10 * SECOND_MS;

describe.each(SIGN_INS)("400 jobs at once, by %s", (signIn) => {
  it("run without a refusal; what is urgent never waits, and the rate is shown", async () => {
    town = await openTown(signIn, { pools: [{ machineCountMax: BURST_COUNT }] });
    town.github.setHook(ACME);
    await town.run(MINUTE_MS);
    // Some registrations are left over on the way, and have to be deleted.
    fault(town, "generate-jitconfig", { kind: "answer-lost", effect: "done" }, 5);
    const jobs = Array.from({ length: BURST_COUNT }, () => queue(town));
    let [pointsMax, ticketsMax, shownMax] = [0, 0, 0];
    const isDone = () => jobs.every(({ phase }) => phase.kind === "completed");
    for (let passedMs = 0; passedMs < 10 * MINUTE_MS && !isDone(); passedMs += SECOND_MS) {
      await town.run(SECOND_MS);
      pointsMax = Math.max(pointsMax, usageOf(signIn).pointsLastMinute);
      if (passedMs % STATUS_EVERY_MS !== 0) continue;
      const [budget] = (await readStatus(town.sources)).connections[0]?.budgets ?? [];
      ticketsMax = Math.max(ticketsMax, ...town.connection.readBudgets().map(({ ticketCount }) => ticketCount));
      shownMax = Math.max(shownMax, budget?.ticketsPerMinute ?? 0);
    }
    expect(jobs.filter(({ phase }) => phase.kind === "completed" && phase.conclusion === "success")).toHaveLength(
      BURST_COUNT,
    );
    expect(pointsMax).toBeGreaterThan(POINTS_PER_MINUTE_MAX / 2);
    expect(pointsMax).toBeLessThanOrEqual(POINTS_PER_MINUTE_MAX);
    expect(refusals()).toEqual([]);
    const errors = town.telemetry.errors.map(({ message, error }) => `${message}: ${String(error)}`);
    expect(errors.filter((error) => error.includes("was not deleted"))).toEqual([]);
    expect(shownMax).toBe(ticketsMax);
    expect(shownMax).toBeGreaterThan(100);
    await expectCleared(town, jobs);
    expect(usageOf(signIn).byOperation["delete-runner"]).toBe(5);
  }, 120_000);
});

/** An App reads its delivery log on its own account, a token on the one that everything is on. */
describe.each<readonly [SignIn, string, number]>([
  ["app", "app 424242", 60],
  ["token", "token octocat", 150],
])("a small primary limit, by %s", (signIn, credential, primaryLimit) => {
  it("looks around wait before GitHub says so, tickets get through, and status tells why", async () => {
    town = await openTown(signIn, { github: { primaryLimit } });
    town.github.setHook(signIn === "token" ? ACME : undefined);
    await town.run(20 * MINUTE_MS);
    const before = readUsage(town.github.state, town.clock.nowMs())[credential];
    await expectShown(town, /^github-budget: /m);
    const jobs: Job[] = [];
    // One registration is left over on the way.
    fault(town, "generate-jitconfig", { kind: "answer-lost", effect: "done" });
    for (let count = 0; count < 8; count += 1) {
      const job = queue(town);
      jobs.push(job);
      await expectRun(town, job, 2 * MINUTE_MS);
    }
    expect([...town.github.state.registrations.values()]).toEqual([]);
    const after = readUsage(town.github.state, town.clock.nowMs())[credential];
    const looks = [before, after].map((usage) => usage?.byOperation["list-deliveries"]);
    expect(looks[1]).toBe(looks[0]);
    await town.run(HOUR_MS);
    expect(after?.primaryUsed).toBeLessThan(primaryLimit);
    expect(refusals()).toEqual([]);
    await expectCleared(town, jobs);
  });
});
