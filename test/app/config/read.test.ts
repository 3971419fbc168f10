import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/units.ts";
import { failureIn, makeFolder, PRIVATE_KEY, readIn, SECRETS, soundConfig } from "./config-folder.ts";

describe("what is read", () => {
  it("the shipped example, whole", async () => {
    const folder = makeFolder();
    const example = readFileSync(join(import.meta.dirname, "../../../holdfast.example.yaml"), "utf8");
    const config = await readIn(folder, example);
    expect({ ...config, tokenKey: Buffer.from(config.tokenKey).toString() }).toEqual({
      controllerId: "ci-eu",
      storeAddress: `sqlite:${join(folder, "holdfast.db")}`,
      listen: {
        webhooks: { host: "0.0.0.0", port: 8080 },
        agents: { host: "0.0.0.0", port: 8081 },
        operators: { host: "127.0.0.1", port: 8082 },
        tls: null,
        trustedProxies: [],
      },
      traces: null,
      urls: { webhooks: "https://holdfast.acme.com", agents: "https://holdfast.ci.internal", operators: null },
      tokenKey: SECRETS["token-key"],
      connections: new Map([
        [
          "main",
          {
            name: "main",
            apiUrl: "https://api.github.com",
            auth: { kind: "app", appId: 123456, privateKeyPem: PRIVATE_KEY },
            network: { caPem: null, proxy: null },
            demand: "webhooks",
            webhookSecrets: ["SECRETOFWEBHOOK"],
          },
        ],
      ]),
      operators: [
        { name: "alice", role: "operator", token: "SECRETOFALICE0123" },
        { name: "everyone", role: "reader", token: null },
      ],
      pools: [
        {
          policy: {
            name: "linux",
            connection: "main",
            scope: { kind: "organization", organization: "acme" },
            acceptRepositories: null,
            labels: ["self-hosted", "linux", "x64"],
            runnerGroup: "Default",
            requiredLabels: [],
            priority: 0,
            mode: "run",
            machineCountMax: 8,
            jobsPerMachine: 1,
            warmParkedCount: 1,
            warmStoppedCount: 0,
            warmRegisteredCount: 0,
            readyTicketCount: 0,
            maxAgeMs: null,
            deadlines: {
              bootMs: 5 * MINUTE_MS,
              onlineMs: 2 * MINUTE_MS,
              idleTicketMs: 2 * MINUTE_MS,
              lostHostMs: 20 * MINUTE_MS,
              unknownMs: 6 * HOUR_MS,
            },
            rerun: null,
            settingsHash: expect.stringMatching(/^[0-9a-f]{16}$/),
          },
          runner: { directory: "/opt/runner", environment: {} },
          provider: { kind: "process", workDirectory: join(folder, "machines") },
        },
      ],
    });
  });

  it("defaults", async () => {
    const folder = makeFolder();
    const { operators: _operators, ...rest } = soundConfig();
    const config = await readIn(folder, rest);
    const address = { host: "127.0.0.1", port: 8080 };
    expect(config).toMatchObject({
      storeAddress: `sqlite:${join(folder, "holdfast.db")}`,
      listen: { webhooks: address, agents: address, operators: address, tls: null, trustedProxies: [] },
      urls: { webhooks: "http://127.0.0.1:8080", agents: "http://127.0.0.1:8080", operators: null },
      operators: [],
    });
    expect(config.connections.get("main" as never)).toMatchObject({
      apiUrl: "https://api.github.com",
      auth: { kind: "token", token: "ghp_SECRETOFGITHUB" },
      network: { caPem: null, proxy: null },
      demand: "webhooks",
    });
    expect(config.pools[0]?.policy).toMatchObject({
      runnerGroup: "Default",
      jobsPerMachine: 1,
      warmParkedCount: 0,
      warmStoppedCount: 0,
      warmRegisteredCount: 0,
      readyTicketCount: 0,
      maxAgeMs: null,
      priority: 0,
      mode: "run",
      deadlines: {
        bootMs: 5 * MINUTE_MS,
        onlineMs: 2 * MINUTE_MS,
        idleTicketMs: 2 * MINUTE_MS,
        lostHostMs: 20 * MINUTE_MS,
        unknownMs: 6 * HOUR_MS,
      },
      rerun: null,
    });
  });

  it("lost jobs that run again, with and without a label that asks not to", async () => {
    const rerunOf = async (rerun: object) => {
      const config = soundConfig();
      Object.assign(config.pools[0], { labels: ["self-hosted", "no-rerun"], rerun });
      return (await readIn(makeFolder(), config)).pools[0]?.policy.rerun;
    };
    expect(await rerunOf({ lostJobs: true, exceptLabel: "no-rerun" })).toEqual({ exceptLabel: "no-rerun" });
    expect(await rerunOf({ lostJobs: true })).toEqual({ exceptLabel: null });
    expect(await rerunOf({ lostJobs: false })).toBeNull();
  });

  it("short forms, slashes at the end, several secrets, repositories", async () => {
    const config = soundConfig();
    Object.assign(config, { listen: "[::]:9000", urls: "https://holdfast.acme.com/ci/", store: "sqlite::memory:" });
    config.github.main.webhookSecretFiles.push("old-webhook-secret");
    config.github.main.apiUrl = "https://ghe.acme.com/api/v3/";
    Object.assign(config.pools[0], { scope: { repositories: ["acme/*"] }, accept: { repositories: ["acme/a"] } });
    config.pools[0].deadlines = { boot: "1h30m", online: "90s" };
    const read = await readIn(makeFolder(), config);
    expect(read.listen.agents).toEqual({ host: "::", port: 9000 });
    expect(read.urls.agents).toBe("https://holdfast.acme.com/ci");
    expect(read.storeAddress).toBe("sqlite::memory:");
    expect(read.connections.get("main" as never)).toMatchObject({
      apiUrl: "https://ghe.acme.com/api/v3",
      webhookSecrets: ["SECRETOFWEBHOOK", "OLDSECRETOFWEBHOOK"],
    });
    expect(read.pools[0]?.policy).toMatchObject({
      scope: { kind: "repositories", repositories: ["acme/*"] },
      acceptRepositories: ["acme/a"],
      deadlines: { bootMs: 90 * MINUTE_MS, onlineMs: 1.5 * MINUTE_MS },
    });
  });
});

describe("secrets from the environment", () => {
  const bare = () => {
    const config = soundConfig();
    delete config.tokenKeyFile;
    config.github = { "acme-eu": {} };
    config.pools[0].github = "acme-eu";
    delete config.operators[0].tokenFile;
    return config;
  };
  const variables = {
    HOLDFAST_TOKEN_KEY: "k".repeat(32),
    HOLDFAST_GITHUB_ACME_EU_TOKEN: "ghp_SECRET",
    HOLDFAST_GITHUB_ACME_EU_WEBHOOK_SECRET: "hook",
    HOLDFAST_OPERATOR_ALICE_TOKEN: "0123456789abcdef",
  };

  it("each named after its key", async () => {
    const config = await readIn(makeFolder(), bare(), variables);
    expect(Buffer.from(config.tokenKey).toString()).toBe("k".repeat(32));
    expect(config.connections.get("acme-eu" as never)).toMatchObject({
      auth: { kind: "token", token: "ghp_SECRET" },
      webhookSecrets: ["hook"],
    });
    expect(config.operators[0]?.token).toBe("0123456789abcdef");
  });

  it("a private key, with its line ends written as \\n", async () => {
    const config = bare();
    config.github["acme-eu"] = { app: { id: 7 } };
    const { HOLDFAST_GITHUB_ACME_EU_TOKEN: _token, ...rest } = variables;
    const key = PRIVATE_KEY.replaceAll("\n", "\\n");
    const read = await readIn(makeFolder(), config, { ...rest, HOLDFAST_GITHUB_ACME_EU_PRIVATE_KEY: key });
    expect(read.connections.get("acme-eu" as never)?.auth).toEqual({
      kind: "app",
      appId: 7,
      privateKeyPem: PRIVATE_KEY,
    });
  });

  it("never beside a file, so that it is plain which one counts", async () => {
    const environment = {
      HOLDFAST_TOKEN_KEY: "SECRET",
      HOLDFAST_GITHUB_MAIN_TOKEN: "SECRET",
      HOLDFAST_GITHUB_MAIN_WEBHOOK_SECRET: "SECRET",
      HOLDFAST_OPERATOR_ALICE_TOKEN: "SECRET",
    };
    const { problems } = await failureIn(makeFolder(), soundConfig(), environment);
    expect(problems).toHaveLength(4);
    for (const { problem, mend } of problems) {
      expect(problem).toMatch(/^is set, and the variable HOLDFAST_\w+ is too$/);
      expect(mend).toBe("keep one of them");
    }
  });

  it("an empty variable is none", async () => {
    const { problems } = await failureIn(makeFolder(), bare(), { ...variables, HOLDFAST_TOKEN_KEY: "" });
    expect(problems).toMatchObject([{ path: "tokenKeyFile", problem: "is missing" }]);
  });
});
