/** The installer in a real shell, over folders of the test's own: what it leaves, what it refuses, what it never touches. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseSettings } from "../../src/agent/settings.ts";
import { AGENT_UNIT_TEXT } from "../../src/domain/instance/agent-unit.ts";
import { SYSTEM_FILES } from "../../src/domain/instance/system-files.ts";
import { InstallerStage } from "./installer-stage.ts";

const SHELLS = [["sh"], ["dash"], ["bash", "--posix"], ["busybox", "sh"]].filter(
  ([command = ""]) => spawnSync("which", [command]).status === 0,
);

let stage: InstallerStage;
beforeEach(() => {
  stage = new InstallerStage();
});
afterEach(() => rmSync(stage.base, { recursive: true, force: true }));

const at = (path: string) => join(stage.root, path);

describe.each(SHELLS)("in %s %s", (...shell) => {
  beforeEach(() => {
    stage.shell = shell.filter((word) => word !== undefined);
  });

  it("installs agent, Node, unit, drop-ins and settings, and enables the unit without starting anything", () => {
    expect(stage.install()).toMatchObject({ status: 0, said: expect.stringContaining("holdfast: installed\n") });
    expect(existsSync(at("opt/holdfast/agent/start"))).toBe(true);
    expect(readFileSync(at("opt/holdfast/agent/start"), "utf8")).toContain("The agent's entry.");
    expect(readFileSync(at("opt/holdfast/bin/node"), "utf8")).toContain("echo v24");
    for (const { path, text } of SYSTEM_FILES) expect([path, readFileSync(at(path), "utf8")]).toEqual([path, text]);
    expect(parseSettings(JSON.parse(readFileSync(at("opt/holdfast/settings.json"), "utf8")))).toEqual({
      provider: "asg",
      pool: "linux",
      controllerId: "main",
      controllerUrl: "http://10.0.0.5:8081",
      directory: "/opt/holdfast/state",
      volatileDirectory: "/run/holdfast",
      runnerDirectory: "/opt/actions-runner",
      runnerUser: "runner",
      runnerEnvironment: { NOTE: "it's $HOME" },
    });
    expect(stage.calls()).toEqual([`--quiet --root=${stage.root} enable holdfast-agent.service`]);
  });

  it("changes nothing the second time, not even a file's time", () => {
    stage.install();
    const before = stage.tree();
    expect(stage.install()).toEqual({ status: 0, said: "holdfast: all is as it should be\n" });
    expect(stage.tree()).toEqual(before);
  });

  it("changes nothing by --check, and tells what it would, and when there is nothing to do", () => {
    const before = stage.tree();
    const { status, said } = stage.install(["--check"]);
    expect(status).toBe(1);
    for (const { path } of SYSTEM_FILES) expect(said).toContain(`holdfast: would change ${path}\n`);
    expect(stage.tree()).toEqual(before);
    expect(stage.calls()).toEqual([]);
    stage.install();
    expect(stage.install(["--check"])).toEqual({ status: 0, said: "holdfast: all is as it should be\n" });
    writeFileSync(at("etc/systemd/system/holdfast-agent.service"), AGENT_UNIT_TEXT.replace("infinity", "90"));
    expect(stage.install(["--check"])).toEqual({
      status: 1,
      said: "holdfast: would change /etc/systemd/system/holdfast-agent.service\n",
    });
  });
});

describe("a refusal changes nothing, and says what to do", () => {
  const service = (execStart: string) => `[Service]\nExecStart=${execStart}\n`;
  it.each<[string, () => unknown, RegExp]>([
    [
      "a runner's service by svc.sh",
      () => stage.write("etc/systemd/system/actions.runner.acme.one.service", service("/r/runsvc.sh")),
      /actions\.runner\.acme\.one\.service\. A stop of it sends SIGINT, which cancels its job; 30 seconds later/,
    ],
    [
      "a unit of somebody's own around runsvc.sh",
      () => stage.write("usr/lib/systemd/system/ci.service", service("/bin/sh -c 'exec /r/bin/runsvc.sh'")),
      /a runner has a service of its own here: ci\.service/,
    ],
    [
      "a unit that starts the listener itself",
      () => stage.write("etc/systemd/system/ci.service", service("/r/bin/Runner.Listener run")),
      /mend: once it runs no job: svc\.sh uninstall in its folder, or: systemctl disable --now ci\.service/,
    ],
    [
      "a unit around run.sh",
      () => stage.write("etc/systemd/system/ci.service", service("/opt/actions-runner/run.sh")),
      /ci\.service/,
    ],
    ["a registered runner", () => stage.write("opt/actions-runner/.runner", "{}"), /is registered: there is \.runner/],
    ["its credentials", () => stage.write("opt/actions-runner/.credentials", "{}"), /there is \.credentials/],
    [
      "no runner",
      () => rmSync(at("opt/actions-runner"), { recursive: true }),
      /there is no runner in \/opt\/actions-runner[\s\S]*mend: unpack a release/,
    ],
    [
      "a runner without Node 24",
      () => rmSync(at("opt/actions-runner/externals"), { recursive: true }),
      /has no Node 24 of its own/,
    ],
    ["no such user", () => stage.write("etc/passwd", "root:x:0:0::/root:/bin/sh\n"), /there is no user runner/],
    ["a user who is root", () => stage.write("etc/passwd", "runner:x:0:0::/root:/bin/sh\n"), /is root/],
  ])("%s", (_name, make, wanted) => {
    make();
    const before = stage.tree();
    for (const words of [[], ["--check"], ["--image"]]) {
      const { status, said } = stage.install(words);
      expect(status).toBe(2);
      expect(said).toMatch(wanted);
      expect(said.match(/refused/g)).toHaveLength(said.match(/mend/g)?.length ?? 0);
    }
    expect(stage.tree()).toEqual(before);
    expect(stage.calls()).toEqual([]);
  });

  it.each(["/tmp/actions-runner", "/var/tmp/runner", "/run/runner"])(
    "a runner in %s, which a reboot empties",
    (folder) => {
      expect(stage.install([], { runnerDirectory: folder })).toMatchObject({
        status: 2,
        said: expect.stringContaining(`the runner's folder ${folder} is one that systems empty`),
      });
    },
  );

  it("names each of several, and not what is masked or somebody else's", () => {
    stage.write("etc/systemd/system/actions.runner.acme.one.service", service("/r/runsvc.sh"));
    stage.write("opt/actions-runner/.runner", "{}");
    stage.write("etc/systemd/system/harmless.service", `# svc.sh is not started here\n${service("/usr/bin/mysvc.sh")}`);
    symlinkSync("/dev/null", at("etc/systemd/system/actions.runner.acme.two.service"));
    const { said } = stage.install();
    expect(said.match(/refused/g)).toHaveLength(2);
    expect(said).not.toMatch(/harmless|acme\.two/);
  });

  it.each([["--force"], ["install"], ["--root="], ["--root=relative"]])("an argument that there is not: %s", (word) => {
    const { status, said } = stage.installHere([word]);
    expect([status, said]).toEqual([2, expect.stringContaining("usage: install.sh")]);
  });

  it("half of the script", () => {
    const body = stage.script().slice(stage.script().indexOf("# Installs Holdfast's agent"));
    writeFileSync(join(stage.base, "half.sh"), body);
    const { status, stderr } = spawnSync("sh", [join(stage.base, "half.sh")], { encoding: "utf8" });
    expect(status).not.toBe(0);
    expect(stderr).toContain("holdfast install-script POOL prints the whole one");
  });
});

describe("the agent that is fetched", () => {
  it("is not taken where it is another one, and nothing of it stays", () => {
    const { status, said } = stage.install([], { bundle: { ...stage.bundle, sha256: "0".repeat(64) } });
    expect(status).toBe(1);
    expect(said).toContain("is not what this script was printed for: print it anew");
    expect(existsSync(at("opt/holdfast/agent"))).toBe(false);
    expect(Object.keys(stage.tree()).filter((name) => name.includes("tar.gz"))).toEqual([]);
    expect(stage.calls()).toEqual([]);
  });

  it("that cannot be had ends it with where it was asked for", () => {
    const url = `${stage.bundle.url}.gone`;
    const { status, said } = stage.install([], { bundle: { ...stage.bundle, url } });
    expect([status, said]).toEqual([1, expect.stringContaining(`failed: fetching ${url}`)]);
  });

  it("takes the place of an earlier one, which keeps its files until the one after it", () => {
    stage.install();
    const first = stage.bundle.sha256;
    for (const [count, name] of ["second", "third"].entries()) {
      const { status } = stage.install([], { bundle: stage.bundleOf(name) });
      expect(status).toBe(0);
      const { sha256 } = stage.bundleOf(name);
      expect(readFileSync(at("opt/holdfast/agent/start"), "utf8")).toBe(`${name}\n`);
      expect(stage.tree()["opt/holdfast/agent"]).toBe(`-> agents/${sha256}`);
      expect(existsSync(at(`opt/holdfast/agents/${first}`))).toBe(count === 0);
    }
  });

  it("takes the place of a folder that a boot script made", () => {
    stage.write("opt/holdfast/agent/agent/main.ts", "before");
    expect(stage.install().status).toBe(0);
    expect(stage.tree()["opt/holdfast/agent"]).toBe(`-> agents/${stage.bundle.sha256}`);
    expect(stage.tree()["opt/holdfast/agents/first/agent/main.ts"]).toContain("before");
  });
});

describe("an image", () => {
  it("keeps nothing by which its machines would be taken for the one that it was made of", () => {
    stage.write("opt/holdfast/state/i-0123456789abcdef0/journal.jsonl", "{}\n");
    stage.write("run/holdfast/instance.json", "{}");
    expect(stage.install(["--image"]).status).toBe(0);
    const left = Object.keys(stage.tree()).filter((name) =>
      /^opt\/holdfast\/state|^run\/holdfast|holdfast-new|tar\.gz/.test(name),
    );
    expect(left).toEqual([]);
    expect(readFileSync(at("opt/holdfast/settings.json"), "utf8")).not.toMatch(/machineId|providerId|i-0/);
  });

  it("keeps it without --image: the machine goes on", () => {
    const path = "opt/holdfast/state/i-0123456789abcdef0/journal.jsonl";
    stage.write(path, "{}\n");
    stage.install();
    expect(existsSync(at(path))).toBe(true);
  });
});

describe("on a machine that runs", () => {
  const isRoot = process.getuid?.() === 0;

  // Skipped: the installer refuses whoever is not root, as the last of these shows for them.
  describe.skipIf(!isRoot)("as root", () => {
    it("starts the unit where it is not there yet", () => {
      expect(stage.installHere()).toMatchObject({ status: 0 });
      expect(stage.calls()).toEqual([
        "daemon-reload",
        "--quiet enable holdfast-agent.service",
        "start --no-block holdfast-agent.service",
      ]);
    });

    it("starts a changed agent again by killing its process alone: no stop, no restart, no signal to a runner", async () => {
      stage.installHere();
      const [agent, runner] = [spawn("sleep", ["60"]), spawn("sleep", ["60"])];
      writeFileSync(join(stage.base, "active"), "");
      writeFileSync(join(stage.base, "pid"), String(agent.pid));
      const ended = once(agent, "exit");
      const before = stage.calls().length;
      expect(stage.installHere([], { bundle: stage.bundleOf("second") }).status).toBe(0);
      expect(await ended).toEqual([null, "SIGKILL"]);
      expect([runner.exitCode, runner.signalCode]).toEqual([null, null]);
      expect(stage.calls().slice(before)).toEqual(["daemon-reload", "--quiet enable holdfast-agent.service"]);
      runner.kill("SIGKILL");
    });

    it("leaves the agent alone where nothing of it changed, or by --check", async () => {
      stage.installHere();
      const agent = spawn("sleep", ["60"]);
      writeFileSync(join(stage.base, "active"), "");
      writeFileSync(join(stage.base, "pid"), String(agent.pid));
      expect(stage.installHere().said).toBe("holdfast: all is as it should be\n");
      expect(stage.installHere(["--check"], { bundle: stage.bundleOf("second") }).status).toBe(1);
      expect([agent.exitCode, agent.signalCode]).toEqual([null, null]);
      agent.kill("SIGKILL");
      await once(agent, "exit");
    });

    it("refuses to make an image of a machine that the agent works on", () => {
      stage.installHere();
      writeFileSync(join(stage.base, "active"), "");
      expect(stage.installHere(["--image"])).toMatchObject({
        status: 2,
        said: expect.stringContaining("the agent runs here"),
      });
    });

    it("enables the unit in an image that is made here, and starts nothing", () => {
      expect(stage.installHere(["--image"]).status).toBe(0);
      expect(stage.calls()).toEqual(["daemon-reload", "--quiet enable holdfast-agent.service"]);
    });
  });

  it("refuses where a runner runs that it did not start", () => {
    writeFileSync(join(stage.base, "listener"), "");
    expect(stage.installHere(["--check"])).toMatchObject({
      status: 2,
      said: expect.stringContaining("a runner runs here that Holdfast did not start"),
    });
  });

  it("refuses a systemd that would end a unit for one process without memory", () => {
    stage.stub("systemctl", 'echo "systemd 239 (239-82.el8)"');
    expect(stage.installHere(["--check"])).toMatchObject({
      status: 2,
      said: expect.stringContaining("systemd is 239, and before 243"),
    });
  });

  // Skipped: as root it is not refused.
  it.skipIf(isRoot)("refuses whoever is not root", () => {
    expect(stage.installHere()).toMatchObject({ status: 2, said: expect.stringContaining("this is not root") });
  });
});
