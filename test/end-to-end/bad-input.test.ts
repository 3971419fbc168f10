import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { createRunnerFolder } from "../../src/simulator/runner/folder.ts";

const PATIENCE_MS = 60_000;
const CLI = new URL("../../bin/holdfast.js", import.meta.url).pathname;

let folder: string;
let servers: Server[];
let freePort: number;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-test-"));
  servers = [];
  freePort = await takePort();
  await freePorts();
  createRunnerFolder(join(folder, "runner"));
  writeFileSync(join(folder, "token-key"), "k".repeat(32));
  writeFileSync(join(folder, "token"), "ghp_secret");
  writeFileSync(join(folder, "hook"), "hook-secret");
});
afterEach(async () => {
  await freePorts();
  rmSync(folder, { recursive: true, force: true });
});

interface PoolChanges {
  readonly runner?: object;
  readonly labels?: unknown;
  readonly machines?: object;
}

/** One that `serve` would start with. */
function configOf(changes: object = {}, pool: PoolChanges = {}): object {
  return {
    controllerId: "bad-input",
    store: "sqlite:./holdfast.db",
    listen: `127.0.0.1:${freePort}`,
    tokenKeyFile: "./token-key",
    github: {
      main: { apiUrl: "http://127.0.0.1:9", token: { file: "./token" }, webhookSecretFiles: ["./hook"] },
    },
    operators: [{ name: "everyone", role: "reader", anonymous: true }],
    pools: [
      {
        name: "linux",
        github: "main",
        scope: { organization: "acme" },
        labels: ["self-hosted", "linux"],
        machines: { max: 2 },
        runner: { directory: "./runner" },
        provider: { kind: "process", workDirectory: "./machines" },
        ...pool,
      },
    ],
    ...changes,
  };
}

function writeConfig(config: object | string): void {
  writeFileSync(join(folder, "holdfast.yaml"), typeof config === "string" ? config : stringify(config));
}

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line in the folder; one that does not end by itself in time has the exit code null. */
function run(...argv: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", CLI, ...argv], {
    cwd: folder,
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: PATIENCE_MS,
    killSignal: "SIGKILL",
  });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode) => resolve({ exitCode, ...output }));
  });
}

async function serve(config: object | string): Promise<Ended> {
  writeConfig(config);
  const ended = await run("serve");
  expect(ended.stderr).not.toMatch(/\n\s+at |node:internal|ghp_secret|hook-secret/);
  return ended;
}

/** A port at which something else listens. */
async function takePort(): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function freePorts(): Promise<void> {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
}

describe("holdfast serve ends at once, with one message", () => {
  it("where its port is taken, and has started nothing", async () => {
    const port = await takePort();
    const { exitCode, stderr } = await serve(configOf({ listen: `127.0.0.1:${port}` }));
    expect(exitCode).toBe(1);
    expect(stderr.trim().split("\n")).toEqual([
      expect.stringContaining(`Failed: listening on 127.0.0.1:${port} for webhooks, agents, operators (`),
      "  The address to listen on is taken.",
      "  Stop the other program, or change `listen` in the configuration.",
      "  [port-in-use]",
    ]);
    expect(readdirSync(folder)).not.toContain("machines");
  });

  it("where one of several ports is taken, and the others are free again", async () => {
    const port = await takePort();
    const free = `127.0.0.1:${freePort}`;
    const listen = { webhooks: free, agents: free, operators: `127.0.0.1:${port}` };
    const { exitCode, stderr } = await serve(configOf({ listen, urls: `http://${free}` }));
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`127.0.0.1:${port} for operators`)]);
  });

  it.each<[string, string, string]>([
    ["is not there", "./nothing", "there is none"],
    ["is a folder", "./runner", "it is a folder"],
  ])("where the token key %s", async (_name, tokenKeyFile, why) => {
    const { exitCode, stderr } = await serve(configOf({ tokenKeyFile }));
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^holdfast\.yaml: 1 problem\n\n {2}tokenKeyFile {2}names a file that cannot be read: /);
    expect(stderr).toContain(why);
    expect(stderr).toContain("-> head -c 32 /dev/urandom > token-key");
  });

  it("where the file is no YAML, by the line", async () => {
    const { exitCode, stderr } = await serve("controllerId: ci\npools: [\n  name: 'linux\n");
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^holdfast\.yaml: \d problems?\n\n {2}line \d, column \d /);
  });

  it("where there is no file", async () => {
    const { exitCode, stderr } = await run("serve", "--config", "nothing.yaml");
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^nothing\.yaml: 1 problem\n\n {2}\(the file\) {2}cannot be read: there is none\n/);
  });

  it("that lists every problem, each with its mend", async () => {
    const config = configOf({ tokenKeyFile: "./nothing", contrllerId: "x" }, { labels: [], machines: { max: -1 } });
    const { exitCode, stderr, stdout } = await serve(config);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^holdfast\.yaml: 4 problems\n/);
    for (const path of ["contrllerId", "pools[0].labels", "pools[0].machines.max", "tokenKeyFile"])
      expect(stderr).toContain(`\n  ${path} `);
    expect(stderr.match(/\n +-> \S/g)).toHaveLength(4);
  });

  it.each([
    ["is not there", "./no-runner"],
    ["is empty", "./empty"],
  ])("where the runner's folder %s: no pool that could never launch", async (_name, directory) => {
    mkdirSync(join(folder, "empty"));
    const { exitCode, stderr, stdout } = await serve(configOf({}, { runner: { directory } }));
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr.trim().split("\n")).toEqual([
      "pool linux: 1 problem",
      "",
      `  pools[0].runner.directory  there is no ${join(folder, directory)}/bin/Runner.Listener`,
      expect.stringMatching(/^ +-> Unpack a release of actions\/runner there/),
    ]);
    const checked = await run("check");
    expect([checked.exitCode, checked.stdout]).toEqual([2, expect.stringContaining("pools[0].runner.directory")]);
  });

  it.each([
    ["in a folder that is not there", "sqlite:./nothing/holdfast.db", "no such file or directory"],
    ["in what is a folder", "sqlite:./runner", "illegal operation on a directory"],
    ["in another program's file", "sqlite:./token", "file is not a database"],
  ])("where the store is %s", async (_name, store, why) => {
    const { exitCode, stderr } = await serve(configOf({ store }));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^Failed: opening the store /);
    expect(stderr).toContain(why);
    expect(stderr.trim().split("\n").at(-1)).toBe("  [store-unavailable]");
  });
});

describe("holdfast status", () => {
  it("says that there is no server, at an address where none answers", async () => {
    const { exitCode, stderr, stdout } = await run("status", "--server", `http://127.0.0.1:${freePort}`);
    expect([exitCode, stdout]).toEqual([3, ""]);
    expect(stderr).toMatch(/^Failed: asking http:\/\/127\.0\.0\.1:\d+ for its status\n {2}no answer: .*ECONNREFUSED/);
  });

  it("says that there is none, where something else hangs up", async () => {
    const { exitCode, stderr } = await run("status", "--server", `127.0.0.1:${await takePort()}`);
    expect([exitCode, stderr.split("\n").length]).toEqual([3, 4]);
  });

  it("says how to name one, where nothing does", async () => {
    const { exitCode, stderr } = await run("status");
    expect(exitCode).toBe(3);
    expect(stderr).toContain("neither --server nor HOLDFAST_SERVER names one");
  });

  it("is a text for programs, too, where they ask for it", async () => {
    const { exitCode, stderr } = await run("status", "--json");
    expect([exitCode, JSON.parse(stderr)]).toMatchObject([3, { code: "server-unreachable" }]);
  });
});

describe("a command line that cannot be meant", () => {
  it.each<[string, readonly string[], string]>([
    ["demo --exit without --jobs", ["demo", "--exit"], "error: --exit needs --jobs"],
    ["no jobs", ["demo", "--exit", "--jobs", "0"], "It is not a whole number from 1 to 10000."],
    ["half a job", ["demo", "--jobs", "1.5"], "It is not a whole number from 1 to 10000."],
    ["a port that is none", ["demo", "--port", "65536"], "It is not a whole number from 0 to 65535."],
    ["a command that is none", ["sevre"], "Did you mean serve?"],
    ["an option that is none", ["serve", "--cnfig", "a"], "Did you mean --config?"],
    ["an address that is none", ["status", "--server", ":::"], "it is not the address of a server"],
  ])("%s: exit code 2", async (_name, argv, told) => {
    const { exitCode, stderr, stdout } = await run(...argv);
    expect([exitCode, stdout, stderr]).toEqual([2, "", expect.stringContaining(told)]);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});
