import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import type { Ec2ProviderOptions } from "../../../src/adapters/ec2/settings.ts";
import { bootScript, encodeUserData } from "../../../src/adapters/ec2/user-data.ts";
import { handClock, optionsAt, settingsAt } from "./stage.ts";

const options = (changes: Partial<Ec2ProviderOptions["host"]> = {}): Ec2ProviderOptions => {
  const sound = optionsAt(settingsAt("http://ec2.test"), handClock());
  return { ...sound, host: { ...sound.host, ...changes } };
};
const DOWNLOAD = { url: "https://mirror.test/it's runner.tar.gz", sha256: "ab".repeat(32), version: "2.336.0" };

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
    for (const line of ["KillMode=process", "Restart=always", "TimeoutStopSec=infinity", "OOMPolicy=continue"])
      expect(bootScript(options())).toContain(`\n${line}\n`);
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

  it("is the script alone where nobody else has any", () => {
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
