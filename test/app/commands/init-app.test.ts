/** The whole way of a new App: `holdfast init`, a browser, the simulated GitHub, and what the written key is worth. */
import { createHmac } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createGitHubConnection } from "../../../src/adapters/github/connection.ts";
import { createFetch } from "../../../src/adapters/network/fetch.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { silentTelemetry } from "../../../src/app/check/silent-telemetry.ts";
import { runCheck } from "../../../src/app/commands/check.ts";
import { type InitCommand, type InitMeans, runInit } from "../../../src/app/commands/init.ts";
import { readConfig } from "../../../src/app/config/read.ts";
import { createRunnerFolder } from "../../../src/simulator/runner/folder.ts";
import { type SimulatedGitHub, startSimulatedGitHub } from "../../../src/simulator/server/simulated-github.ts";
import { startReceiver, type WebhookReceiver } from "../../simulator/webhook-receiver.ts";
import { browse, emptyFolder, heldClock, person, pressButton, testMeans, writeIn } from "../init/init-means.ts";
import { openScreen } from "./screen.ts";

const WAIT_MS = 10_000;

let github: SimulatedGitHub;
let receiver: WebhookReceiver;

beforeEach(async () => {
  github = await startSimulatedGitHub({ repositories: ["acme/widgets"] });
  receiver = await startReceiver();
});

afterEach(async () => {
  await github.close();
  await receiver.close();
});

function flagsIn(folder: string): InitCommand {
  const webhooksUrl = new URL(receiver.url).origin;
  const config = join(folder, "holdfast.yaml");
  return { config, githubUrl: github.apiUrl, organization: "acme", createApp: true, webhooksUrl };
}

/** The person says yes to the browser, which then goes where `visit` takes it. */
async function init(flags: InitCommand, visit: (address: string) => unknown, given: Partial<InitMeans> = {}) {
  const visited: unknown[] = [];
  const io = openScreen();
  const code = await runInit(
    flags,
    io,
    testMeans({
      prompts: person({}),
      clock: heldClock(),
      createFetch: (caPem) => createFetch({ caPem, proxy: null, environment: {} }),
      openBrowser: (address) => visited.push(visit(address)),
      ...given,
    }),
  );
  await Promise.all(visited);
  return { code, io, text: io.out() + io.err() };
}

const textOf = (folder: string, name: string) => readFileSync(join(folder, name), "utf8");

describe("a new App", () => {
  it("signs in with what was written, once it is installed", async () => {
    const folder = emptyFolder();
    const flags = flagsIn(folder);
    const { code, io } = await init(flags, browse);
    expect(io.err()).toBe("");
    expect(code).toBe(0);
    const config = await readConfig(flags.config, {});
    const [connection] = config.connections.values();
    if (connection?.auth.kind !== "app") throw new Error("no App was written");
    expect(connection.webhookSecrets).toEqual([textOf(folder, "webhook-secret").trim()]);
    expect(statSync(join(folder, "app.pem")).mode & 0o777).toBe(0o600);

    github.installApp(connection.auth.appId, "acme");
    const { access } = createGitHubConnection({
      ...connection,
      connection: connection.name,
      clock: systemClock(),
      telemetry: silentTelemetry,
    });
    expect(await access.describe()).toMatchObject({
      kind: "app",
      slug: "holdfast-acme-ci",
      permissions: { organization_self_hosted_runners: "write", actions: "read", metadata: "read" },
      events: ["workflow_job"],
      installations: [{ account: "acme" }],
    });
  });

  it("has its webhook signed with the secret that was written", async () => {
    const folder = emptyFolder();
    await init(flagsIn(folder), browse);
    const secret = textOf(folder, "webhook-secret").trim();
    const [connection] = (await readConfig(join(folder, "holdfast.yaml"), {})).connections.values();
    if (connection?.auth.kind !== "app") throw new Error("no App was written");
    github.installApp(connection.auth.appId, "acme");
    github.queueJob({ repository: "acme/widgets", labels: ["self-hosted"], steps: [] });
    const arrived = () => receiver.received.find(({ event }) => event === "workflow_job");
    const delivery = await github.waitFor("the job's event", arrived, WAIT_MS);
    const hmac = createHmac("sha256", secret).update(delivery.body).digest("hex");
    expect(delivery.headers["x-hub-signature-256"]).toBe(`sha256=${hmac}`);
  });

  it("shows where to install it, and none of its secrets", async () => {
    const folder = emptyFolder();
    const { text } = await init(flagsIn(folder), browse);
    expect(text).toContain("/holdfast-acme-ci/installations/new");
    const secrets = ["app.pem", "webhook-secret", "token-key", "admin-token"].map((name) => textOf(folder, name));
    for (const secret of secrets) for (const line of secret.trim().split("\n")) expect(text).not.toContain(line);
  });

  it("is found sound by `holdfast check`, once it is installed and the runner is there", async () => {
    const folder = emptyFolder();
    createRunnerFolder(join(folder, "runner"));
    const flags = { ...flagsIn(folder), runnerDirectory: "./runner" };
    await init(flags, browse);
    const [app] = github.apps().filter(({ slug }) => slug === "holdfast-acme-ci");
    github.installApp(app?.id ?? 0, "acme");
    const io = openScreen();
    const code = await runCheck(flags.config, { json: true }, io);
    const { findings } = JSON.parse(io.out());
    expect(findings.filter(({ severity }: { readonly severity: string }) => severity === "error")).toEqual([]);
    expect(code).toBe(0);
  });

  it("is told to a program with its numbers", async () => {
    const folder = emptyFolder();
    const address = Promise.withResolvers<string>();
    const io = openScreen();
    const stderr = {
      write: (text: string) => {
        const found = /http:\/\/127\.0\.0\.1:\d+\/\w+/.exec(text)?.[0];
        if (found !== undefined) address.resolve(found);
      },
    };
    const means = testMeans({ createFetch: (caPem) => createFetch({ caPem, proxy: null, environment: {} }) });
    const run = runInit({ ...flagsIn(folder), json: true }, { ...io, stderr }, means);
    await browse(await address.promise);
    expect(await run).toBe(0);
    const [app] = github.apps().filter(({ slug }) => slug === "holdfast-acme-ci");
    expect(JSON.parse(io.out()).app).toMatchObject({ id: app?.id, slug: app?.slug });
  });
});

describe("a registration that goes wrong", () => {
  it("because the code was used leaves nothing, and says what to do", async () => {
    const folder = emptyFolder();
    const { code, io } = await init(flagsIn(folder), async (address) => {
      const pressed = await pressButton(address);
      await fetch(`${github.apiUrl}/app-manifests/${pressed.code}/conversions`, { method: "POST" });
      await fetch(pressed.back);
    });
    expect(code).toBe(1);
    expect(io.err()).toMatch(/used already/);
    expect(io.err()).toMatch(/--app-id/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("because the way back bears another state takes no App", async () => {
    const folder = emptyFolder();
    const clock = heldClock();
    const { code, io } = await init(
      flagsIn(folder),
      async (address) => {
        const { back } = await pressButton(address);
        back.searchParams.set("state", "0".repeat(32));
        expect((await fetch(back)).status).toBe(400);
        clock.release();
      },
      { clock },
    );
    expect(code).toBe(1);
    expect(io.err()).toMatch(/within 10 minutes/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("because it is stopped leaves nothing", async () => {
    const folder = emptyFolder();
    const stop = new AbortController();
    const { code, io } = await init(flagsIn(folder), () => stop.abort(), { stop: stop.signal });
    expect(code).toBe(1);
    expect(io.err()).toMatch(/stopped; nothing was written/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("after the App is there names the App, so that it is not forgotten", async () => {
    const folder = emptyFolder();
    const { code, io } = await init(flagsIn(folder), (address) => {
      writeIn(folder, "token-key", "came in between");
      return browse(address);
    });
    expect(code).toBe(1);
    expect(io.err()).toContain("holdfast-acme-ci");
    expect(io.err()).toMatch(/--app-id \d+/);
    expect(readdirSync(folder)).toEqual(["token-key"]);
  });

  it("on this computer asks GitHub for nothing", async () => {
    const folder = emptyFolder();
    const { code } = await init({ ...flagsIn(folder), labels: "a,A" }, () => {
      throw new Error("the browser is not needed");
    });
    expect(code).toBe(2);
    expect(readdirSync(folder)).toEqual([]);
  });
});
