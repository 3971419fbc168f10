/**
 * The agent on a member of a group, installed by the script that the product prints, under its own unit and a real systemd,
 * with a job: no stop, no kill, no upgrade and no shutdown ends the job.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { agentBundle } from "../../src/app/agent-bundle.ts";
import { installScript } from "../../src/app/agent-installer.ts";
import { parseControllerId, parsePoolName } from "../../src/domain/ids.ts";
import { createRunnerFolder } from "../../src/simulator/runner/folder.ts";
import { type SimulatedGitHub, startSimulatedGitHub } from "../../src/simulator/server/simulated-github.ts";
import { eventually } from "../agent/agent-yard.ts";
import { FakeController, ticketOf } from "../agent/fake-controller.ts";
import { type MetadataStandIn, STAND_IN_DOCUMENT, startMetadataStandIn } from "../agent/metadata-stand-in.ts";
import { SHUTDOWN, type SystemdHouse, startSystemd, whyNoSystemd } from "./systemd-house.ts";

const UNIT = "holdfast-agent.service";
const RUNNER_ID = 1777;
const canBecomeRunner = () =>
  spawnSync("setpriv", [`--reuid=${RUNNER_ID}`, "--clear-groups", process.execPath, "--version"]).status === 0;
const missing = whyNoSystemd() ?? (canBecomeRunner() ? null : "no other user can run this Node");

const readScore = (file: string) => (existsSync(file) ? readFileSync(file, "utf8").trim() : null);

// Skipped: where no systemd of our own can be started; the name of the suite says why.
describe.skipIf(missing !== null)(`the agent's unit under systemd${missing === null ? "" : ` (${missing})`}`, () => {
  let base: string;
  let github: SimulatedGitHub;
  let controller: FakeController;
  let metadata: MetadataStandIn;
  let systemd: SystemdHouse;

  beforeEach(async () => {
    base = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-systemd-")));
    chmodSync(base, 0o755);
    github = await startSimulatedGitHub({ repositories: ["acme/widgets"], longPollMs: 1_000 });
    controller = new FakeController(STAND_IN_DOCUMENT);
    await controller.start();
    metadata = await startMetadataStandIn();
    metadata.target = "InService";
    const runner = join(base, "opt/actions-runner");
    createRunnerFolder(runner);
    mkdirSync(join(runner, "externals/node24/bin"), { recursive: true });
    symlinkSync(process.execPath, join(runner, "externals/node24/bin/node"));
    systemd = await startSystemd(base, {
      [`${UNIT}.d/metadata.conf`]: `[Service]\nEnvironment=AWS_EC2_METADATA_SERVICE_ENDPOINT=${metadata.url}\n`,
    });
    run(`echo runner:x:${RUNNER_ID}:${RUNNER_ID}::/opt:/bin/sh >> /etc/passwd`);
    expect(install(0)).toMatchObject({ status: 0, said: expect.stringContaining("holdfast: installed\n") });
    await controller.waitFor("a parked agent", () => controller.last()?.phase === "parked");
  });

  afterEach(async () => {
    await systemd.end();
    metadata.close();
    await controller.stop();
    await github.close();
    rmSync(base, { recursive: true, force: true });
  });

  function run(script: string, ...words: readonly string[]) {
    const file = join(base, "script.sh");
    writeFileSync(file, script);
    return systemd.run(file, ...words);
  }

  /** @param version another archive of the same agent. */
  function install(version: number, ...words: readonly string[]) {
    const { bytes, entry } = agentBundle();
    const archive = join(base, `agent-${version}.tar.gz`);
    const repacked = gzipSync(gunzipSync(bytes), { level: 1 + version });
    writeFileSync(archive, repacked);
    const sha256 = createHash("sha256").update(repacked).digest("hex");
    const script = installScript({
      controllerId: parseControllerId("main"),
      pool: parsePoolName("linux"),
      controllerUrl: controller.url,
      runnerDirectory: "/opt/actions-runner",
      runnerUser: "runner",
      runnerEnvironment: {},
      bundle: { url: pathToFileURL(archive).href, sha256, entry },
    });
    return run(script, ...words);
  }

  /** A job that goes on until it is let go. @param first what its step does before that. */
  async function runJob(first = "true") {
    const { encodedJitConfig } = github.registerRunner({
      scope: { kind: "organization", organization: "acme" },
      name: "member-1",
      labels: ["self-hosted"],
      groupId: 1,
      isEphemeral: true,
    });
    const gate = join(base, "go-on");
    const step = `${first}; while [ ! -e ${gate} ]; do sleep 0.05; done`;
    const jobId = github.queueJob({ repository: "acme/widgets", labels: ["self-hosted"], steps: [step] });
    const ticket = ticketOf(encodedJitConfig);
    controller.offer(ticket);
    await github.waitForJob(jobId, (job) => job.status === "in_progress", 20_000);
    await controller.waitFor("a running ticket", () => controller.last()?.ticket?.step === "running");
    const finish = async () => {
      writeFileSync(gate, "");
      return github.waitForJob(jobId, (job) => job.status === "completed", 20_000);
    };
    return { ticket, jobId, finish };
  }

  const stateOf = (unit: string) => systemd.systemctl("show", unit, "--property=ActiveState", "--value");
  const show = (property: string) => systemd.systemctl("show", UNIT, `--property=${property}`, "--value");

  /** Another incarnation of the agent has checked in. */
  async function anotherAgent(after: () => unknown): Promise<void> {
    const before = { incarnation: controller.checkIns.at(-1)?.incarnation, pid: show("MainPID") };
    await after();
    await controller.waitFor("another agent", () => controller.checkIns.at(-1)?.incarnation !== before.incarnation);
    expect(show("MainPID")).not.toBe(before.pid);
  }

  it("waits in `systemctl stop` for the job, in a scope that the stop does not reach, and ends then", async () => {
    const { ticket, jobId, finish } = await runJob();
    const scopes = systemd.systemctl("list-units", "--type=scope", "--plain", "--no-legend");
    expect(scopes).toContain(`Holdfast runner of ticket ${ticket.id}`);
    const agentPid = show("MainPID");
    systemd.systemctl("stop", "--no-block", UNIT);
    await controller.waitFor("an agent that leaves", () => controller.last()?.phase === "leaving");
    const shown = [show("ActiveState"), show("MainPID"), show("TimeoutStopUSec")];
    expect(shown).toEqual(["deactivating", agentPid, "infinity"]);
    expect(github.jobs().find(({ id }) => id === jobId)?.status).toBe("in_progress");
    expect(await finish()).toMatchObject({ conclusion: "success" });
    await eventually("the unit's end", () => show("ActiveState") === "inactive");
    expect(controller.endOf(ticket.id)).toEqual({ kind: "spent" });
    expect(show("Result")).toBe("success");
  });

  it("starts another agent after the end of one by SIGKILL, and the job goes on", async () => {
    const { ticket, finish } = await runJob();
    await anotherAgent(() => systemd.systemctl("kill", "--signal=SIGKILL", "--kill-whom=main", UNIT));
    expect(await finish()).toMatchObject({ conclusion: "success" });
    await controller.waitFor("its end", () => controller.endOf(ticket.id));
    expect(controller.endOf(ticket.id)).toEqual({ kind: "spent" });
  });

  it("waits in `systemctl restart` for the job, and then starts another agent", async () => {
    const { ticket, jobId, finish } = await runJob();
    await anotherAgent(async () => {
      systemd.systemctl("restart", "--no-block", UNIT);
      await controller.waitFor("an agent that leaves", () => controller.last()?.phase === "leaving");
      expect([show("ActiveState"), github.jobs().find(({ id }) => id === jobId)?.status]).toEqual([
        "deactivating",
        "in_progress",
      ]);
      expect(await finish()).toMatchObject({ conclusion: "success" });
    });
    expect(controller.endOf(ticket.id)).toEqual({ kind: "spent" });
    await eventually("the unit", () => show("ActiveState") === "active");
  });

  it("goes on with a job one of whose processes is killed, as for want of memory, and is set to be spared itself", async () => {
    const scores = join(base, "scores");
    // As the kernel does it: without a word, to the process that it has chosen.
    const dies = "sh -c 'kill -9 $$'; test $? -eq 137";
    mkdirSync(scores, { mode: 0o777 });
    chmodSync(scores, 0o777);
    const { ticket, finish } = await runJob(`${dies} && cat /proc/self/oom_score_adj > ${scores}/job`);
    await eventually("the job's score", () => readScore(join(scores, "job")) === "0");
    // As systemd has it: a sandbox may not let a process have a score below 0.
    expect(["OOMScoreAdjust", "OOMPolicy", "ActiveState"].map(show)).toEqual(["-900", "continue", "active"]);
    expect(await finish()).toMatchObject({ conclusion: "success" });
    await controller.waitFor("its end", () => controller.endOf(ticket.id));
    expect(controller.endOf(ticket.id)).toEqual({ kind: "spent" });
  });

  it("takes a new version of the agent under a job, which goes on, and changes nothing the second time", async () => {
    const { ticket, finish } = await runJob();
    expect(install(1, "--check")).toMatchObject({ status: 1 });
    await anotherAgent(() => expect(install(1)).toMatchObject({ status: 0 }));
    const pid = show("MainPID");
    expect(install(1)).toEqual({ status: 0, said: "holdfast: all is as it should be\n" });
    expect(show("MainPID")).toBe(pid);
    expect(await finish()).toMatchObject({ conclusion: "success" });
    await controller.waitFor("its end", () => controller.endOf(ticket.id));
    expect(controller.endOf(ticket.id)).toEqual({ kind: "spent" });
  });

  it("goes on with the job while its group wants to end the machine, and takes no other", async () => {
    const { ticket, finish } = await runJob();
    metadata.target = "Terminated";
    await controller.waitFor("an agent that leaves", () => controller.last()?.phase === "leaving");
    expect(await finish()).toMatchObject({ conclusion: "success" });
    await controller.waitFor("its end", () => controller.endOf(ticket.id));
    expect(controller.endOf(ticket.id)).toEqual({ kind: "spent" });
    expect([show("ActiveState"), controller.last()?.phase]).toEqual(["active", "leaving"]);
  });

  it("lets a shutdown of the machine wait for the job", async () => {
    const { ticket, finish } = await runJob();
    systemd.systemctl("start", "--no-block", "--job-mode=replace-irreversibly", SHUTDOWN);
    await controller.waitFor("an agent that leaves", () => controller.last()?.phase === "leaving");
    expect(stateOf(SHUTDOWN)).toBe("inactive");
    expect(await finish()).toMatchObject({ conclusion: "success" });
    await eventually("the end of the shutdown", () => stateOf(SHUTDOWN) === "active");
    expect(controller.endOf(ticket.id)).toEqual({ kind: "spent" });
    expect(show("Result")).toBe("success");
  });
});
