/** The whole command, its adapter and its webhook address against a GitHub of our own, over real sockets. */
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Hono } from "hono";
import { describe, expect, it, onTestFinished } from "vitest";
import { stringify } from "yaml";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { systemParts } from "../../../src/app/check/everything.ts";
import type { Finding } from "../../../src/app/check/finding.ts";
import { runCheck } from "../../../src/app/commands/check.ts";
import { parseConnectionName } from "../../../src/domain/ids.ts";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { listen } from "../../../src/http/server.ts";
import { createWebhookApp } from "../../../src/http/webhooks.ts";
import { createRunnerFolder } from "../../../src/simulator/runner/folder.ts";
import {
  type SimulatedGitHub,
  type SimulatedGitHubOptions,
  startSimulatedGitHub,
} from "../../../src/simulator/server/simulated-github.ts";
import { DeliveryLog } from "../../../src/store/deliveries/log.ts";
import { openStore } from "../../../src/store/store.ts";
import { recordTelemetry, recordWakes } from "../../http/stand-ins.ts";
import { openScreen } from "../commands/screen.ts";
import { makeFolder, PRIVATE_KEY, SECRETS, soundConfig } from "../config/config-folder.ts";

const APP_ID = 4_711;
const WAIT_MS = 20 * SECOND_MS;
const PUBLIC_KEY = createPublicKey(PRIVATE_KEY).export({ type: "spki", format: "pem" }).toString();
const SECRET = SECRETS["webhook-secret"];
const PERMISSIONS = { actions: "read", metadata: "read", organization_self_hosted_runners: "write" };

type AppGiven = Partial<NonNullable<NonNullable<SimulatedGitHubOptions["github"]>["apps"]>[number]>;

async function startGitHub(app: AppGiven = {}, options: SimulatedGitHubOptions = {}): Promise<SimulatedGitHub> {
  const installations = [{ id: 1, account: "acme" }];
  const one = {
    id: APP_ID,
    slug: "holdfast-ci",
    publicKey: PUBLIC_KEY,
    permissions: PERMISSIONS,
    installations,
    ...app,
  };
  const given = { ...options, github: { ...options.github, apps: [one] } };
  const github = await startSimulatedGitHub({ repositories: ["acme/widgets"], ...given });
  onTestFinished(() => github.close());
  return github;
}

/** Where GitHub delivers, as `holdfast serve` would have it. */
async function openWebhooks(secret: string): Promise<string> {
  const clock = systemClock();
  const store = await openStore("sqlite::memory:");
  const app = createWebhookApp({
    connections: new Map([[parseConnectionName("main"), { webhookSecrets: [secret] }]]),
    deliveries: new DeliveryLog(store, clock),
    store,
    clock,
    wake: recordWakes(),
    telemetry: recordTelemetry(),
  });
  const listener = await listen(app, { host: "127.0.0.1", port: 0 }, "webhooks", clock);
  onTestFinished(async () => {
    await listener.close();
    await store.close();
  });
  return `http://127.0.0.1:${listener.port}`;
}

async function findClosedAddress(): Promise<string> {
  const listener = await listen(new Hono(), { host: "127.0.0.1", port: 0 }, "webhooks", systemClock());
  await listener.close();
  return `http://127.0.0.1:${listener.port}`;
}

/** Queues a job that the pool takes, and waits until GitHub tried to tell of it. */
async function deliverOne(github: SimulatedGitHub, url: string, secret: string = SECRET): Promise<void> {
  github.setWebhook({ url: `${url}/webhooks/github`, secret });
  github.queueJob({ repository: "acme/widgets", labels: ["self-hosted", "linux"], name: "build", steps: [] });
  const isTried = () => github.deliveries().every(({ status }) => status !== "pending");
  await github.waitFor("every delivery tried", isTried, WAIT_MS);
}

interface Setup {
  readonly url: string;
  readonly connection?: Record<string, unknown>;
  readonly pool?: Record<string, unknown>;
}

/** Runs the command on a configuration for this GitHub. */
async function check(github: Pick<SimulatedGitHub, "apiUrl">, { url, connection = {}, pool = {} }: Setup) {
  const folder = makeFolder();
  createRunnerFolder(join(folder, "runner"));
  const sound = soundConfig();
  const main = {
    apiUrl: github.apiUrl,
    app: { id: APP_ID, privateKeyFile: "app.pem" },
    webhookSecretFiles: ["webhook-secret"],
    ...connection,
  };
  const pools = [{ ...sound.pools[0], runner: { directory: "./runner" }, ...pool }];
  const path = join(folder, "holdfast.yaml");
  writeFileSync(path, stringify({ ...sound, urls: url, github: { main }, pools }));
  const io = openScreen();
  const exitCode = await runCheck(path, { json: true }, io, systemParts(systemClock(), {}));
  const { findings, problems } = JSON.parse(io.out()) as { findings: readonly Finding[]; problems: readonly unknown[] };
  expect(problems).toEqual([]);
  const of = (severity: Finding["severity"]) => findings.filter((finding) => finding.severity === severity);
  return { exitCode, errors: of("error"), warnings: of("warning"), findings };
}

describe("a new setup", () => {
  it("is found sound, and nothing is changed by looking", async () => {
    const github = await startGitHub();
    const url = await openWebhooks(SECRET);
    await deliverOne(github, url);
    const { exitCode, errors, warnings, findings } = await check(github, { url });
    expect([errors, warnings]).toEqual([[], []]);
    expect(exitCode).toBe(0);
    expect(findings.map(({ area }) => area)).toEqual(
      expect.arrayContaining(["connection main", "webhook main", "jobs main"]),
    );
    expect(findings.map(({ finding }) => finding)).toContain("1 job waits for a pool that takes it, in 1 repository");
    expect(github.runners("ended-too")).toEqual([]);
    expect(github.deliveries().every(({ attempts }) => attempts.length === 1)).toBe(true);
  });

  it("may be one with a classic token", async () => {
    const github = await startGitHub({}, { tokens: [SECRETS["github-token"].trim()] });
    const url = await openWebhooks(SECRET);
    const place = { kind: "organization", organization: "acme" } as const;
    github.addHook(place, { url: `${url}/webhooks/github`, secret: SECRET });
    const isTried = () => github.deliveries().every(({ status }) => status === "delivered");
    await github.waitFor("the ping", isTried, WAIT_MS);
    const connection = { app: undefined, token: { file: "github-token" } };
    const { errors, warnings, exitCode } = await check(github, { url, connection });
    expect([errors, warnings]).toEqual([[], []]);
    expect(exitCode).toBe(0);
  });
});

describe("what is wrong with a new setup is named, each with its mend", () => {
  it("a wrong key", async () => {
    const another = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;
    const github = await startGitHub({ publicKey: another.export({ type: "spki", format: "pem" }).toString() });
    const { errors, exitCode } = await check(github, { url: "http://127.0.0.1:1" });
    expect(exitCode).toBe(1);
    expect(errors).toMatchObject([{ code: "github-unauthorized", path: "github.main.app.privateKeyFile" }]);
    expect(errors[0]?.finding).toMatch(/not a key of the App 4711/);
    expect(errors[0]?.mend).toMatch(/generate a private key/);
  });

  it("a wrong App id", async () => {
    const github = await startGitHub();
    const connection = { app: { id: APP_ID + 1, privateKeyFile: "app.pem" } };
    const { errors, exitCode } = await check(github, { url: "http://127.0.0.1:1", connection });
    expect(exitCode).toBe(1);
    expect(errors).toHaveLength(1);
    expect(errors[0]?.path).toMatch(/^github\.main\.app\./);
    expect(errors[0]?.mend).toMatch(/github\.main\.app\.id/);
  });

  it("a wrong secret", async () => {
    const github = await startGitHub();
    const url = await openWebhooks(SECRET);
    await deliverOne(github, url, "another secret than ours");
    const { errors, exitCode } = await check(github, { url });
    expect(exitCode).toBe(1);
    expect(errors).toMatchObject([
      { area: "webhook main", path: "github.main.webhookSecretFiles", code: "unauthorized" },
    ]);
    expect(errors[0]?.mend).toMatch(/Set the webhook's secret/);
  });

  it("a missing permission", async () => {
    const { organization_self_hosted_runners: _runners, ...permissions } = PERMISSIONS;
    const github = await startGitHub({ permissions });
    const url = await openWebhooks(SECRET);
    await deliverOne(github, url);
    const { errors, exitCode } = await check(github, { url });
    expect(exitCode).toBe(1);
    expect(errors).toMatchObject([{ area: "connection main", path: "github.main.app", code: "github-forbidden" }]);
    expect(errors[0]?.finding).toMatch(/lacks the permission Organization: Self-hosted runners, read and write/);
    expect(errors[0]?.mend).toMatch(/Permissions & events/);
  });

  it("a permission that was never accepted", async () => {
    const { actions: _actions, ...permissions } = PERMISSIONS;
    const github = await startGitHub({ installations: [{ id: 1, account: "acme", permissions }] });
    const url = await openWebhooks(SECRET);
    await deliverOne(github, url);
    const { errors } = await check(github, { url });
    expect(errors).toMatchObject([
      { finding: expect.stringMatching(/acme has granted the App less .* Repository: Actions/) },
    ]);
    expect(errors[0]?.mend).toMatch(/accept the new permissions/);
  });

  it.each([
    ["at which nothing listens", false],
    ["behind a gateway that cannot reach it", true],
  ])("an address that GitHub does not reach, %s", async (_name, isBehindGateway) => {
    const github = await startGitHub();
    const url = isBehindGateway ? await openWebhooks(SECRET) : await findClosedAddress();
    if (isBehindGateway) github.failDeliveries({ fraction: 1, seed: 1, statusCode: 502 });
    await deliverOne(github, url);
    const { errors, exitCode } = await check(github, { url });
    expect(exitCode).toBe(1);
    expect(errors).toMatchObject([{ area: "webhook main", path: "urls.webhooks" }]);
    expect(errors[0]?.finding).toMatch(/GitHub does not reach the address|server error/);
    expect(errors[0]?.mend).toMatch(/holdfast serve/);
  });

  it("a webhook that leads elsewhere", async () => {
    const github = await startGitHub();
    const url = await openWebhooks(SECRET);
    await deliverOne(github, url);
    const { errors } = await check(github, { url: `${url}/deeper` });
    expect(errors).toMatchObject([
      { finding: `the webhook leads to ${url}/webhooks/github, not to ${url}/deeper/webhooks/github` },
    ]);
  });

  it("an App that is not installed, or suspended", async () => {
    const github = await startGitHub({ installations: [] });
    const url = await openWebhooks(SECRET);
    github.setWebhook({ url: `${url}/webhooks/github`, secret: SECRET });
    const { errors } = await check(github, { url });
    expect(errors).toMatchObject([{ code: "github-not-installed", path: "pools[0].scope.organization" }]);
    github.installApp(APP_ID, "acme");
    github.setInstallation(APP_ID, "acme", { isSuspended: true });
    expect((await check(github, { url })).errors).toMatchObject([{ code: "github-suspended" }]);
  });

  it("a runner group that is not there", async () => {
    const github = await startGitHub();
    const url = await openWebhooks(SECRET);
    await deliverOne(github, url);
    const { errors } = await check(github, { url, pool: { runnerGroup: "gpu" } });
    expect(errors).toMatchObject([{ code: "github-group-unknown", path: "pools[0].runnerGroup" }]);
  });

  it("labels that no pool has", async () => {
    const github = await startGitHub();
    const url = await openWebhooks(SECRET);
    github.queueJob({ repository: "acme/widgets", labels: ["self-hosted", "linux", "gpu"], name: "train", steps: [] });
    await deliverOne(github, url);
    const { warnings, exitCode } = await check(github, { url });
    expect(exitCode).toBe(0);
    expect(warnings).toMatchObject([
      { area: "jobs main", mend: expect.stringMatching(/nearest pool, linux, lacks gpu/) },
    ]);
  });

  it("a clock that is wrong", async () => {
    const github = await startGitHub({}, { clockOffsetMs: 5 * MINUTE_MS });
    const { findings } = await check(github, { url: "http://127.0.0.1:1" });
    expect(findings).toContainEqual(expect.objectContaining({ code: "github-clock-skew" }));
  });

  it("an address at which there is no GitHub", async () => {
    const github = await startGitHub();
    const { apiUrl } = github;
    await github.close();
    const { errors, exitCode } = await check({ apiUrl }, { url: "http://127.0.0.1:1" });
    expect(exitCode).toBe(1);
    expect(errors).toMatchObject([{ code: "github-unavailable", path: "github.main.apiUrl" }]);
    expect(errors[0]?.finding).toMatch(/nothing can be reached/);
  });
});
