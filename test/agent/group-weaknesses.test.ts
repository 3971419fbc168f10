/**
 * The host's share of what remained weak in the best published attempt to make a group wait for its jobs
 * (infrahouse/puppet-code #265, terraform-aws-actions-runner 4.2.0), by the numbers of the catalogue in docs/design/asg.md.
 * Those of the controllers are in test/controllers/group-weaknesses, those of the calls in test/adapters/asg/weaknesses.
 * That `systemctl stop` cancels nothing is shown under a real systemd: test/end-to-end/agent-unit.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { instanceGround } from "../../src/agent/instance.ts";
import { InstanceMetadata } from "../../src/agent/instance-metadata.ts";
import { scopeCommand } from "../../src/agent/scope.ts";
import { type System, system } from "../../src/agent/system.ts";
import { agentBundle } from "../../src/app/agent-bundle.ts";
import { installScript } from "../../src/app/agent-installer.ts";
import type { InstanceSettings } from "../../src/domain/host/settings.ts";
import { parseControllerId, parsePoolName, parseTicketId } from "../../src/domain/ids.ts";
import { AGENT_HOME, AGENT_UNIT_TEXT, AGENT_VOLATILE } from "../../src/domain/instance/agent-unit.ts";
import { HOUR_MS, SECOND_MS } from "../../src/domain/units.ts";
import { Disk } from "../../src/simulator/host/disk.ts";
import { ROOT } from "../house/temp-tree.ts";
import { HostScene } from "../simulator/host/host-scene.ts";
import { startMetadataStandIn } from "./metadata-stand-in.ts";

const MEMBER = { signedIdentity: "signed", isMember: true };
const POOL = { controllerId: parseControllerId("main"), pool: parsePoolName("linux") };

async function serve(scene: HostScene, disk = new Disk()) {
  const host = scene.agentHost(undefined, MEMBER, disk);
  host.leadTo("InService");
  await scene.run(15_000);
  return host;
}

describe("1: a job that lands in the window after the group's decision is not cancelled", () => {
  const HALF_SECONDS = Array.from({ length: 30 }, (_, index) => index / 2);

  it.each([...HALF_SECONDS])("%s s after it: it runs to its end, or stays GitHub's to give", async (afterSeconds) => {
    const scene = new HostScene({ seed: 1 + 2 * afterSeconds, jobMs: 21_000 * SECOND_MS });
    const host = await serve(scene);
    scene.controller.offer(scene.mint().ticket);
    await scene.runTo("session of runner-1 opened");
    await scene.run(5_000);
    host.leadTo("Terminated");
    await scene.run(afterSeconds * SECOND_MS);
    const job = scene.queue();
    await scene.run(6 * HOUR_MS);
    expect(scene.witnessed.filter((one) => /cancelled|killed by \S+ with job \d/.test(one))).toEqual([]);
    const [end] = scene.controller.ended;
    if (end === "spent") expect(job.phase).toMatchObject({ conclusion: "success" });
    else expect([end, job.phase.kind]).toEqual(["handed-back", "queued"]);
  });

  it("both come to pass in these", async () => {
    const ends = new Set<string | undefined>();
    for (const afterSeconds of [0, 14]) {
      const scene = new HostScene({ seed: 1, jobMs: 60_000 });
      const host = await serve(scene);
      scene.controller.offer(scene.mint().ticket);
      await scene.runTo("session of runner-1 opened");
      if (afterSeconds === 0) scene.queue();
      await scene.run(5_000);
      host.leadTo("Terminated");
      await scene.run(200_000);
      ends.add(scene.controller.ended[0]);
    }
    expect(ends).toEqual(new Set(["spent", "handed-back"]));
  });
});

describe("5: a machine does not report itself unhealthy, and so is not replaced under its job", () => {
  it("with a full disk and an agent that keeps ending, its job goes on", async () => {
    const scene = new HostScene({ jobMs: 30 * 60_000 });
    const host = await serve(scene);
    const job = scene.queue();
    scene.controller.offer(scene.mint().ticket);
    await scene.runTo("Worker");
    host.fillDisk(10 * 60_000);
    for (let count = 0; count < 5; count += 1) {
      host.crashAgent();
      await scene.run(60_000);
    }
    await scene.run(HOUR_MS);
    expect(job.phase).toMatchObject({ conclusion: "success" });
    expect(scene.isGone).toBe(false);
  });

  it("nothing of ours, on the machine or off it, sets anybody's health", () => {
    const sources = ["src/agent", "src/adapters", "src/controllers", "src/domain", "src/app", "deploy"].flatMap(
      filesBelow,
    );
    expect(sources.length).toBeGreaterThan(300);
    expect(
      sources.filter((path) => /SetInstanceHealthCommand|set-instance-health/.test(readFileSync(path, "utf8"))),
    ).toEqual([]);
  });
});

function filesBelow(folder: string): readonly string[] {
  const entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

describe("9: a start asks nothing that can be throttled, and no failure of it is the last", () => {
  /** Its pauses take no time. */
  const quick: System = { ...system, sleep: () => new Promise((resolve) => setImmediate(resolve)) };

  it("asks the machine's own metadata alone, and waits out a failure of it", async () => {
    const metadata = await startMetadataStandIn();
    const base = mkdtempSync(join(tmpdir(), "holdfast-start-"));
    onTestFinished(() => {
      metadata.close();
      rmSync(base, { recursive: true, force: true });
    });
    metadata.isAway = true;
    let tryCount = 0;
    const sleep: System["sleep"] = () => {
      tryCount += 1;
      metadata.isAway = tryCount < 3;
      return quick.sleep(0);
    };
    const settings: InstanceSettings = {
      ...POOL,
      provider: "asg",
      controllerUrl: "http://127.0.0.1:9",
      directory: join(base, "state"),
      volatileDirectory: join(base, "run"),
      runnerDirectory: "/opt/runner",
      runnerUser: userInfo().username,
      runnerEnvironment: {},
    };
    const of = new InstanceMetadata({ AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url }, { ...quick, sleep });
    const ground = await instanceGround(settings, { metadata: of, bootId: "boot-1", system: quick });
    expect([tryCount, ground.isMember]).toEqual([3, true]);
  });

  it("is tried again for ever: its unit is never given up", () => {
    expect(AGENT_UNIT_TEXT).toMatch(/^Restart=always$/m);
    expect(AGENT_UNIT_TEXT).toMatch(/^StartLimitIntervalSec=0$/m);
    expect(AGENT_UNIT_TEXT).not.toMatch(/^(OnFailure|StartLimitAction|FailureAction)=/m);
  });
});

describe("11: a job gains nothing over its peers by what its machine may do", () => {
  const files = gunzipSync(agentBundle().bytes).toString("latin1");

  it("the agent calls nobody but the metadata and the controller: it knows no credentials and no AWS", () => {
    expect(files).not.toMatch(/security-credentials|amazonaws|aws-sdk|AWS_ACCESS_KEY|x-amz-/i);
    const imported = [...files.matchAll(/\bfrom "([^"]+)"/g)].map(([, name = ""]) => name);
    expect(imported.length).toBeGreaterThan(100);
    expect(imported.filter((name) => !/^(node:|\.{1,2}\/)/.test(name))).toEqual([]);
  });

  it("the metadata, and with it the machine's identity, is closed to jobs where no role is there for them", () => {
    const account = { name: "runner", userId: 1_001, groupId: 1_001, home: "/home/runner" };
    const scope = { ticketId: parseTicketId("t-00000001"), account, systemdVersion: 252, isMetadataClosed: true };
    expect(scopeCommand(scope)).toContain("--property=IPAddressDeny=169.254.169.254/32");
  });

  it("what is installed holds no secret, and the same for all of a pool", () => {
    const bundle = { url: "http://10.0.0.5:8081/agent.tar.gz", sha256: "ab".repeat(32), entry: "agent/main.ts" };
    const parts = {
      ...POOL,
      controllerUrl: "http://10.0.0.5:8081",
      runnerDirectory: "/opt/runner",
      runnerUser: "runner",
    };
    const script = installScript({ ...parts, runnerEnvironment: {}, bundle });
    expect(script).not.toMatch(/token|secret|password|credential(?!s\b)|machineId/i);
  });
});

describe("15: nothing that a reboot empties holds what a machine needs", () => {
  it("program, settings and journal are in a folder that stays, and on tmpfs is what must not outlive the boot", () => {
    expect(AGENT_HOME).toMatch(/^\/opt\//);
    expect(AGENT_VOLATILE).toMatch(/^\/run\//);
    expect(AGENT_UNIT_TEXT.replace(/^#.*$/gm, "")).not.toMatch(/\/tmp|\/var\/tmp/);
  });

  it("a member that was rebooted takes jobs again: no registration was kept that could be gone", async () => {
    const disk = new Disk();
    const scene = new HostScene();
    const first = await serve(scene, disk);
    scene.controller.offer(scene.mint().ticket);
    const done = scene.queue();
    await scene.run(120_000);
    expect(done.phase).toMatchObject({ conclusion: "success" });
    first.end({ by: "fault", kind: "reboot" });
    await serve(scene, disk.reboot());
    const job = scene.queue();
    scene.controller.offer(scene.mint("runner-2", "t-00000002").ticket);
    await scene.run(120_000);
    expect(job.phase).toMatchObject({ conclusion: "success" });
  });
});
