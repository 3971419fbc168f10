import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Config } from "../../../src/app/config/config.ts";
import type { Environment } from "../../../src/app/config/environment.ts";
import { CERTIFICATE, makeFolder, readIn, soundConfig, type Written } from "./config-folder.ts";

async function connectionBy(over: Written, environment: Environment = {}) {
  const config = soundConfig();
  Object.assign(config.github.main, over);
  const read: Config = await readIn(makeFolder(), config, environment);
  return read.connections.get("main" as never);
}

describe("the way to GitHub", () => {
  it.each([
    ["github.com", "https://api.github.com/", "https://api.github.com"],
    ["ghe.com", "https://api.acme.ghe.com", "https://api.acme.ghe.com"],
    ["GitHub Enterprise Server", "https://ghe.acme.com/api/v3", "https://ghe.acme.com/api/v3"],
    [
      "GitHub Enterprise Server at its own port",
      "https://ghe.acme.com:8443/api/v3",
      "https://ghe.acme.com:8443/api/v3",
    ],
    ["GitHub Enterprise Server behind a path", "https://acme.com/github/api/v3", "https://acme.com/github/api/v3"],
    ["a simulated one", "http://127.0.0.1:9000/anything", "http://127.0.0.1:9000/anything"],
  ])("%s", async (_name, apiUrl, want) => {
    expect(await connectionBy({ apiUrl })).toMatchObject({ apiUrl: want });
  });

  it("an authority of its own: each certificate of the file, without what stands around them", async () => {
    const connection = await connectionBy({ caFile: "ca.pem" });
    const pem = connection?.network.caPem ?? "";
    expect(pem.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(pem).toContain(CERTIFICATE.certificatePem.trim());
    expect(pem).not.toContain("the authority of acme");
  });

  it("a proxy with exceptions", async () => {
    const proxy = { url: "http://Proxy:3128/", except: ["GHE.acme.com", ".internal", "10.0.0.7", "::1"] };
    expect((await connectionBy({ proxy }))?.network.proxy).toEqual({
      url: "http://proxy:3128",
      except: ["ghe.acme.com", ".internal", "10.0.0.7", "::1"],
    });
  });

  it.each<[string, Written, readonly string[]]>([
    ["alone", {}, []],
    ["beside exceptions", { proxy: { except: [".internal"] } }, [".internal"]],
  ])("a proxy with credentials, from its variable: %s", async (_name, over, except) => {
    const url = "http://me:p%40ss@proxy:3128";
    const connection = await connectionBy(over, { HOLDFAST_GITHUB_MAIN_PROXY: `${url}/\n` });
    expect(connection?.network.proxy).toEqual({ url, except });
  });
});

describe("polling", () => {
  it("needs no webhook secret", async () => {
    const connection = await connectionBy({ demand: "poll", webhookSecretFiles: undefined });
    expect(connection).toMatchObject({ demand: "poll", webhookSecrets: [] });
  });

  it.each<[string, Written, Environment, string]>([
    ["in a file", {}, {}, "SECRETOFWEBHOOK"],
    ["in its variable", { webhookSecretFiles: undefined }, { HOLDFAST_GITHUB_MAIN_WEBHOOK_SECRET: "hook" }, "hook"],
  ])("takes one all the same: %s", async (_name, over, environment, secret) => {
    const connection = await connectionBy({ demand: "poll", ...over }, environment);
    expect(connection?.webhookSecrets).toEqual([secret]);
  });
});

it("several connections, each with a secret of its own", async () => {
  const config = soundConfig();
  config.github.ghes = {
    apiUrl: "https://ghe.acme.com/api/v3",
    token: { file: "github-token" },
    webhookSecretFiles: ["old-webhook-secret"],
  };
  config.pools.push({ ...config.pools[0], name: "ghes", github: "ghes" });
  const { connections } = await readIn(makeFolder(), config);
  expect([...connections.values()].map(({ name, webhookSecrets }) => [name, webhookSecrets])).toEqual([
    ["main", ["SECRETOFWEBHOOK"]],
    ["ghes", ["OLDSECRETOFWEBHOOK"]],
  ]);
});

it("listening with a certificate and trusted proxies, and people at an address of their own", async () => {
  const folder = makeFolder();
  const config = soundConfig();
  config.listen = {
    agents: "0.0.0.0:8081",
    tls: { certificateFile: "cert.pem", keyFile: "./key.pem" },
    trustedProxies: ["10.0.0.0/8", "::1", "192.0.2.7", "fd00::/8"],
  };
  config.urls = { webhooks: "https://a", agents: "https://b", operators: "https://ops.acme.com/" };
  const { listen, urls } = await readIn(folder, config);
  expect(listen).toEqual({
    webhooks: { host: "127.0.0.1", port: 8080 },
    agents: { host: "0.0.0.0", port: 8081 },
    operators: { host: "127.0.0.1", port: 8080 },
    tls: { certificateFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") },
    trustedProxies: ["10.0.0.0/8", "::1", "192.0.2.7", "fd00::/8"],
  });
  expect(urls).toEqual({ webhooks: "https://a", agents: "https://b", operators: "https://ops.acme.com" });
});

describe("a pool", () => {
  it("of an enterprise, in a runner group, for some repositories of any organization", async () => {
    const config = soundConfig();
    Object.assign(config.pools[0], {
      scope: { enterprise: "acme-inc" },
      runnerGroup: " GPU runners ",
      accept: { repositories: ["acme/a", "other/*"] },
    });
    const { pools } = await readIn(makeFolder(), config);
    expect(pools[0]?.policy).toMatchObject({
      scope: { kind: "enterprise", enterprise: "acme-inc" },
      runnerGroup: "GPU runners",
      acceptRepositories: ["acme/a", "other/*"],
    });
  });

  it("of repositories, in the one group that they have", async () => {
    const config = soundConfig();
    Object.assign(config.pools[0], { scope: { repositories: ["acme/a"] }, runnerGroup: "Default" });
    const { pools } = await readIn(makeFolder(), config);
    expect(pools[0]?.policy.runnerGroup).toBe("Default");
  });

  it("keeps its machines when only its group changes: a registration is made anew for each job", async () => {
    const config = soundConfig();
    config.pools.push({ ...config.pools[0], name: "gpu", runnerGroup: "gpu" });
    const folder = makeFolder();
    const [first, second] = (await readIn(folder, config)).pools;
    expect(second?.policy.settingsHash).toBe(first?.policy.settingsHash);
  });
});
