import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type InitCommand, type InitMeans, runInit } from "../../../src/app/commands/init.ts";
import { readConfig } from "../../../src/app/config/read.ts";
import { emptyFolder, person, testMeans, writeIn } from "../init/init-means.ts";
import { openScreen, type Screen } from "./screen.ts";

const MADE = ["admin-token", "holdfast.yaml", "token-key", "webhook-secret"];

/** A folder with a token in a file, beside which Holdfast is set up. */
function newPlace(): { readonly folder: string; readonly flags: InitCommand } {
  const folder = emptyFolder();
  const tokenFile = writeIn(folder, "github-token", "ghp_SECRETOFGITHUB\n");
  const config = join(folder, "holdfast.yaml");
  return { folder, flags: { config, organization: "acme", webhooksUrl: "https://holdfast.acme.com", tokenFile } };
}

async function init(flags: InitCommand, means: Partial<InitMeans> = {}, io: Screen = openScreen()) {
  return { code: await runInit(flags, io, testMeans(means)), io };
}

const textOf = (folder: string, name: string) => readFileSync(join(folder, name), "utf8");

describe("a setup without anybody to ask", () => {
  it("leaves a configuration that is read as it was meant", async () => {
    const { folder, flags } = newPlace();
    expect((await init(flags)).code).toBe(0);
    const config = await readConfig(flags.config, {});
    expect(config).toMatchObject({
      controllerId: "acme-ci",
      storeAddress: `sqlite:${join(folder, "holdfast.db")}`,
      urls: { webhooks: "https://holdfast.acme.com", agents: "http://127.0.0.1:8080" },
      listen: { webhooks: { host: "127.0.0.1", port: 8080 } },
      operators: [{ name: "admin", role: "operator", token: textOf(folder, "admin-token").trim() }],
    });
    expect([...config.connections.values()]).toMatchObject([
      {
        name: "main",
        apiUrl: "https://api.github.com",
        demand: "webhooks",
        auth: { kind: "token", token: "ghp_SECRETOFGITHUB" },
        webhookSecrets: [textOf(folder, "webhook-secret").trim()],
      },
    ]);
    expect(config.pools).toMatchObject([
      {
        policy: { name: "linux", scope: { kind: "organization", organization: "acme" }, machineCountMax: 4 },
        runner: { directory: "/opt/runner" },
        provider: { kind: "process", workDirectory: join(folder, "machines") },
      },
    ]);
    expect(textOf(folder, "holdfast.yaml")).toContain("token: { file: ./github-token }");
  });

  it("makes files that only their owner reads, each with a secret of its own", async () => {
    const { folder, flags } = newPlace();
    await init(flags);
    expect(readdirSync(folder).toSorted()).toEqual([...MADE, "github-token"].toSorted());
    for (const name of MADE) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    const secrets = ["token-key", "webhook-secret", "admin-token"].map((name) => textOf(folder, name).trim());
    expect(new Set(secrets).size).toBe(3);
    for (const secret of secrets) expect(secret).toMatch(/^[a-z0-9]{64}$/);
  });

  it("says what is left to do, at GitHub and here, and which commands come next", async () => {
    const { folder, flags } = newPlace();
    const { io } = await init(flags, {}, openScreen({ isTTY: false }));
    for (const text of [
      "https://github.com/settings/tokens",
      "Organization: Self-hosted runners, read and write",
      "https://github.com/organizations/acme/settings/hooks",
      "address: https://holdfast.acme.com/webhooks/github",
      "into /opt/runner",
      `holdfast check --config ${flags.config}`,
      `holdfast serve --config ${flags.config}`,
      `holdfast status --config ${flags.config} --token-file ${join(folder, "admin-token")}`,
    ])
      expect(io.out()).toContain(text);
  });

  it("reads well at 80 columns", async () => {
    const { folder, flags } = newPlace();
    const { io } = await init(flags);
    await expect(io.out().replaceAll(folder, "/etc/holdfast")).toMatchFileSnapshot("golden/init-token-80.txt");
  });

  it("says nothing of a runner that is there", async () => {
    const { folder, flags } = newPlace();
    mkdirSync(join(folder, "runner", "bin"), { recursive: true });
    writeIn(folder, "runner/bin/Runner.Listener", "");
    expect((await init({ ...flags, runnerDirectory: "./runner" })).io.out()).not.toContain("GitHub's runner");
  });

  it.each([{ json: false }, { json: true }])("shows no secret, with %j", async ({ json }) => {
    const { folder, flags } = newPlace();
    const { io } = await init({ ...flags, json });
    for (const name of ["token-key", "webhook-secret", "admin-token", "github-token"])
      expect(io.out() + io.err()).not.toContain(textOf(folder, name).trim());
  });

  it("tells a program the same", async () => {
    const { folder, flags } = newPlace();
    const { io } = await init({ ...flags, json: true });
    expect(JSON.parse(io.out())).toMatchObject({
      config: flags.config,
      files: [flags.config, ...["token-key", "webhook-secret", "admin-token"].map((name) => join(folder, name))].map(
        (path) => ({ path, purpose: expect.any(String) }),
      ),
      controllerId: "acme-ci",
      app: null,
      permissions: [
        { name: "organization_self_hosted_runners", level: "write" },
        { name: "actions", level: "read" },
        { name: "metadata", level: "read" },
      ],
      commands: [expect.stringContaining("check"), expect.any(String), expect.any(String)],
    });
  });
});

describe("what is written", () => {
  it.each<readonly [string, Partial<InitCommand>]>([
    [
      "an enterprise and no webhooks",
      { organization: undefined, enterprise: "big", webhooksUrl: undefined, demand: "poll" },
    ],
    [
      "repositories of a server of one's own",
      { organization: undefined, repositories: "acme/a.b, acme/*", githubUrl: "ghe.acme.com" },
    ],
    ["every address of this computer", { listen: "0.0.0.0:8080" }],
    ["every address, and no webhooks", { listen: "[::]:8080", webhooksUrl: undefined, demand: "poll" }],
    ["labels that YAML would take for something else", { labels: "yes,1.0,null,a: b,#c,- d,[e,{f},'g',\"h\",i*" }],
    ["folders with spaces and quotes", { workDirectory: "/srv/my 'machines' #1", runnerDirectory: "~/x: y" }],
  ])("is taken back as it was meant: %s", async (_, changed) => {
    const { flags } = newPlace();
    const { code, io } = await init({ ...flags, ...changed });
    expect(io.err()).toBe("");
    expect(code).toBe(0);
    const [pool] = (await readConfig(flags.config, {})).pools;
    if (changed.labels !== undefined) expect(pool?.policy.labels).toEqual(changed.labels.split(","));
    if (changed.workDirectory !== undefined)
      expect(pool?.provider).toEqual({ kind: "process", workDirectory: changed.workDirectory });
  });

  it("names an App's key that is elsewhere by its whole path", async () => {
    const { flags } = newPlace();
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
    const privateKeyFile = writeIn(emptyFolder(), "elsewhere.pem", pem);
    const { code, io } = await init({ ...flags, tokenFile: undefined, appId: "77", privateKeyFile });
    expect(code).toBe(0);
    expect(io.out()).toContain("Repository: Actions, read-only");
    const [connection] = (await readConfig(flags.config, {})).connections.values();
    expect(connection?.auth).toEqual({ kind: "app", appId: 77, privateKeyPem: pem });
  });
});

describe("a setup that cannot be finished", () => {
  it("leaves nothing where the configuration would not be taken, and tells each problem", async () => {
    const { folder, flags } = newPlace();
    writeFileSync(join(folder, "github-token"), "two words");
    const { code, io } = await init({ ...flags, labels: "a,A" });
    expect(code).toBe(2);
    expect(io.err()).toMatch(/nothing was written/);
    expect(io.err()).toMatch(/github\.main\.token\.file/);
    expect(io.err()).toMatch(/pools\[0\]\.labels\[1\]/);
    expect(io.err()).not.toContain("two words");
    expect(readdirSync(folder)).toEqual(["github-token"]);
  });

  it("leaves nothing when it is stopped", async () => {
    const { folder, flags } = newPlace();
    const { code, io } = await init(flags, { stop: AbortSignal.abort() });
    expect(code).toBe(1);
    expect(io.err()).toMatch(/stopped; nothing was written/);
    expect(readdirSync(folder)).toEqual(["github-token"]);
  });

  it("replaces nothing: it names what is there, before anybody is asked anything", async () => {
    const { folder, flags } = newPlace();
    writeIn(folder, "holdfast.yaml", "mine");
    const somebody = person({});
    const { code, io } = await init({ config: flags.config }, { prompts: somebody });
    expect(code).toBe(1);
    expect(io.err()).toContain(join(folder, "holdfast.yaml"));
    expect(io.err()).toContain("--force");
    expect(somebody.asked).toEqual([]);
    expect(textOf(folder, "holdfast.yaml")).toBe("mine");
  });

  it("replaces no secret either, and writes none beside it", async () => {
    const { folder, flags } = newPlace();
    writeIn(folder, "token-key", "mine");
    const { code, io } = await init(flags);
    expect(code).toBe(1);
    expect(io.err()).toContain(join(folder, "token-key"));
    expect(readdirSync(folder).toSorted()).toEqual(["github-token", "token-key"]);
  });

  it("replaces all of them by force", async () => {
    const { folder, flags } = newPlace();
    for (const name of MADE) writeIn(folder, name, "old");
    expect((await init({ ...flags, force: true })).code).toBe(0);
    for (const name of MADE) expect(textOf(folder, name)).not.toBe("old");
  });

  it("says where it could not write", async () => {
    const { folder, flags } = newPlace();
    const config = join(folder, "github-token", "holdfast.yaml");
    const { code, io } = await init({ ...flags, config });
    expect(code).toBe(1);
    expect(io.err()).toContain("github-token");
    expect(io.err()).toMatch(/cannot be written/);
  });

  it("is told to a program as its code", async () => {
    const { io } = await init({ config: join(emptyFolder(), "holdfast.yaml"), json: true });
    expect(JSON.parse(io.err())).toMatchObject({ code: "usage", mend: expect.any(String) });
  });
});
