/** What is installed on machines that run jobs: what of it keeps jobs alive, and what systemd itself says of it. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { scopeCommand } from "../../src/agent/scope.ts";
import { parseTicketId } from "../../src/domain/ids.ts";
import { SYSTEM_FILES, writeSystemFiles } from "../../src/domain/instance/system-files.ts";
import { ROOT } from "../house/temp-tree.ts";

const UNIT = join(ROOT, "deploy/systemd/holdfast-agent.service");
const text = readFileSync(UNIT, "utf8");
const hasAnalyze = spawnSync("systemd-analyze", ["--version"]).status === 0;

const settings = (key: string) =>
  text
    .split("\n")
    .filter((line) => line.startsWith(`${key}=`))
    .flatMap((line) => line.slice(key.length + 1).split(" "));
const fileAt = (path: string) => SYSTEM_FILES.find((file) => file.path === path)?.text ?? "";

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-agent-unit-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe("the agent's unit", () => {
  it("ends and restarts the agent alone, waits for its job without a bound, and starts it again for ever", () => {
    const want = {
      Type: "exec",
      KillMode: "process",
      KillSignal: "SIGTERM",
      TimeoutStopSec: "infinity",
      Restart: "always",
      StartLimitIntervalSec: "0",
      OOMPolicy: "continue",
      ManagedOOMPreference: "omit",
    };
    expect(Object.fromEntries(Object.keys(want).map((key) => [key, settings(key).join(" ")]))).toEqual(want);
    expect(Number(settings("OOMScoreAdjust")[0])).toBeLessThanOrEqual(-900);
  });

  it("stops before Docker and the network do, and a runner's scope after it", () => {
    const after = settings("After");
    for (const unit of ["docker.service", "containerd.service", "network-online.target", "network.target"])
      expect(after).toContain(unit);
    const account = { name: "runner", userId: 1, groupId: 1, home: "/" };
    const scope = { ticketId: parseTicketId("t-00000001"), account, systemdVersion: 252, isMetadataClosed: false };
    expect(scopeCommand(scope)).toContain("--property=Before=holdfast-agent.service");
  });

  it("keeps nothing where a reboot or a clean-up of temporary files would take it", () => {
    for (const value of [...settings("ExecStart"), ...settings("Environment")]) expect(value).not.toContain("/tmp");
  });

  // Skipped: where there is no systemd-analyze, nobody can say what systemd takes.
  it.skipIf(!hasAnalyze)("is taken by systemd without a word", () => {
    const file = join(makeFolder(), "holdfast-agent.service");
    // What it runs is not on this machine.
    writeFileSync(file, text.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true"));
    const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" });
    expect([stdout, stderr, status]).toEqual(["", "", 0]);
  });
});

describe("the drop-ins", () => {
  const upgrade = fileAt("/etc/systemd/system/apt-daily-upgrade.service.d/holdfast.conf");

  // Skipped: where there is no systemd-analyze, nobody can say what systemd takes.
  it.skipIf(!hasAnalyze)("are taken by systemd without a word, each with the unit that it is for", () => {
    const folder = makeFolder();
    for (const { path, text: dropIn } of SYSTEM_FILES.filter((file) => file.path.includes("/system/"))) {
      const [, name = "", unit = ""] = /system\/(([^/]+)\.d)\//.exec(path) ?? [];
      if (name === "") continue;
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, "holdfast.conf"), dropIn);
      const body = unit.endsWith(".service") ? "[Service]\nType=oneshot\nExecStart=/bin/true\n" : "[Unit]\n";
      writeFileSync(join(folder, unit), body);
      const file = join(folder, unit);
      const said = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" });
      expect([unit, said.stdout, said.stderr, said.status]).toEqual([unit, "", "", 0]);
    }
  });

  it.each<[string, number, boolean]>([
    ["while a runner is there", 0, false],
    ["while none is", 1, true],
    ["where that cannot be told", 127, false],
  ])("let an upgrade run %s: pgrep %i", (_name, status, runs) => {
    const folder = makeFolder();
    writeFileSync(join(folder, "pgrep"), `#!/bin/sh\nexit ${status}\n`, { mode: 0o755 });
    const [, script = ""] = /^ExecCondition=\/bin\/sh -c '(.*)'$/m.exec(upgrade) ?? [];
    // systemd makes one of two dollars.
    const ran = spawnSync("/bin/sh", ["-c", script.replaceAll("$$", "$")], { env: { PATH: folder } });
    expect(ran.status === 0).toBe(runs);
  });

  it("name the listener as the kernel shows it", () => {
    expect(upgrade).toContain("pgrep -x Runner.Listener ");
    expect("Runner.Listener".length).toBeLessThanOrEqual(15);
  });

  it("keep needrestart, automatic reboots, sessions and the half hour of a shutdown from ending a job", () => {
    expect(fileAt("/etc/needrestart/conf.d/holdfast.conf")).toContain("qr(^holdfast-agent\\.service$)} = 0;");
    expect(fileAt("/etc/apt/apt.conf.d/99holdfast")).toContain('Unattended-Upgrade::Automatic-Reboot "false";');
    expect(fileAt("/etc/systemd/logind.conf.d/holdfast.conf")).toContain("KillUserProcesses=no");
    for (const name of ["reboot", "poweroff"])
      expect(fileAt(`/etc/systemd/system/${name}.target.d/holdfast.conf`)).toContain("JobTimeoutSec=infinity");
  });

  // Skipped: where there is no perl, or no apt, nobody reads these.
  it.skipIf(spawnSync("perl", ["-e", "1"]).status !== 0)("are read by perl, as needrestart does", () => {
    const conf = fileAt("/etc/needrestart/conf.d/holdfast.conf");
    const ask = 'print join(",", map { "docker.service" =~ $_ ? 1 : 0 } sort keys %{$nrconf{override_rc}});';
    const { status, stdout, stderr } = spawnSync("perl", ["-e", `our %nrconf;\n${conf}${ask}`], { encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout.split(",").filter((one) => one === "1")).toHaveLength(1);
  });

  // Skipped: where there is no apt, nobody reads this file.
  it.skipIf(spawnSync("apt-config", ["--version"]).status !== 0)("are read by apt", () => {
    const file = join(makeFolder(), "99holdfast");
    writeFileSync(file, fileAt("/etc/apt/apt.conf.d/99holdfast"));
    const { status, stdout } = spawnSync("apt-config", ["-c", file, "dump"], { encoding: "utf8" });
    expect(status).toBe(0);
    expect(stdout).toContain('Unattended-Upgrade::Automatic-Reboot "false";');
    expect(stdout).toContain('Unattended-Upgrade::Package-Blacklist:: "docker";');
  });
});

it("is one text, whoever writes it: the files of deploy/ are what the shell writes", () => {
  const folder = makeFolder();
  const script = writeSystemFiles().replaceAll(" /etc/", ` ${folder}/etc/`);
  expect(script.replaceAll(`${folder}/etc/`, "")).not.toContain("/etc/");
  expect(spawnSync("sh", ["-eu"], { input: script, encoding: "utf8" }).stderr).toBe("");
  const want = makeFolder();
  cpSync(join(ROOT, "deploy/agent"), want, { recursive: true });
  mkdirSync(join(want, "etc/systemd/system"), { recursive: true });
  cpSync(UNIT, join(want, "etc/systemd/system/holdfast-agent.service"));
  for (const { path } of SYSTEM_FILES)
    expect([dirname(path), readFileSync(join(folder, path), "utf8")]).toEqual([
      dirname(path),
      readFileSync(join(want, path), "utf8"),
    ]);
});
