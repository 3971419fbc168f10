import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { agentBundle } from "../../src/app/agent-bundle.ts";

function unpack(): string {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bundle-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "agent.tar.gz");
  writeFileSync(file, agentBundle().bytes);
  const { status, stderr } = spawnSync("tar", ["-xzf", file, "-C", folder], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return folder;
}

describe("the agent's bundle", () => {
  it("is named by the hash of its bytes, and they are the same each time", () => {
    const { bytes, sha256 } = agentBundle();
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(sha256);
    expect(agentBundle().bytes).toBe(bytes);
  });

  it("holds all that the agent needs to start, and nothing of the controller", () => {
    const folder = unpack();
    const { entry } = agentBundle();
    const { status, stderr } = spawnSync(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", join(folder, entry)],
      {
        encoding: "utf8",
        env: { HOLDFAST_AGENT_SETTINGS: join(folder, "none.json") },
      },
    );
    expect(stderr).toMatch(/reading the agent's settings .*none\.json/);
    expect(stderr).not.toMatch(/ERR_MODULE_NOT_FOUND|SyntaxError/);
    expect(status).not.toBe(0);
    for (const program of ["launcher", "watchdog"]) expect(existsSync(join(folder, `agent/${program}.ts`))).toBe(true);
    for (const room of ["store", "controllers", "adapters", "app"]) expect(existsSync(join(folder, room))).toBe(false);
  });
});
