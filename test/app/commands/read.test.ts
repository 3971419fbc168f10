import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runDeliveries, runShowDelivery } from "../../../src/app/commands/deliveries.ts";
import { runExplain } from "../../../src/app/commands/explain.ts";
import { runJobs } from "../../../src/app/commands/jobs.ts";
import { type LogsOptions, runLogs } from "../../../src/app/commands/logs.ts";
import { runMachines } from "../../../src/app/commands/machines.ts";
import { runPools } from "../../../src/app/commands/pools.ts";
import { runStatus } from "../../../src/app/commands/status.ts";
import type { CommandIo } from "../../../src/app/terminal/io.ts";
import { textWidth } from "../../../src/app/terminal/text-width.ts";
import {
  DeliveriesAnswer,
  ExplainAnswer,
  JobsAnswer,
  LogsAnswer,
  MachinesAnswer,
  PoolsAnswer,
  StatusAnswer,
} from "../../../src/http/operators/answers.ts";
import { createOperatorApp } from "../../../src/http/operators/app.ts";
import { type Listener, listen } from "../../../src/http/server.ts";
import { openStore, type Store } from "../../../src/store/store.ts";
import { openSampleStore, sampleSources } from "../../http/sample-fleet.ts";
import { clockAt, recordTelemetry, recordWakes } from "../../http/stand-ins.ts";
import { openScreen } from "./screen.ts";

const READER = { name: "bob", role: "reader", token: "bob-token-0123456789" } as const;
const SERVER = { server: "" };

let store: Store;
let empty: Store;
let folder: string;
const listeners: Listener[] = [];

async function serve(app: Pick<Hono, "fetch">): Promise<string> {
  const listener = await listen(app, { host: "127.0.0.1", port: 0 }, "operators", clockAt(0));
  listeners.push(listener);
  return `http://127.0.0.1:${listener.port}`;
}

const operatorsOver = (over: Store, given: Parameters<typeof sampleSources>[1] = {}) =>
  createOperatorApp({
    operators: [READER],
    sources: sampleSources(over, given),
    telemetry: recordTelemetry(),
    wake: recordWakes(),
  });

beforeAll(async () => {
  store = await openSampleStore();
  empty = await openStore("sqlite::memory:");
  folder = await mkdtemp(join(tmpdir(), "holdfast-commands-"));
  SERVER.server = await serve(operatorsOver(store));
});
afterAll(async () => {
  await Promise.all(listeners.map((listener) => listener.close()));
  await store.close();
  await empty.close();
  await rm(folder, { recursive: true });
});

const withToken = (given: Partial<CommandIo> = {}) =>
  openScreen({ ...given, environment: { HOLDFAST_TOKEN: READER.token, ...given.environment } });

const COMMANDS: readonly (readonly [string, (io: CommandIo) => Promise<number>])[] = [
  ["status", (io) => runStatus(SERVER, io)],
  ["jobs", (io) => runJobs(SERVER, io)],
  ["machines", (io) => runMachines(SERVER, io)],
  ["machines-all", (io) => runMachines({ ...SERVER, all: true }, io)],
  ["explain-job", (io) => runExplain("7", SERVER, io)],
  ["explain-waiting-job", (io) => runExplain("43", SERVER, io)],
  ["explain-pool", (io) => runExplain("gpu", SERVER, io)],
  ["explain-fleet", (io) => runExplain(null, SERVER, io)],
  ["pools", (io) => runPools(null, SERVER, io)],
  ["pool", (io) => runPools("gpu", SERVER, io)],
  ["jobs-page", (io) => runJobs({ ...SERVER, limit: 3 }, io)],
  ["deliveries", (io) => runDeliveries(SERVER, io)],
  ["delivery", (io) => runShowDelivery("d-1", SERVER, io)],
  ["logs-job", (io) => runLogs("3", SERVER, io)],
  ["logs-machine", (io) => runLogs("m-00000006", SERVER, io)],
  ["logs-none", (io) => runLogs("7", SERVER, io)],
  ["explain-machine", (io) => runExplain("i-00000002", SERVER, io)],
];

describe.each([80, 120])("at %i columns", (columns) => {
  it.each(COMMANDS)("%s looks as it should, and fits", async (name, run) => {
    const io = withToken({ columns });
    expect(await run(io)).toBe(0);
    expect(io.err()).toBe("");
    await expect(io.out()).toMatchFileSnapshot(`golden/${name}-${columns}.txt`);
    for (const line of io.out().split("\n")) expect(textWidth(line), line).toBeLessThanOrEqual(columns);
  });
});

describe("whatever a host or a workflow is called", () => {
  it.each(COMMANDS)("%s writes no control character but its own colours", async (_name, run) => {
    const io = withToken({ environment: { NO_COLOR: "" } });
    await run(io);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: its own colours are taken out before the look
    const text = io.out().replace(/\u001b\[\d+m/g, "");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });
});

describe("colours", () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a colour begins with it
  const COLOUR = /\u001b\[/;
  it.each<[string, Partial<CommandIo>, boolean]>([
    ["on a terminal", { environment: { NO_COLOR: "" } }, true],
    ["not with NO_COLOR", { environment: { NO_COLOR: "1" } }, false],
    ["not on a dumb terminal", { environment: { NO_COLOR: "", TERM: "dumb" } }, false],
    ["not in a pipe", { isTTY: false, environment: { NO_COLOR: "" } }, false],
  ])("%s", async (_name, given, isColoured) => {
    const io = withToken(given);
    await runStatus(SERVER, io);
    expect(COLOUR.test(io.out())).toBe(isColoured);
  });
});

it("cuts nothing in a pipe", async () => {
  const io = withToken({ columns: 40, isTTY: false });
  await runMachines(SERVER, io);
  expect(io.out()).not.toContain("…");
});

describe("--json", () => {
  it.each([
    ["status", (io: CommandIo) => runStatus({ ...SERVER, json: true }, io), StatusAnswer],
    ["jobs", (io: CommandIo) => runJobs({ ...SERVER, json: true }, io), JobsAnswer],
    ["machines", (io: CommandIo) => runMachines({ ...SERVER, json: true }, io), MachinesAnswer],
    ["pools", (io: CommandIo) => runPools(null, { ...SERVER, json: true }, io), PoolsAnswer],
    ["explain", (io: CommandIo) => runExplain("7", { ...SERVER, json: true }, io), ExplainAnswer],
    ["logs", (io: CommandIo) => runLogs("3", { ...SERVER, json: true }, io), LogsAnswer],
  ] as const)("%s is what the server answered", async (_name, run, schema) => {
    const io = withToken();
    expect(await run(io)).toBe(0);
    expect(schema.safeParse(JSON.parse(io.out())).success).toBe(true);
  });

  it("tells a failure as JSON on stderr", async () => {
    const io = withToken();
    expect(await runExplain("nothing", { ...SERVER, json: true }, io)).toBe(4);
    expect(io.out()).toBe("");
    expect(JSON.parse(io.err())).toMatchObject({
      code: "not-found",
      message: expect.any(String),
      mend: expect.any(String),
    });
  });
});

describe("options", () => {
  it.each([
    [{ limit: 1 }, ["43"]],
    [{ status: "completed" }, ["3", "2"]],
    [{ status: "queued,waiting", limit: 2 }, ["43", "45"]],
  ])("jobs %j", async (options, ids) => {
    const io = withToken({ isTTY: false });
    await runJobs({ ...SERVER, ...options }, io);
    const table = io.out().split("\n\n")[0]?.trim().split("\n").slice(1) ?? [];
    expect(table.map((line) => line.split(" ")[0])).toEqual(ids);
  });

  it.each<[Parameters<typeof runJobs>[0], string]>([
    [{ pool: "gpu" }, "42"],
    [{ since: "1m" }, "43"],
    [{ since: "2026-08-19T16:09:00Z" }, "43"],
    [{ before: "https://github.com/acme/widgets/actions/runs/100/job/3" }, "2"],
    [{ before: "2026-08-19T15:30:00Z" }, "2"],
  ])("jobs %j", async (options, id) => {
    const io = withToken({ isTTY: false });
    expect(await runJobs({ ...SERVER, ...options }, io)).toBe(0);
    expect(io.out().split("\n")[1]).toMatch(new RegExp(`^${id} `));
  });

  it.each<[Parameters<typeof runMachines>[0], RegExp]>([
    [{ verdict: "unknown" }, /^m-00000004 /m],
    [{ state: "gone" }, /^m-00000002 /m],
    [{ pool: "gpu" }, /^m-00000006 /m],
    [{ limit: 1 }, /those before them by `--before m-00000009`/],
    [{ pool: "mac", verdict: "busy", since: "2h" }, /^No machine that is busy of pool mac of the last 2h\./],
  ])("machines %j", async (options, text) => {
    const io = withToken({ isTTY: false });
    expect(await runMachines({ ...SERVER, ...options }, io)).toBe(0);
    expect(io.out()).toMatch(text);
  });

  it.each<[Parameters<typeof runJobs>[0], number, RegExp]>([
    [{ since: "yesterday" }, 2, /^Failed: reading --since yesterday\n.*neither a duration nor a time/],
    [{ since: "2026-99-99" }, 2, /^Failed: reading --since 2026-99-99/],
    [{ before: "2026-99-99" }, 2, /^Failed: reading --before 2026-99-99\n.*not a time/],
    [{ before: "999" }, 4, /reading what comes before 999 of/],
    [{ since: `${"9".repeat(20)}d` }, 2, /^Failed: reading --since/],
  ])("jobs %j is refused", async (options, exitCode, text) => {
    const io = withToken();
    expect(await runJobs({ ...SERVER, ...options }, io)).toBe(exitCode);
    expect(io.err()).toMatch(text);
  });

  it("one pool that there is not, and none by an empty name", async () => {
    expect(await runPools("nothing", SERVER, withToken())).toBe(4);
    expect(await runPools(" ", SERVER, withToken())).toBe(2);
  });

  it("jobs with a status that there is not", async () => {
    const io = withToken();
    expect(await runJobs({ ...SERVER, status: "done" }, io)).toBe(2);
    expect(io.err()).toMatch(/field status/);
  });
});

describe("logs", () => {
  const told = async (subject: string, options: LogsOptions): Promise<LogsAnswer["logs"]> => {
    const io = withToken();
    expect(await runLogs(subject, { ...SERVER, ...options, json: true }, io)).toBe(0);
    return LogsAnswer.parse(JSON.parse(io.out())).logs;
  };

  it("by the name of the job's machine, runner, provider id and page address", async () => {
    const address = "https://github.com/acme/widgets/actions/runs/100/job/3";
    const ofJob = await told("3", {});
    expect(ofJob.map(({ name }) => name)).toEqual(["Worker_20260801-104400-utc.log", "agent.log"]);
    for (const subject of ["m-00000002", "i-00000002", `hf-ci-eu-${ofJob[0]?.runnerName?.slice(9)}`, address])
      expect(await told(subject, {})).toEqual(ofJob);
  });

  it("the last lines of those whose name has a word", async () => {
    const [log, ...others] = await told("3", { name: "AGENT", lines: 1 });
    expect([log?.name, log?.lines, others]).toEqual(["agent.log", ["the ticket is spent"], []]);
  });

  it("a word that no name has: which there are", async () => {
    const io = withToken();
    expect(await runLogs("3", { ...SERVER, name: "console" }, io)).toBe(0);
    expect(io.out()).toMatch(/No log of job 3 .*there are\sWorker_\S+,\sagent\.log\./s);
  });

  it("of nobody: exit code 4, and 2 without a name", async () => {
    expect(await runLogs("m-nothing0", SERVER, withToken())).toBe(4);
    expect(await runLogs("", SERVER, withToken())).toBe(2);
  });
});

describe("deliveries", () => {
  it("of a state that there is not", async () => {
    const io = withToken();
    expect(await runDeliveries({ ...SERVER, state: "lost" }, io)).toBe(2);
    expect(io.err()).toMatch(/field state/);
  });

  it("of nobody: exit code 4, and 2 without an id", async () => {
    expect(await runShowDelivery("d-9", SERVER, withToken())).toBe(4);
    expect(await runShowDelivery(" ", SERVER, withToken())).toBe(2);
  });

  it("as JSON, with the body as it came", async () => {
    const io = withToken();
    await runShowDelivery("d-1", { ...SERVER, json: true }, io);
    const { deliveries, quarantinedCount } = DeliveriesAnswer.parse(JSON.parse(io.out()));
    expect([deliveries[0]?.body, deliveries[0]?.problem, quarantinedCount]).toEqual(["{", "not JSON", 1]);
  });
});

describe("where there is nothing, what to do", () => {
  it.each([
    ["status", (io: CommandIo, server: string) => runStatus({ server }, io), /No pools\. Add one.*No job yet/s],
    [
      "deliveries",
      (io: CommandIo, server: string) => runDeliveries({ server }, io),
      /No delivery waits for a person: all that came could be handled\./,
    ],
    [
      "deliveries of a state",
      (io: CommandIo, server: string) => runDeliveries({ server, state: "applied" }, io),
      /No delivery is applied\./,
    ],
    ["jobs", (io: CommandIo, server: string) => runJobs({ server }, io), /No job is known yet\. One shows up/],
    [
      "jobs of a status",
      (io: CommandIo, server: string) => runJobs({ server, status: "queued,waiting" }, io),
      /No job is queued or waiting\./,
    ],
    ["machines", (io: CommandIo, server: string) => runMachines({ server }, io), /No machines\. One is started when/],
    [
      "machines that are gone",
      (io: CommandIo, server: string) => runMachines({ server, all: true }, io),
      /No machine was ever started\./,
    ],
  ])("%s", async (_name, run, text) => {
    const io = withToken();
    expect(await run(io, await serve(operatorsOver(empty, { pools: [] })))).toBe(0);
    expect(io.out()).toMatch(text);
  });
});

describe("failures say what was attempted, what went wrong, what to do", () => {
  let gone = "";
  beforeAll(async () => {
    // A port that was free a moment ago.
    const probe = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => probe.once("listening", resolve));
    const bound = probe.address();
    gone = typeof bound === "object" && bound !== null ? `http://127.0.0.1:${bound.port}` : "";
    await new Promise((resolve) => probe.close(resolve));
  });

  const failing: [string, (io: CommandIo) => Promise<number>, CommandIo["environment"], number, RegExp][] = [
    [
      "nobody listens",
      (io) => runStatus({ server: gone }, io),
      {},
      3,
      /^Failed: asking http.* for its status\n {2}no answer: .*ECONNREFUSED.*\n {2}-> Start one with/,
    ],
    [
      "no token",
      (io) => runStatus(SERVER, io),
      {},
      5,
      /is missing or wrong\.\n {2}-> Give a token by HOLDFAST_TOKEN or --token-file/,
    ],
    [
      "a wrong token",
      (io) => runStatus(SERVER, io),
      { HOLDFAST_TOKEN: "wrong" },
      5,
      /-> Use the token from the operator's token file/,
    ],
    [
      "a subject that nobody knows",
      (io) => runExplain("m-nothing0", SERVER, io),
      { HOLDFAST_TOKEN: READER.token },
      4,
      /^Failed: asking .* to explain m-nothing0\n.*\n {2}-> `holdfast jobs` and/,
    ],
    ["no subject", (io) => runExplain(" ", SERVER, io), {}, 2, /nothing is named/],
    ["an address that is none", (io) => runStatus({ server: "http://a b" }, io), {}, 2, /^Failed: reading --server/],
    [
      "an address that is none, in the environment",
      (io) => runStatus({}, io),
      { HOLDFAST_SERVER: "ftp://x" },
      2,
      /^Failed: reading HOLDFAST_SERVER/,
    ],
    [
      "a token file that is not there",
      (io) => runStatus({ ...SERVER, tokenFile: "nowhere/token" }, io),
      {},
      2,
      /^Failed: reading the token file nowhere\/token\n.*ENOENT/,
    ],
    ["a configuration that is not there", (io) => runStatus({ config: "nowhere.yaml" }, io), {}, 2, /nowhere\.yaml/],
  ];
  it.each(failing)("%s", async (_name, run, environment, exitCode, text) => {
    const io = openScreen({ environment });
    expect(await run(io)).toBe(exitCode);
    expect(io.out()).toBe("");
    expect(io.err()).toMatch(text);
  });

  it("nothing says where a server is", async () => {
    const before = process.cwd();
    process.chdir(folder);
    try {
      const io = openScreen();
      expect(await runStatus({}, io)).toBe(3);
      expect(io.err()).toMatch(/neither --server nor HOLDFAST_SERVER names one.*\n {2}-> Name it/);
    } finally {
      process.chdir(before);
    }
  });

  it.each([
    ["another program", new Hono().all("*", (context) => context.html("<h1>It works!</h1>"))],
    ["another shape", new Hono().all("*", (context) => context.json({ status: "ok" }))],
    ["a redirect", new Hono().all("*", (context) => context.redirect("/elsewhere"))],
  ])("%s answers", async (_name, app) => {
    const io = withToken();
    expect(await runStatus({ server: await serve(app) }, io)).toBe(3);
  });
});

describe("finding the server", () => {
  it("by HOLDFAST_SERVER, without a scheme too, and a token by file", async () => {
    const tokenFile = join(folder, "token");
    await writeFile(tokenFile, `${READER.token}\n`);
    const io = openScreen({ environment: { HOLDFAST_SERVER: SERVER.server.replace("http://", "") } });
    expect(await runStatus({ tokenFile }, io)).toBe(0);
  });
});
