/** A support bundle: all that is needed, within its size, and none of the secrets that were planted everywhere. */
import { createHmac, generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { unpackTar } from "modern-tar";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ExportOptions, runExport } from "../../../src/app/commands/export.ts";
import { supportOf } from "../../../src/app/support.ts";
import { parseControllerId } from "../../../src/domain/ids.ts";
import { AgentTokens } from "../../../src/http/agents/token.ts";
import { createOperatorApp } from "../../../src/http/operators/app.ts";
import { BUNDLE_BYTES_MAX } from "../../../src/http/operators/bundle/bound.ts";
import { type Listener, listen } from "../../../src/http/server.ts";
import { recordEvidence } from "../../../src/store/evidence/evidence.ts";
import { saveLogs } from "../../../src/store/logs/logs.ts";
import type { Store } from "../../../src/store/store.ts";
import { machineSubject, poolSubject } from "../../../src/store/subjects.ts";
import { storeTicketSecret } from "../../../src/store/tickets/secret.ts";
import { machineId, poolName, providerId, ticketId } from "../../domain/builders.ts";
import { foretoldSources } from "../../http/foretold-fleet.ts";
import { openSampleStore } from "../../http/sample-fleet.ts";
import { clockAt, recordTelemetry, recordWakes } from "../../http/stand-ins.ts";
import { connectionConfig, poolConfig, wholeConfig } from "../whole-config.ts";
import { openScreen } from "./screen.ts";

const CONTROLLER = parseControllerId("ci-eu");
const TOKEN_KEY = createHmac("sha256", "a seed of this test").update("token key").digest();
const TOKENS = new AgentTokens(TOKEN_KEY, CONTROLLER);
const newKey = () =>
  generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  }).privateKey;
const PEM = newKey();
const JIT = Buffer.from(
  JSON.stringify({ ".runner": "eyJhIjoxfQ==", ".credentials_rsaparams": "x".repeat(90) }),
).toString("base64");
const MACHINE = machineId(2);
const FOREIGN_PEM = newKey();

/** By what it is: how each could stand somewhere, and what of it must not. */
const SECRETS = {
  "App key": PEM,
  "a line of the App key": PEM.split("\n")[5] ?? "",
  "personal token": "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
  "webhook secret": "it is raining over the hills",
  "old webhook secret": "d0ubl3-r41nb0w",
  "operator token": "alice-token-0123456789",
  "proxy password": "p%40ss-of-the-proxy",
  "proxy password, decoded": "p@ss-of-the-proxy",
  "proxy password of the environment": "hunter2hunter2",
  "JIT configuration": JIT,
  "agent token": TOKENS.issue({ machineId: MACHINE, providerId: providerId(2) }),
  "identity secret": TOKENS.identitySecret(MACHINE),
  "token key": TOKEN_KEY.toString("base64"),
  "token key in hex": TOKEN_KEY.toString("hex"),
  "value of a runner's variable": "npm-registry-password",
  "somebody else's GitHub token": "github_pat_11ABCDEFG0abcdefghij_KLMNOPqrstuv",
  "somebody else's installation token": "ghs_0123456789abcdefghijABCDEFGHIJ012345",
  "somebody else's key": FOREIGN_PEM,
  "a line of somebody else's key": `${"Ab1cD2e/gH3i+".repeat(4)}jK4lM5nO6pQ7`,
  "AWS access key": "AKIAIOSFODNN7EXAMPLE",
  "AWS secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  "password in an address": "s3cr3tInTheAddress",
} as const;

const SPOKEN = Object.entries(SECRETS).map(([name, secret]) => {
  if (name === "password in an address") return `fetching https://bob:${secret}@mirror.acme.com/x`;
  return name === "AWS secret" ? `aws_secret_access_key = ${secret}` : `found ${secret} there`;
});
/** The agent's token is of a machine, which may be named: its MAC is the secret. */
const HIDDEN = Object.entries(SECRETS).map(
  ([name, secret]) => [name, name === "agent token" ? (secret.split("~").at(-1) ?? "") : secret] as const,
);

let store: Store;
let listener: Listener;
let folder: string;
beforeEach(async () => {
  store = await openSampleStore();
  folder = await mkdtemp(join(tmpdir(), "holdfast-export-"));
  const connection = {
    ...connectionConfig(),
    webhookSecrets: [SECRETS["webhook secret"], SECRETS["old webhook secret"]],
    network: { caPem: null, proxy: { url: `http://hf:${SECRETS["proxy password"]}@proxy:3128`, except: [] } },
  };
  const app = { ...connection, auth: { kind: "app", appId: 7, privateKeyPem: PEM } } as const;
  const token = { ...connectionConfig("ghes"), auth: { kind: "token", token: SECRETS["personal token"] } } as const;
  const pool = poolConfig(folder);
  const environment = { REGISTRY: SECRETS["value of a runner's variable"], CI: "true" };
  const config = {
    ...wholeConfig(folder, {
      connections: [app, token],
      pools: [{ ...pool, runner: { ...pool.runner, environment } }],
    }),
    tokenKey: TOKEN_KEY,
    operators: [{ name: "alice", role: "operator", token: SECRETS["operator token"] } as const],
  };
  const support = supportOf({
    config,
    tokens: TOKENS,
    parts: {
      environment: { HTTPS_PROXY: `http://hf:${SECRETS["proxy password of the environment"]}@proxy:3128` },
      renderMetrics: async () => 'holdfast_machines{pool="linux"} 3\n',
    },
  });
  const given = { telemetry: recordTelemetry(), wake: recordWakes() };
  const readers = [...config.operators, { name: "bob", role: "reader", token: "bob-token-0123456789" } as const];
  const sources = { ...foretoldSources(store), support };
  const operators = createOperatorApp({ ...given, operators: readers, sources });
  listener = await listen(operators, { host: "127.0.0.1", port: 0 }, "operators", clockAt(0));
});
afterEach(async () => {
  await listener.close();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

async function plantSecrets(): Promise<void> {
  const observedAtMs = Date.parse("2026-08-19T16:00:00.000Z");
  await storeTicketSecret(store.db, ticketId(1), JIT);
  const logs = [
    { name: "agent.log", lines: SPOKEN.flatMap((line) => line.split("\n")) },
    { name: "../../etc/passwd", lines: ['{"token":"whatever-it-may-be"}', "authorization: Basic dXNlcjpwYXNz"] },
  ];
  await saveLogs(store.db, { machineId: MACHINE, ticketId: null, logs, savedAtMs: observedAtMs });
  for (const fact of SPOKEN)
    for (const subject of [poolSubject(poolName("gpu")), machineSubject(MACHINE)])
      await recordEvidence(store.db, { subject, source: "provider", fact, observedAtMs });
}

async function bundle(
  subjects: readonly string[] = [],
  options: ExportOptions = {},
  token: string = SECRETS["operator token"],
) {
  const io = openScreen({ environment: { HOLDFAST_TOKEN: token } });
  const output = join(folder, "bundle.tar.gz");
  const code = await runExport(subjects, { server: `http://127.0.0.1:${listener.port}`, output, ...options }, io);
  return { code, out: io.out(), err: io.err(), output };
}

async function unpack(file: string): Promise<ReadonlyMap<string, string>> {
  const entries = await unpackTar(gunzipSync(await readFile(file)));
  return new Map(
    entries.map(({ header, data }) => [header.name.split("/").slice(1).join("/"), Buffer.from(data ?? []).toString()]),
  );
}

it("holds what somebody needs who helps from afar", async () => {
  const { code, out, output } = await bundle();
  expect(code).toBe(0);
  expect(out).toMatch(/^Written: /);
  const files = await unpack(output);
  expect([...files.keys()]).toEqual([
    "README.txt",
    "versions.json",
    "configuration.json",
    "status.json",
    "store.json",
    "explain/fleet.json",
    "explain/job-43.json",
    "explain/job-45.json",
    "explain/job-44.json",
    "explain/job-42.json",
    "explain/machine-m-00000004.json",
    "explain/machine-m-00000008.json",
    "machines.json",
    "jobs.json",
    "plan.json",
    "decisions.json",
    "evidence.json",
    "deliveries.json",
    "metrics.txt",
    "logs/m-00000006/machine-console",
    "logs/m-00000002/t-00000002-Worker_20260801-104400-utc.log",
    "logs/m-00000002/t-00000002-agent.log",
  ]);
  for (const [path, text] of files) if (path.endsWith(".json")) expect(() => JSON.parse(text), path).not.toThrow();
  expect(JSON.parse(files.get("store.json") ?? "")).toMatchObject({ rowCounts: { jobs: 7, ticket_secrets: 0 } });
  expect(JSON.parse(files.get("configuration.json") ?? "")).toMatchObject({
    github: [{ name: "main", auth: { kind: "app", appId: 7 }, proxy: { host: "proxy:3128" } }, { name: "ghes" }],
    pools: [{ name: "linux", runner: { environmentNames: ["REGISTRY", "CI"] } }],
  });
  expect(files.get("metrics.txt")).toBe('holdfast_machines{pool="linux"} 3\n');
  expect((await stat(output)).mode & 0o777).toBe(0o600);
});

describe("with secrets in the configuration, the store and the logs", () => {
  it("none of them is in it", async () => {
    await plantSecrets();
    const { code, output } = await bundle(["m-00000002", "gpu"]);
    expect(code).toBe(0);
    const files = await unpack(output);
    const texts = [...files].map(([path, text]) => `${path}\n${text}`).join("\n");
    for (const [name, secret] of HIDDEN) {
      expect(secret.length, name).toBeGreaterThan(10);
      for (const form of [secret, JSON.stringify(secret).slice(1, -1), Buffer.from(secret).toString("base64")])
        expect(texts.includes(form), `${name} is in the bundle`).toBe(false);
    }
    for (const line of [...PEM.split("\n"), ...FOREIGN_PEM.split("\n")].filter((one) => one.length > 40))
      expect(texts.includes(line), "a line of a key").toBe(false);
    expect(texts).not.toMatch(/whatever-it-may-be|dXNlcjpwYXNz/);
    expect(texts).toContain("found [hidden] there");
    expect([...files.keys()].filter((path) => path.includes(".."))).toEqual([]);
  });

  it("what is no secret stays readable", async () => {
    const { output } = await bundle();
    const texts = [...(await unpack(output)).values()].join("\n");
    for (const text of ["m-00000002", "hf-ci-eu-t-00000002", "acme/widgets", "provider-capacity", "kept-warm", "3128"])
      expect(texts).toContain(text);
  });
});

it("stays within its size, and says what was cut", async () => {
  const lines = Array.from({ length: 4_000 }, (_, index) => `${index} ${"lorem ipsum ".repeat(60)}`);
  for (const number of [1, 3, 4, 6, 8])
    await saveLogs(store.db, {
      machineId: machineId(number),
      ticketId: null,
      logs: [{ name: "agent.log", lines }],
      savedAtMs: 9,
    });
  const { out, output } = await bundle();
  expect(out.replace(/\n */g, " ")).toMatch(
    /Cut: logs\/m-\d+\/machine-agent\.log has \d+ bytes, of which \d+ had room\./,
  );
  const files = await unpack(output);
  const byteCount = [...files]
    .filter(([path]) => path !== "README.txt")
    .reduce((sum, [, text]) => sum + Buffer.byteLength(text), 0);
  expect(byteCount).toBeLessThanOrEqual(BUNDLE_BYTES_MAX);
  expect(files.get("README.txt")).toMatch(/^- logs\/m-\d+\/machine-agent\.log has/m);
  expect([...files.keys()].some((path) => path.endsWith("agent.log.cut"))).toBe(true);
});

describe("failures", () => {
  it("a file that is there stays as it is", async () => {
    const { output } = await bundle();
    const before = await readFile(output);
    const { code, err } = await bundle();
    expect(code).toBe(2);
    expect(err).toMatch(/a file of that name is there already/);
    expect(await readFile(output)).toEqual(before);
  });

  it.each<[string, readonly string[], ExportOptions, number, RegExp]>([
    ["a subject that nobody knows", ["7", "m-nothing0"], {}, 4, /exporting m-nothing0/],
    ["nothing named", [" "], {}, 2, /nothing is named/],
    ["no file named", [], { output: " " }, 2, /nothing is named/],
    ["a folder that is not there", [], { output: "/nowhere/at/all.tar.gz" }, 2, /Name another file/],
    ["too many subjects", Array.from({ length: 51 }, () => "7"), {}, 2, /field subject/],
  ])("%s", async (_name, subjects, options, exitCode, text) => {
    const { code, out, err } = await bundle(subjects, options);
    expect([code, out]).toEqual([exitCode, ""]);
    expect(err).toMatch(text);
  });

  it("a reader may not", async () => {
    expect((await bundle([], {}, "bob-token-0123456789")).code).toBe(5);
  });
});

it("--json says what was written where", async () => {
  const { out, output } = await bundle(["7"], { json: true });
  expect(JSON.parse(out)).toMatchObject({
    file: output,
    cuts: [],
    files: expect.arrayContaining(["explain/job-7.json"]),
  });
});
