/** What a pod does before its runner's container starts, run by the shells that are here against a controller of its own. */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fetchBundle } from "../../../src/adapters/kubernetes/fetch-bundle.ts";
import { agentBundle } from "../../../src/app/agent-bundle.ts";

const SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "sh"]] as const;
const shells = SHELLS.filter(([program, ...args]) => spawnSync(program, [...args, "-c", "true"]).status === 0);
const PATIENCE = { triesMax: 3, firstPauseMs: 1, pauseMaxMs: 2, timeoutMs: 5_000 };
const bundle = agentBundle();

let folder: string;
let server: Server;
/** What it answers, one after the other; then the last one again. */
let answers: readonly { readonly status: number; readonly body: Uint8Array }[];
let callCount: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-fetch-"));
  mkdirSync(join(folder, "runner", "bin"), { recursive: true });
  mkdirSync(join(folder, "runner", "externals", "node24", "bin"), { recursive: true });
  mkdirSync(join(folder, "home"));
  writeFileSync(join(folder, "runner", "bin", "Runner.Listener"), "", { mode: 0o755 });
  symlinkSync(process.execPath, join(folder, "runner", "externals", "node24", "bin", "node"));
  answers = [{ status: 200, body: bundle.bytes }];
  callCount = 0;
  server = createServer((_request, response) => {
    const answer = answers[Math.min(callCount, answers.length - 1)];
    callCount += 1;
    response.writeHead(answer?.status ?? 500).end(answer?.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

async function run(shell: readonly string[] = ["sh"], changes: Record<string, string> = {}) {
  const [program = "sh", ...args] = shell;
  const child = spawn(program, [...args, "-c", fetchBundle(join(folder, "home"), PATIENCE)], {
    env: {
      PATH: process.env.PATH,
      HOLDFAST_RUNNER_DIRECTORY: join(folder, "runner"),
      HOLDFAST_BUNDLE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/agent/v1/bundle/x.tar.gz`,
      HOLDFAST_BUNDLE_SHA256: bundle.sha256,
      HOLDFAST_BUNDLE_ENTRY: bundle.entry,
      ...changes,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, output, errors };
}

const unpacked = (name: string) => join(folder, "home", "agent", name);

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("fetching the agent in %s", (_name, shell) => {
  it("unpacks what the controller serves, all of it and nothing else", async () => {
    expect(await run(shell)).toMatchObject({ code: 0, output: "holdfast: the agent is there\n", errors: "" });
    expect(readFileSync(unpacked(bundle.entry))).toEqual(readFileSync(join("src", bundle.entry)));
    expect(existsSync(unpacked("package.json"))).toBe(true);
    expect(existsSync(join(folder, "home", "agent.tar.gz"))).toBe(false);
  });

  it("does the same again over what an earlier one left", async () => {
    mkdirSync(join(folder, "home", "agent"));
    writeFileSync(unpacked("left.ts"), "");
    expect((await run(shell)).code).toBe(0);
    expect([existsSync(unpacked("left.ts")), existsSync(unpacked(bundle.entry))]).toEqual([false, true]);
  });

  it("starts an agent that runs: its own Node reads the files, and it misses nothing but its settings", async () => {
    await run(shell);
    const agent = spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", unpacked(bundle.entry)], {
      encoding: "utf8",
      env: { HOLDFAST_POD_UID: "1234" },
    });
    expect(agent.status).toBe(1);
    expect(agent.stderr).toBe("holdfast agent: the environment has no HOLDFAST_CONTROLLER_URL\n");
  });
});

describe("fetching the agent", () => {
  it("tries again where the controller is away for a moment", async () => {
    answers = [{ status: 503, body: new Uint8Array() }, ...answers];
    const { code, errors } = await run();
    expect([code, callCount]).toEqual([0, 2]);
    expect(errors).toMatch(/try 1 of 3: it answered 503/);
  });

  it("unpacks nothing of which the hash is another", async () => {
    const other = Buffer.from(bundle.bytes);
    other[100] = (other[100] ?? 0) ^ 1;
    answers = [{ status: 200, body: other }];
    const { code, errors } = await run();
    expect([code, callCount, existsSync(unpacked(""))]).toEqual([1, 3, false]);
    const found = createHash("sha256").update(other).digest("hex");
    expect(errors).toContain(`its hash is ${found}, not ${bundle.sha256}`);
  });

  it("gives up in time where nobody is there, and says where it asked", async () => {
    const { code, errors } = await run(["sh"], { HOLDFAST_BUNDLE_URL: "http://127.0.0.1:1/agent" });
    expect(code).toBe(1);
    expect(errors).toMatch(/from http:\/\/127\.0\.0\.1:1\/agent, try 3 of 3: fetch failed/);
  });

  it.each([
    ["Node", "externals/node24/bin/node", /no Node of a runner/],
    ["runner", "bin/Runner.Listener", /no runner in/],
  ])("says that the image has no %s", async (_what, path, complaint) => {
    rmSync(join(folder, "runner", path));
    const { code, errors } = await run();
    expect([code, callCount]).toEqual([1, 0]);
    expect(errors).toMatch(complaint);
  });
});

it("has each shell tried that an image may have, but for those that are not here", () => {
  expect(shells.map(([program]) => program)).toContain("dash");
  expect(createHash("sha256").update(bundle.bytes).digest("hex")).toBe(bundle.sha256);
});
