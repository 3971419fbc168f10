/** A machine goes under a running job, GitHub fails the job, and it runs again: once, and with whatever else its run lost. */
import { afterEach, expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { readExplanation } from "../../src/http/operators/read-explanation.ts";
import { setInstallation } from "../../src/simulator/github/apps.ts";
import { DEFAULT_PERMISSIONS } from "../../src/simulator/github/options.ts";
import type { Job } from "../../src/simulator/github/state.ts";
import { APP_ID, expectCleared, expectShown, fault, openTown, queue, type SignIn } from "./failure-scene.ts";
import type { Town } from "./town.ts";

let town: Town;
afterEach(() => town.close());

const POOL = {
  machineCountMax: 3,
  labels: ["self-hosted", "linux", "no-rerun"],
  rerun: { exceptLabel: "no-rerun" },
} as const;
const JOB_MS = 5 * MINUTE_MS;
const ACME = { kind: "organization", organization: "acme" } as const;
const WRITING = { ...DEFAULT_PERMISSIONS, actions: "write" };

async function open(signIn: SignIn): Promise<void> {
  town = await openTown(signIn, { pools: [POOL], jobMs: JOB_MS });
  town.github.setHook(signIn === "app" ? { kind: "app", appId: APP_ID } : ACME);
}

const isRunning = ({ phase }: Job) => phase.kind === "acquired" && phase.startedAtMs !== null;

/** The machine on which the job runs is taken away. */
async function loseMachineOf(job: Job): Promise<void> {
  await town.runUntil(() => isRunning(job), 5 * MINUTE_MS);
  await town.run(20 * SECOND_MS);
  const { phase } = job;
  const requestId = phase.kind === "acquired" ? phase.requestId : "";
  const [id] = [...town.hosts].find(([, host]) => host.ran.includes(requestId)) ?? [""];
  expect(town.hosts.delete(id)).toBe(true);
}

/** Every attempt of the job, oldest first: how each ended, or what it is. */
function attempts(name: string): readonly string[] {
  return attemptsOf(name).map(({ runAttempt, phase }) => {
    return `${runAttempt} ${phase.kind === "completed" ? `${phase.conclusion}, ${phase.cause}` : phase.kind}`;
  });
}

function attemptsOf(name: string): readonly Job[] {
  return [...town.github.state.jobs.values()].filter((job) => job.name === name);
}

async function sentencesOf(job: Job | undefined): Promise<string> {
  const told = await readExplanation(town.sources, String(job?.id));
  return told?.verdict.sentences.join(" ") ?? "";
}

const LOST = "1 failure, lost-communication";
const counted = () => town.telemetry.counts.filter((one) => one.startsWith("holdfast_reruns_total"));

it.each<SignIn>(["app", "token"])("it runs again once and ends well, by %s", async (signIn) => {
  await open(signIn);
  if (signIn === "app") setInstallation(town.github.state, APP_ID, "acme", { permissions: WRITING });
  const job = queue(town, { name: "build" });
  await loseMachineOf(job);
  await town.run(2 * MINUTE_MS);
  expect(await sentencesOf(job)).toMatch(
    /is to run again: GitHub is asked next at .* once everything of its run is over/,
  );
  await town.run(30 * MINUTE_MS);
  expect(attempts("build")).toEqual([LOST, "2 success, reported-by-runner"]);
  expect(await sentencesOf(job)).toMatch(/went down with its machine, and GitHub runs it again as attempt 2/);
  expect(await sentencesOf(attemptsOf("build")[1])).toMatch(/Attempt 1 of it went down with its machine/);
  expect(counted()).toEqual(["holdfast_reruns_total pool=linux outcome=asked"]);
  await expectCleared(town, attemptsOf("build"), 2);
});

it("it does not run a third time where its second attempt is lost as well", async () => {
  await open("token");
  const job = queue(town, { name: "build" });
  await loseMachineOf(job);
  await town.runUntil(() => attempts("build").length > 1, 30 * MINUTE_MS);
  const [, second = job] = attemptsOf("build");
  await loseMachineOf(second);
  await town.run(2 * HOUR_MS);
  expect(attempts("build")).toEqual([LOST, "2 failure, lost-communication"]);
  await expectCleared(town, attemptsOf("build"), 2);
});

it("it does not run again where it asks not to", async () => {
  await open("token");
  const job = queue(town, { name: "deploy", labels: ["linux", "no-rerun"] });
  await loseMachineOf(job);
  await town.run(HOUR_MS);
  expect(attempts("deploy")).toEqual([LOST]);
  expect(counted()).toEqual([]);
});

it("of one run several that were lost run again, each in an attempt of its own, and nothing else does", async () => {
  await open("token");
  const [one, two] = ["one", "two"].map((name) => queue(town, { name, runId: 7 }));
  const kept = queue(town, { name: "kept", runId: 7 });
  for (const job of [one, two]) if (job !== undefined) await loseMachineOf(job);
  await town.run(90 * MINUTE_MS);
  const ends = ["one", "two"].map((name) => attemptsOf(name).at(-1)?.phase);
  expect(ends).toMatchObject([{ conclusion: "success" }, { conclusion: "success" }]);
  expect(counted()).toEqual(Array.from({ length: 2 }, () => "holdfast_reruns_total pool=linux outcome=asked"));
  const taken = [...town.github.state.requests.values()].map(({ jobId }) => jobId);
  expect(taken).toHaveLength(5);
  expect(taken.filter((id) => attemptsOf("kept").some((job) => job.id === id))).toEqual([kept.id]);
  expect(town.hosts.size).toBe(0);
});

it("a lost answer to the wish makes no third attempt", async () => {
  await open("token");
  fault(town, "rerun-job", { kind: "answer-lost", effect: "done" });
  const job = queue(town, { name: "build" });
  await loseMachineOf(job);
  await town.run(HOUR_MS);
  expect(attempts("build")).toEqual([LOST, "2 success, reported-by-runner"]);
  expect(counted()).toEqual(["holdfast_reruns_total pool=linux outcome=runs-already"]);
});

it("an App without the permission is told of, and the job runs once it has it", async () => {
  await open("app");
  const job = queue(town, { name: "build" });
  await loseMachineOf(job);
  await town.run(20 * MINUTE_MS);
  await expectShown(town, /github-forbidden: asking that the job \d+ of acme\/widgets runs again/);
  expect(attempts("build")).toEqual([LOST]);
  setInstallation(town.github.state, APP_ID, "acme", { permissions: WRITING });
  await town.run(30 * MINUTE_MS);
  expect(attempts("build")).toEqual([LOST, "2 success, reported-by-runner"]);
});
