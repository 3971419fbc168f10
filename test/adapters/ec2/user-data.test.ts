import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Ec2ProviderOptions } from "../../../src/adapters/ec2/settings.ts";
import { bootScript, encodeUserData } from "../../../src/adapters/ec2/user-data.ts";
import { parseSettings } from "../../../src/agent/settings.ts";
import { handClock, optionsAt, settingsAt } from "./stage.ts";

const options = (changes: Partial<Ec2ProviderOptions["host"]> = {}): Ec2ProviderOptions => {
  const sound = optionsAt(settingsAt("http://ec2.test"), handClock());
  return { ...sound, host: { ...sound.host, ...changes } };
};
const DOWNLOAD = { url: "https://mirror.test/it's runner.tar.gz", sha256: "ab".repeat(32), version: "2.336.0" };

function unitIn(script: string): string {
  const written = /holdfast-agent\.service <<'HOLDFAST_FILE'\n([\s\S]*?)HOLDFAST_FILE\n/.exec(script);
  return written?.[1] ?? "";
}

describe("the boot script", () => {
  it.each<readonly [string, Partial<Ec2ProviderOptions["host"]>]>([
    ["a runner in the image", {}],
    ["a runner that is fetched", { runnerDownload: DOWNLOAD }],
    [
      "quotes and line ends in what users write",
      { runnerDirectory: "/opt/it's", runnerEnvironment: { A: "x\n'y'\n$z" } },
    ],
  ])("is one that bash reads: %s", (_name, changes) => {
    const { status, stderr } = spawnSync("bash", ["-n"], { input: bootScript(options(changes)), encoding: "utf8" });
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });

  it("checks what it fetches, before it runs it", () => {
    const script = bootScript(options({ runnerDownload: DOWNLOAD }));
    const { bundle } = options();
    const [fetched, verified, unpacked, started] = [
      `fetch "$home/agent.tar.gz" '${bundle.url}'`,
      `verify "$home/agent.tar.gz" ${bundle.sha256}`,
      'tar --extract --gzip --no-same-owner --file "$home/agent.tar.gz"',
      "systemctl enable --now",
    ].map((step) => script.indexOf(step));
    const steps = [fetched ?? -1, verified ?? -1, unpacked ?? -1, started ?? -1];
    expect(steps.every((at) => at > 0)).toBe(true);
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    expect(script).toContain(DOWNLOAD.sha256);
  });

  it("ends, and says so on the console, where a step fails", () => {
    const script = bootScript(options()).replaceAll("/opt/holdfast", "/proc/holdfast");
    const { status, stdout } = spawnSync("bash", [], { input: script, encoding: "utf8" });
    expect(status).not.toBe(0);
    expect(stdout).toMatch(/holdfast: the boot script failed at line \d+/);
  });

  it("runs the agent so that no end of it ends a runner", () => {
    const unit = unitIn(bootScript(options()));
    for (const line of [
      "Type=exec",
      "KillMode=process",
      "Restart=always",
      "StartLimitIntervalSec=0",
      "TimeoutStopSec=infinity",
      "OOMPolicy=continue",
    ])
      expect(unit).toContain(`\n${line}\n`);
  });

  // Skipped: where there is no systemd-analyze, nobody can say what systemd takes.
  it.skipIf(spawnSync("systemd-analyze", ["--version"]).status !== 0)(
    "writes a unit that systemd takes, with nothing in it that it does not know",
    () => {
      const folder = mkdtempSync(join(tmpdir(), "holdfast-unit-"));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      const file = join(folder, "holdfast-agent.service");
      // What it runs is not on this machine.
      writeFileSync(file, unitIn(bootScript(options())).replace(/^ExecStart=\S+/m, "ExecStart=/bin/true"));
      const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], {
        encoding: "utf8",
      });
      expect([stdout, stderr, status]).toEqual(["", "", 0]);
    },
  );

  it("leaves settings that the agent reads", () => {
    const [, written = ""] =
      /settings\.json" <<'HOLDFAST_FILE'\n(.*)\nHOLDFAST_FILE\n/.exec(bootScript(options())) ?? [];
    const { host, controllerId, pool, controllerUrl } = options();
    expect(parseSettings(JSON.parse(written))).toEqual({
      provider: "ec2",
      controllerId,
      pool,
      controllerUrl,
      directory: "/opt/holdfast/state",
      volatileDirectory: "/run/holdfast",
      runnerDirectory: host.runnerDirectory,
      runnerUser: host.runnerUser,
      runnerEnvironment: host.runnerEnvironment,
    });
  });

  it("ends where the image has no such user", () => {
    const own = bootScript(options({ runnerDirectory: "/", runnerUser: "holdfast-nobody-knows" }));
    const script = own.replaceAll("/opt/holdfast", mkdtempSync(join(tmpdir(), "holdfast-boot-")));
    const runner = 'test -x "$runner/bin/Runner.Listener"';
    const { status, stdout } = spawnSync("bash", [], { input: script.replace(runner, "true"), encoding: "utf8" });
    expect([status, stdout]).toEqual([1, "holdfast: there is no user holdfast-nobody-knows\n"]);
  });

  it("is the same for all machines of a pool, and holds no secret", () => {
    const { credentials } = options();
    expect(bootScript(options())).toBe(bootScript(options()));
    expect(bootScript({ ...options(), bundle: options().bundle })).not.toContain(`"${credentials?.secretAccessKey}"`);
    expect(bootScript(options())).not.toMatch(/machineId|identity|token"/);
  });
});

describe("user data", () => {
  const decode = (text: string) => Buffer.from(text, "base64").toString("utf8");

  it("is our script alone where the template of the user has none", () => {
    expect(decode(encodeUserData("#!/bin/bash\n", null))).toBe("#!/bin/bash\n");
  });

  it.each([
    ["a script", "#!/bin/sh\necho theirs", "text/x-shellscript"],
    ["settings of cloud-init", "#cloud-config\npackages: [git]", "text/cloud-config"],
  ])("has both where the template brings its own, theirs first: %s", (_name, own, type) => {
    const joined = decode(encodeUserData("#!/bin/bash\necho ours", Buffer.from(own).toString("base64")));
    expect(joined).toMatch(/^Content-Type: multipart\/mixed; boundary="(.+)"\n/);
    expect(joined).toContain(`Content-Type: ${type}; charset="utf-8"\n\n${own}`);
    expect(joined.indexOf("theirs") < joined.indexOf("ours") || type === "text/cloud-config").toBe(true);
    expect(joined.trimEnd().endsWith("--==holdfast-user-data==--")).toBe(true);
  });

  it("keeps an archive of theirs whole", () => {
    const own = 'Content-Type: multipart/mixed; boundary="x"\n\n--x\nContent-Type: text/plain\n\nhello\n--x--';
    expect(decode(encodeUserData("#!/bin/bash\n", Buffer.from(own).toString("base64")))).toContain(own);
  });

  it("is refused where both are more than EC2 takes", () => {
    const own = Buffer.from(`#!/bin/sh\n${"x".repeat(17_000)}`).toString("base64");
    expect(() => encodeUserData("#!/bin/bash\n", own)).toThrow(/of which EC2 takes 16384/);
  });
});
