/** An operator wants a job again: after a forced end, after a lost machine, and where GitHub cannot. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseConnectionName, parseJobId } from "../../src/domain/ids.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { ExplainAnswer } from "../../src/http/operators/answers.ts";
import { loadJob } from "../../src/store/jobs/load.ts";
import { saveJob } from "../../src/store/jobs/save.ts";
import { connectionName } from "../domain/builders.ts";
import { OperatorAtYard } from "./operator.ts";
import { JOB, RerunScene } from "./rerun-scene.ts";

const WHY = { reason: "spot took it" };
const HUGE = "9".repeat(40);
const PAGE = "https://github.com/acme/widgets/actions/runs/100/job/1";

let scene: RerunScene;
let alice: OperatorAtYard;
beforeEach(async () => {
  scene = await RerunScene.open({ rerun: null }, { htmlUrl: PAGE });
  alice = new OperatorAtYard(scene.yard);
});
afterEach(() => scene.yard.close());

async function forceEnd(): Promise<void> {
  await alice.say("terminate", { subject: scene.agent.machineId, force: true, reason: "it hangs" });
  await scene.yard.pass();
  scene.yard.clock.advance(MINUTE_MS);
  await scene.yard.pass();
}

const failed = () => scene.yard.tell(JOB, { status: "completed", conclusion: "failure" });
const wish = (subject: string | number = PAGE) => alice.say("rerun", { subject: String(subject), ...WHY });

describe("after a forced end", () => {
  it("it is written down at once, waits for the end of the run, and is asked once", async () => {
    await forceEnd();
    const said = await wish();
    expect(said).toMatchObject({ command: "rerun", outcome: "written", subject: { kind: "job", id: "1" } });
    expect(said.next.join(" ")).toMatch(/after some ten minutes/);
    await scene.githubSays({ isCompleted: false }, { conclusion: null, completedAtMs: null });
    await scene.pass(SECOND_MS);
    expect((await scene.rerun())?.state).toMatchObject({ kind: "due", waitsFor: "run-goes-on" });
    await failed();
    await scene.githubSays({});
    await scene.pass(10 * MINUTE_MS);
    await scene.pass(10 * MINUTE_MS);
    expect(scene.asked).toEqual([JOB]);
    expect(await scene.facts()).toContain("to run again, as said by alice: spot took it");
    expect(scene.counted()).toEqual(["holdfast_reruns_total pool=linux outcome=asked"]);
    const told = await alice.get("/explain/1", ExplainAnswer);
    expect(told.verdict.sentences.join(" ")).toMatch(
      /wanted again by alice \(spot took it\), and GitHub runs it again/,
    );
  });

  it("is taken as soon as the end is forced, before the machine is gone", async () => {
    await alice.say("terminate", { subject: scene.agent.machineId, force: true, reason: "it hangs" });
    expect((await wish()).outcome).toBe("written");
  });
});

describe("the job can be named by", () => {
  beforeEach(failed);

  it.each<readonly [string, () => Promise<string>]>([
    ["its page address", async () => PAGE],
    ["its page address with what comes after it", async () => `${PAGE}?pr=7#step:3:1`],
    ["its address in the API", async () => "https://api.github.com/repos/acme/widgets/actions/jobs/1"],
    ["its id", async () => " 1 "],
    ["the machine that it ran on", async () => scene.agent.machineId],
    ["the runner that it ran on", async () => (await scene.yard.onlyTicket()).runnerName],
  ])("%s", async (_name, name) => {
    expect((await wish(await name())).jobs).toMatchObject([{ id: 1, url: PAGE }]);
  });
});

describe("it is idempotent", () => {
  beforeEach(failed);

  it("said twice before GitHub was asked, and once more after", async () => {
    await scene.githubSays({});
    expect((await wish()).outcome).toBe("written");
    expect(await wish()).toMatchObject({ outcome: "already", next: [] });
    await scene.pass(0);
    const said = await wish();
    expect(said.outcome).toBe("already");
    expect(said.result).toMatch(/GitHub runs it again as attempt 2 of its run\.$/);
    await scene.pass();
    expect(scene.asked).toEqual([JOB]);
  });

  it("said twice at the same time", async () => {
    const outcomes = await Promise.all([wish(), wish()]);
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(["already", "written"]);
  });

  it("a new attempt that fails too can be wanted anew", async () => {
    await scene.githubSays({});
    await wish();
    await scene.pass(0);
    const second = {
      id: parseJobId(2),
      runAttempt: 2,
      htmlUrl: "",
      status: "completed",
      conclusion: "failure",
    } as const;
    const row = await loadJob(scene.yard.store.db, connectionName(), JOB);
    if (row === null) throw new Error("no job");
    await saveJob(scene.yard.store.db, { ...row, job: { ...row.job, ...second } }, null, scene.yard.clock.nowMs());
    expect((await wish(2)).outcome).toBe("written");
    await scene.githubSays({ attempt: 2 }, { id: parseJobId(2), runAttempt: 2 });
    await scene.pass(0);
    expect(scene.asked).toEqual([JOB, parseJobId(2)]);
  });
});

describe("it is refused", () => {
  const refused = (subject: string, status = 409) => alice.refused("rerun", { subject, ...WHY }, status);

  it.each<readonly [string, number]>([
    ["nothing", 404],
    ["99", 404],
    ["https://github.com/acme/widgets/actions/runs/100/job/99", 404],
    ["m-nothing0", 404],
    ["\u0000\u202e'; drop table jobs; --", 404],
    [HUGE, 404],
  ])("for %j, which nobody knows", async (subject, status) => {
    expect(await refused(subject, status)).toBe("not-found");
  });

  it("for what is no name, or too much of one", async () => {
    expect(await refused(" ", 400)).toBe("payload-invalid");
    expect(await refused("x".repeat(501), 400)).toBe("payload-invalid");
  });

  it("while the job runs, and writes nothing", async () => {
    expect(await refused(PAGE)).toBe("job-not-over");
    expect(await scene.rerun()).toBeNull();
  });

  it("where it ended well", async () => {
    await scene.yard.tell(JOB, { status: "completed", conclusion: "success" });
    expect(await refused(PAGE)).toBe("job-succeeded");
  });

  it("while another job of its run goes on", async () => {
    await failed();
    await scene.yard.queue(2, { runId: (await loadJob(scene.yard.store.db, connectionName(), JOB))?.job.runId ?? 0 });
    expect(await refused(PAGE)).toBe("run-not-over");
  });

  it("in a pool that only observes, and for a job that no pool has", async () => {
    await failed();
    Object.assign(scene.yard.context.pool, { mode: "observe" });
    expect(await refused(PAGE)).toBe("pool-observes");
    const row = await loadJob(scene.yard.store.db, connectionName(), JOB);
    if (row === null) throw new Error("no job");
    await saveJob(scene.yard.store.db, { ...row, pool: null }, row.version, scene.yard.clock.nowMs());
    expect(await refused(PAGE)).toBe("job-not-ours");
  });

  it("where two connections have a job of this number, until its address says which", async () => {
    await failed();
    const row = await loadJob(scene.yard.store.db, connectionName(), JOB);
    if (row === null) throw new Error("no job");
    const other = { ...row.job, connection: parseConnectionName("other"), htmlUrl: "https://ghe.acme.com/x/y/1" };
    await saveJob(scene.yard.store.db, { ...row, job: other }, null, scene.yard.clock.nowMs());
    expect(await refused("1")).toBe("ambiguous");
    expect((await wish(PAGE)).outcome).toBe("written");
    expect(await refused(other.htmlUrl, 404)).toBe("not-found");
  });
});
