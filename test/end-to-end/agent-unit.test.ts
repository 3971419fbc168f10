/** The agent under its own unit and a real systemd, with a job: no stop, no kill and no shutdown ends the job. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AGENT_HOME, AGENT_START, AGENT_UNIT_TEXT } from "../../src/domain/instance/agent-unit.ts";
import { createRunnerFolder } from "../../src/simulator/runner/folder.ts";
import { type SimulatedGitHub, startSimulatedGitHub } from "../../src/simulator/server/simulated-github.ts";
import { eventually } from "../agent/agent-yard.ts";
import { FakeController, ticketOf } from "../agent/fake-controller.ts";
import { type MetadataStandIn, STAND_IN_DOCUMENT, startMetadataStandIn } from "../agent/metadata-stand-in.ts";
import { ROOT } from "../house/temp-tree.ts";
import { SHUTDOWN, type SystemdHouse, startSystemd, whyNoSystemd } from "./systemd-house.ts";

const UNIT = "holdfast-agent.service";
const missing = whyNoSystemd();

// Skipped: where no systemd of our own can be started; the name of the suite says why.
describe.skipIf(missing !== null)(`the agent's unit under systemd${missing === null ? "" : ` (${missing})`}`, () => {
  let base: string;
  let github: SimulatedGitHub;
  let controller: FakeController;
  let metadata: MetadataStandIn;
  let systemd: SystemdHouse;

  beforeEach(async () => {
    base = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-systemd-")));
    github = await startSimulatedGitHub({ repositories: ["acme/widgets"], longPollMs: 1_000 });
    controller = new FakeController(STAND_IN_DOCUMENT);
    await controller.start();
    metadata = await startMetadataStandIn();
    metadata.target = "InService";
    install();
    const text = AGENT_UNIT_TEXT.replaceAll(AGENT_HOME, join(base, "home"));
    const variable = `Environment=AWS_EC2_METADATA_SERVICE_ENDPOINT=${metadata.url}`;
    systemd = await startSystemd(base, { [UNIT]: text.replace("[Service]\n", `[Service]\n${variable}\n`) });
    systemd.systemctl("start", UNIT);
    await controller.waitFor("a parked agent", () => controller.last()?.phase === "parked");
  });

  afterEach(async () => {
    await systemd.end();
    metadata.close();
    await controller.stop();
    await github.close();
    rmSync(base, { recursive: true, force: true });
  });

  /** As the installer leaves it. */
  function install(): void {
    const home = join(base, "home");
    for (const folder of ["bin", "agent"]) mkdirSync(join(home, folder), { recursive: true });
    symlinkSync(process.execPath, join(home, "bin", "node"));
    symlinkSync(join(ROOT, "src/agent/main.ts"), join(home, "agent", AGENT_START));
    createRunnerFolder(join(base, "runner"));
    chmodSync(base, 0o755);
    const settings = {
      provider: "asg",
      pool: "linux",
      controllerUrl: controller.url,
      controllerId: "main",
      directory: join(home, "state"),
      volatileDirectory: join(base, "run"),
      runnerDirectory: join(base, "runner"),
      runnerUser: userInfo().username,
      runnerEnvironment: {},
    };
    writeFileSync(join(home, "settings.json"), JSON.stringify(settings));
  }

  /** A job that goes on until it is let go. */
  async function runJob() {
    const { encodedJitConfig } = github.registerRunner({
      scope: { kind: "organization", organization: "acme" },
      name: "member-1",
      labels: ["self-hosted"],
      groupId: 1,
      isEphemeral: true,
    });
    const gate = join(base, "go-on");
    const step = `while [ ! -e ${gate} ]; do sleep 0.05; done`;
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

  it("waits in `systemctl stop` for the job, in a scope that the stop does not reach, and ends then", async () => {
    const { ticket, jobId, finish } = await runJob();
    const scopes = systemd.systemctl("list-units", "--type=scope", "--plain", "--no-legend");
    expect(scopes).toContain(`Holdfast runner of ticket ${ticket.id}`);
    systemd.systemctl("stop", "--no-block", UNIT);
    await controller.waitFor("an agent that leaves", () => controller.last()?.phase === "leaving");
    const agentPid = show("MainPID");
    expect([show("ActiveState"), show("MainPID"), show("TimeoutStopUSec")]).toEqual([
      "deactivating",
      agentPid,
      "infinity",
    ]);
    expect(github.jobs().find(({ id }) => id === jobId)?.status).toBe("in_progress");
    expect(await finish()).toMatchObject({ conclusion: "success" });
    await eventually("the unit's end", () => show("ActiveState") === "inactive");
    expect(controller.endOf(ticket.id)).toEqual({ kind: "spent" });
    expect(show("Result")).toBe("success");
  });

  it("starts another agent after the end of one by SIGKILL, and the job goes on", async () => {
    const { ticket, finish } = await runJob();
    const before = show("MainPID");
    const incarnation = controller.checkIns.at(-1)?.incarnation;
    systemd.systemctl("kill", "--signal=SIGKILL", "--kill-whom=main", UNIT);
    await controller.waitFor("another agent", () => controller.checkIns.at(-1)?.incarnation !== incarnation);
    expect(show("MainPID")).not.toBe(before);
    expect(await finish()).toMatchObject({ conclusion: "success" });
    await controller.waitFor("its end", () => controller.endOf(ticket.id));
    expect(controller.endOf(ticket.id)).toEqual({ kind: "spent" });
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
