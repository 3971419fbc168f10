/** The next pass, foretold: as the controllers then decide it, and without any effect of its own. */
import { afterEach, describe, expect, it } from "vitest";
import { assign } from "../../src/controllers/assign.ts";
import { attend } from "../../src/controllers/attend.ts";
import type { PoolContext } from "../../src/controllers/context.ts";
import { foretellPass } from "../../src/controllers/foretell.ts";
import { handBack } from "../../src/controllers/hand-back.ts";
import { retire } from "../../src/controllers/retire.ts";
import { sweep } from "../../src/controllers/sweep.ts";
import { GitHubError, ProviderError } from "../../src/domain/errors.ts";
import { parseJobId } from "../../src/domain/ids.ts";
import { isAct, type PassPlan, type PlannedStep } from "../../src/domain/pass-plan.ts";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { PlanAnswer } from "../../src/http/operators/answer-plan.ts";
import { readPlan } from "../../src/http/operators/read-plan.ts";
import { sampleSources } from "../http/sample-fleet.ts";
import { readContents } from "../store/contents.ts";
import { alice, atWork, idleRunner, jobReason, open, reasonOf, WHY, warmAgent, yard } from "./operators-scene.ts";

afterEach(() => yard.close());

/** Whatever it asks of the outside, or tells it, fails the test. */
function untouchable<Port extends object>(name: string): Port {
  return new Proxy({} as Port, {
    get: (_target, key) => () => {
      throw new Error(`${name}.${String(key)} was called`);
    },
  });
}

function withoutHands(context: PoolContext): PoolContext {
  return {
    ...context,
    github: untouchable("github"),
    provider: untouchable("provider"),
    wake: untouchable("wake"),
    telemetry: untouchable("telemetry"),
    random: untouchable("random"),
    hearOthers: () => Promise.reject(new Error("other processes were asked")),
  };
}

/** Foretells, and makes sure that nothing came of it: not in the store, not outside, not in what is remembered. */
async function foretell(over: Partial<PoolContext> = {}): Promise<PassPlan> {
  const before = await readContents(yard.store);
  const remembered = structuredClone(yard.context.memory);
  const plan = await foretellPass({ ...withoutHands(yard.context), ...over });
  expect(await readContents(yard.store)).toEqual(before);
  expect(yard.context.memory).toEqual(remembered);
  return plan;
}

const short = ({ action, subject, reason }: PlannedStep) => [action, subject.kind, reason];
const acts = (plan: PassPlan) => plan.steps.filter(isAct).map(short);

describe("what is foretold is what is then decided:", () => {
  it("a launch for a job, and its reason", async () => {
    await open();
    await yard.queue();
    const plan = await foretell();
    expect(acts(plan)).toEqual([["launch", "job", "launch-next"]]);
    expect(plan).toMatchObject({ launchCount: 1, waitingJobCount: 1, machineCount: 0, isHeld: true });
    await assign(yard.context);
    expect(await jobReason(1)).toBe("launch-next");
    expect(acts(await foretell())).toEqual([["launch", "pool", "machine-launching"]]);
  });

  it("a ticket on the machine that is free", async () => {
    const agent = await warmAgent();
    await yard.queue();
    const [step] = (await foretell()).steps;
    expect(step).toMatchObject({ action: "mint", reason: "mint-next", note: `machine ${agent.machineId}` });
    await assign(yard.context);
    const minting = (await foretell()).steps.find(({ controller }) => controller === "mint");
    expect(minting).toMatchObject({ action: "mint", reason: "ticket-minting", note: `machine ${agent.machineId}` });
    expect((await yard.onlyTicket()).machineId).toBe(agent.machineId);
  });

  it("a question to GitHub about a job that has waited for long", async () => {
    const agent = await warmAgent();
    await yard.queue();
    yard.clock.advance(2 * MINUTE_MS);
    await agent.report();
    expect(acts(await foretell())).toEqual([["ask", "job", "asking-github"]]);
    await assign(yard.context);
    expect([...yard.context.memory.jobsToAsk]).toEqual([parseJobId(1)]);
    expect(acts(await foretell())).toContainEqual(["ask", "job", "asking-github"]);
  });

  it("a ticket that is asked back, and that a freeze lets it wait", async () => {
    await open();
    const { agent } = await idleRunner();
    yard.clock.advance(3 * MINUTE_MS);
    const plan = await foretell();
    const step = plan.steps.find(({ controller }) => controller === "hand-back");
    expect(step).toMatchObject({ action: "hand-back", reason: "hand-back-due" });
    expect(step?.note).toBe(`machine ${agent.machineId}: no job came, and none waits that could`);
    await alice.say("freeze", { ...WHY });
    const frozen = (await foretell()).steps.find(({ controller }) => controller === "hand-back");
    expect(frozen).toMatchObject({ action: "wait", reason: "frozen" });
    await alice.say("thaw", {});
    await handBack(yard.context);
    expect((await yard.onlyTicket()).state.kind).toBe("handing-back");
  });

  it("a machine that retires, then how far its end has come", async () => {
    const agent = await warmAgent();
    await alice.say("drain", { subject: agent.machineId, ...WHY });
    expect(acts(await foretell())).toContainEqual(["retire", "machine", "drained"]);
    await retire(yard.context);
    expect(await reasonOf(agent)).toBe("awaits-report");
    const waits = (await foretell()).steps.find(({ subject }) => subject.id === agent.machineId);
    expect(waits).toMatchObject({ action: "wait", reason: "awaits-report" });
    await agent.report();
    const ends = (await foretell()).steps.find(({ subject }) => subject.id === agent.machineId);
    expect(ends).toMatchObject({ action: "terminate", reason: "drained" });
    expect(ends?.note).toMatch(/^by proof parked/);
    expect(yard.provider.terminated).toEqual([]);
    await retire(yard.context);
    expect(yard.provider.terminated).toHaveLength(1);
  });

  it("the registration of a ticket that is over, and the rest after a list that GitHub did not give", async () => {
    await open();
    const { agent, ticketId } = await atWork();
    await agent.report({ ended: [{ id: ticketId, end: { kind: "spent" } }] });
    await attend(yard.context);
    const deletions = async () => (await foretell()).steps.filter(({ controller }) => controller === "sweep");
    expect((await deletions()).map(short)).toEqual([["delete", "ticket", "registration-over"]]);
    yard.github.listError = new GitHubError("github-unavailable", "listing the runners");
    await sweep(yard.context);
    const retryAtMs = yard.clock.nowMs() + 10 * SECOND_MS;
    expect(await deletions()).toMatchObject([{ action: "wait", reason: "registrations-unlisted", retryAtMs }]);
    await alice.say("freeze", { ...WHY });
    expect(await deletions()).toMatchObject([{ action: "wait", reason: "frozen" }]);
  });
});

describe("what waits says for what, and when it is tried again:", () => {
  const waiting = async (reason: ReasonCode) => (await foretell()).steps.find((step) => step.reason === reason);

  it("GitHub down", async () => {
    await warmAgent();
    await yard.queue();
    const error = new GitHubError("github-unavailable", "minting a ticket", { retryAfterMs: 40 * SECOND_MS });
    yard.github.nextMintError = { error, takesEffect: false };
    await yard.pass();
    const retryAtMs = yard.clock.nowMs() + 40 * SECOND_MS;
    const jobs = (await foretell()).steps.filter(({ subject }) => subject.kind === "job");
    expect(jobs).toEqual([expect.objectContaining({ action: "wait", reason: "github-unavailable", retryAtMs })]);
  });

  it("a quota", async () => {
    await open();
    await yard.queue();
    const options = { retryAfterMs: 5 * MINUTE_MS };
    const error = new ProviderError("provider-quota", "starting 1 machine", options);
    yard.provider.nextLaunchError = { error, takesEffect: false };
    await yard.pass();
    const retryAtMs = yard.clock.nowMs() + 5 * MINUTE_MS;
    expect(await waiting("provider-quota")).toMatchObject({ action: "wait", retryAtMs });
    expect((await foretell()).launchRoom).toEqual({ count: 0, limit: "provider-quota" });
  });

  it("a launch whose outcome is unknown", async () => {
    await open();
    await yard.queue();
    const error = new ProviderError("provider-unavailable", "starting 1 machine", { retryAfterMs: MINUTE_MS });
    yard.provider.nextLaunchError = { error, takesEffect: false };
    await yard.pass();
    const retryAtMs = yard.clock.nowMs() + MINUTE_MS;
    const launch = (await foretell()).steps.find(({ controller }) => controller === "launch");
    expect(launch).toMatchObject({ action: "wait", reason: "launch-backoff", retryAtMs });
    expect(launch?.note).toMatch(/^launch l-\d+ of 1 machine, tried once$/);
  });

  it("a machine that boots, until its deadline", async () => {
    await open();
    await yard.queue();
    await yard.pass();
    const { state } = await yard.onlyMachine();
    const retryAtMs = state.sinceMs + yard.context.pool.deadlines.bootMs;
    expect(await waiting("booting")).toMatchObject({ action: "keep", retryAtMs });
  });
});

describe("it works", () => {
  it("in a pool that only observes: nothing would be done", async () => {
    await open({ mode: "observe" });
    await yard.queue();
    const plan = await foretell();
    expect(acts(plan)).toEqual([]);
    expect(plan.steps.map(short)).toEqual([["wait", "job", "would-launch"]]);
  });

  it("in a process that does not hold the pool", async () => {
    await open();
    await yard.queue();
    const plan = await foretell({ lease: () => null });
    expect(plan.isHeld).toBe(false);
    expect(acts(plan)).toEqual([["launch", "job", "launch-next"]]);
  });

  it("in a drained pool", async () => {
    await open();
    await yard.queue();
    await alice.say("drain", { subject: "linux", ...WHY });
    const plan = await foretell();
    expect(plan.steps.map(short)).toEqual([["wait", "job", "pool-drained"]]);
  });

  it("before the provider has listed its machines", async () => {
    await open();
    yard.context.memory.isFleetListed = false;
    await yard.queue();
    expect((await foretell()).steps.map(short)).toEqual([["wait", "job", "fleet-not-listed"]]);
  });
});

it("is answered to operators with the sentence of each reason, what is done before what waits", async () => {
  await warmAgent();
  await yard.queue(1);
  await yard.queue(2);
  const { store, clock, context } = yard;
  const foretelling = () => foretellPass(withoutHands(context));
  const sources = sampleSources(store, { pools: context.pools, clock, foretell: foretelling });
  const answer = PlanAnswer.parse(await readPlan(sources, { pool: "linux", limitCount: 2 }));
  expect(answer.pools.map(({ name, omittedCount }) => [name, omittedCount])).toEqual([["linux", 1]]);
  expect(answer.pools[0]?.steps).toMatchObject([
    { action: "mint", isAct: true, about: { kind: "job", id: "1" }, sentence: "It gets a ticket now." },
    { action: "wait", isAct: false, about: { kind: "job", id: "2" }, reason: "at-max" },
  ]);
  expect(await readPlan(sources, { pool: "nothing", limitCount: 2 })).toBeNull();
});
