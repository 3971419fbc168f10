/** The unit that users install: what of it keeps jobs alive, and what systemd itself says of it. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const UNIT = join(ROOT, "deploy", "systemd", "holdfast.service");
/** On systemd's scale of 0 (shut in) to 10. */
const EXPOSURE_MAX = 2;
const text = readFileSync(UNIT, "utf8");
const folder = mkdtempSync(join(tmpdir(), "holdfast-unit-"));
afterAll(() => rmSync(folder, { recursive: true }));

const settings = new Map(
  text
    .split("\n")
    .filter((line) => /^[A-Z]\w+=/.test(line))
    .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
);

describe("the controller's unit", () => {
  it("ends the controller alone, gives it time to write down what is under way, and starts it again for ever", () => {
    expect(settings.get("KillMode")).toBe("process");
    expect(Number(settings.get("TimeoutStopSec"))).toBeGreaterThan(60);
    expect(settings.get("Restart")).toBe("always");
    expect(settings.get("StartLimitIntervalSec")).toBe("0");
  });

  it("runs what a checkout has after `npm ci`, as the guide installs it", () => {
    const [node = "", , program = ""] = settings.get("ExecStart")?.split(" ") ?? [];
    const inCheckout = (path: string) => join(ROOT, path.replace("/opt/holdfast/", ""));
    expect(node.startsWith("/opt/holdfast/") && existsSync(inCheckout(node)), node).toBe(true);
    expect(program.startsWith("/opt/holdfast/") && existsSync(inCheckout(program)), program).toBe(true);
    const guide = readFileSync(join(ROOT, "docs", "guide", "install-ec2.md"), "utf8");
    for (const named of [
      "/opt/holdfast",
      "/etc/holdfast/holdfast.yaml",
      "/var/lib/holdfast",
      "deploy/systemd/holdfast.service",
    ])
      expect(guide).toContain(named);
  });

  // Skipped: where there is no systemd-analyze, nobody can say what systemd takes.
  it.skipIf(spawnSync("systemd-analyze", ["--version"]).status !== 0)("is taken by systemd without a word", () => {
    const file = join(folder, "holdfast.service");
    const here = text.replaceAll("/opt/holdfast/", `${ROOT}/`).replace("User=holdfast", "User=root");
    writeFileSync(file, here.replace("Group=holdfast", "Group=root"));
    const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" });
    const said = `${stdout}${stderr}`.split("\n").filter((line) => line.includes("holdfast"));
    expect({ status, said }).toEqual({ status: 0, said: [] });
  });

  // Skipped: where there is no systemd-analyze, or one that reads no unit from a file.
  it.skipIf(spawnSync("systemd-analyze", ["security", "--offline=yes", UNIT]).status !== 0)(
    `leaves little open: at most ${EXPOSURE_MAX} of 10`,
    () => {
      const { stdout } = spawnSync("systemd-analyze", ["security", "--offline=yes", "--no-pager", UNIT], {
        encoding: "utf8",
      });
      const [, exposure] = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout) ?? [];
      expect(Number(exposure)).toBeLessThanOrEqual(EXPOSURE_MAX);
    },
  );
});
