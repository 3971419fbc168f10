/** `holdfast install-script`: from the file alone, for groups alone. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { agentBundle } from "../../../src/app/agent-bundle.ts";
import { runInstallScript } from "../../../src/app/commands/install-script.ts";
import { makeFolder, SECRETS, soundConfig } from "../config/config-folder.ts";
import { openScreen } from "./screen.ts";

const GROUP = { kind: "asg", region: "eu-central-1", group: "ci-runners", identityCertificateFile: "cert.pem" };

function write(provider: object): string {
  const config = soundConfig();
  config.urls = { webhooks: "https://holdfast.acme.com", agents: "http://10.0.0.5:8081" };
  const user = "group" in provider ? { user: "ci" } : {};
  Object.assign(config.pools[0], { provider, runner: { directory: "/opt/actions-runner", ...user } });
  const path = join(makeFolder(), "holdfast.yaml");
  writeFileSync(path, stringify(config));
  return path;
}

describe("holdfast install-script", () => {
  it("prints a whole script with the pool's values, the agent of this version, and no secret", async () => {
    const screen = openScreen();
    expect(await runInstallScript("linux", write(GROUP), screen)).toBe(0);
    const script = screen.out();
    const { sha256 } = agentBundle();
    expect(script).toMatch(/^#!\/bin\/sh\n# Printed by `holdfast install-script linux`/);
    expect(script).toContain(`bundle_url='http://10.0.0.5:8081/agent/v1/bundle/${sha256}.tar.gz'\n`);
    expect(script).toContain(`bundle_sha256='${sha256}'\n`);
    expect(script).toContain("runner='/opt/actions-runner'\nrunner_user='ci'\n");
    for (const secret of Object.values(SECRETS)) expect(script).not.toContain(secret.trim());
    expect(spawnSync("sh", ["-n"], { input: script, encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  });

  it.each<[string, string, object, RegExp]>([
    ["a pool that there is not", "moon", GROUP, /has no pool "moon"[\s\S]*Name a pool of kind asg: linux/],
    [
      "a pool of another kind",
      "linux",
      { kind: "process", workDirectory: "./machines" },
      /is of kind process, whose machines install the agent by themselves[\s\S]*Add a pool of kind asg/,
    ],
  ])("refuses %s", async (_name, pool, provider, wanted) => {
    const screen = openScreen();
    const path = write(provider);
    expect(await runInstallScript(pool, path, screen)).toBe(2);
    expect([screen.out(), screen.err()]).toEqual(["", expect.stringMatching(wanted)]);
  });
});
