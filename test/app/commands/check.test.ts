import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { runCheck } from "../../../src/app/commands/check.ts";
import { createRunnerFolder } from "../../../src/simulator/runner/folder.ts";
import { makeFolder, SECRETS, soundConfig } from "../config/config-folder.ts";
import { openScreen } from "./screen.ts";

/** @returns the path of a new configuration with its secrets and a runner beside it. */
function write(config: Record<string, unknown>): string {
  const folder = makeFolder();
  createRunnerFolder(join(folder, "runner"));
  const [first, ...others] = config.pools as Record<string, unknown>[];
  const provider = { kind: "process", workDirectory: "./machines" };
  const pools = [{ ...first, runner: { directory: "./runner" }, provider }, ...others];
  const path = join(folder, "holdfast.yaml");
  writeFileSync(path, stringify({ ...config, pools }));
  return path;
}

const broken = () => ({ ...soundConfig(), controllerId: "Not A Name", polls: [] });

describe("a sound configuration", () => {
  it.each([80, 120])("is shown as it was understood, at %i columns", async (columns) => {
    const io = openScreen({ columns });
    const path = write(soundConfig());
    expect(await runCheck(path, {}, io)).toBe(0);
    const folder = path.slice(0, path.lastIndexOf("/"));
    await expect(io.out().replaceAll(folder, "FOLDER")).toMatchFileSnapshot(`golden/check-${columns}.txt`);
  });

  it("shows no secret", async () => {
    const io = openScreen();
    await runCheck(write(soundConfig()), {}, io);
    for (const secret of Object.values(SECRETS)) expect(io.out()).not.toContain(secret.trim());
  });

  it("has no problems as JSON", async () => {
    const io = openScreen();
    const path = write(soundConfig());
    expect(await runCheck(path, { json: true }, io)).toBe(0);
    expect(JSON.parse(io.out())).toEqual({ file: path, problems: [] });
  });
});

describe("a pool that could not launch here", () => {
  it("is a problem with its mend, and exit code 2", async () => {
    const io = openScreen();
    const path = write(soundConfig());
    rmSync(join(path, "..", "runner", "bin"), { recursive: true });
    expect(await runCheck(path, {}, io)).toBe(2);
    expect(io.out()).toMatch(/pools\[0\]\.runner\.directory/);
  });
});

describe("a broken configuration", () => {
  it("is told problem by problem, with exit code 2", async () => {
    const io = openScreen();
    expect(await runCheck(write(broken()), {}, io)).toBe(2);
    expect(io.out()).toMatch(/holdfast\.yaml: 2 problems/);
    expect(io.out()).toMatch(/controllerId/);
    expect(io.out()).toMatch(/-> did you mean `pools`\?/);
  });

  it("is told as JSON", async () => {
    const io = openScreen();
    expect(await runCheck(write(broken()), { json: true }, io)).toBe(2);
    const { problems } = JSON.parse(io.out());
    expect(problems).toHaveLength(2);
    expect(problems[0]).toEqual({ path: expect.any(String), problem: expect.any(String), mend: expect.any(String) });
  });

  it("may not be there at all", async () => {
    const io = openScreen();
    expect(await runCheck("nowhere.yaml", {}, io)).toBe(2);
    expect(io.out()).toMatch(/cannot be read/);
  });
});
