import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type CommandOptions,
  type MachineOrPoolCommand,
  runCommand,
  runDeliveryCommand,
  runPoolsCommand,
} from "../../../src/app/commands/command.ts";
import { runExplain } from "../../../src/app/commands/explain.ts";
import { runMachines } from "../../../src/app/commands/machines.ts";
import { runStatus } from "../../../src/app/commands/status.ts";
import type { CommandIo } from "../../../src/app/terminal/io.ts";
import { textWidth } from "../../../src/app/terminal/text-width.ts";
import { CommandAnswer } from "../../../src/http/operators/answers.ts";
import { createOperatorApp } from "../../../src/http/operators/app.ts";
import { type Listener, listen } from "../../../src/http/server.ts";
import type { Store } from "../../../src/store/store.ts";
import { openSampleStore, sampleSources } from "../../http/sample-fleet.ts";
import { clockAt, recordTelemetry, recordWakes } from "../../http/stand-ins.ts";
import { openScreen } from "./screen.ts";

const ALICE = { name: "alice", role: "operator", token: "alice-token-0123456789" } as const;
const BOB = { name: "bob", role: "reader", token: "bob-token-0123456789" } as const;

let store: Store;
let listener: Listener;
let server: string;
beforeEach(async () => {
  store = await openSampleStore();
  const sources = sampleSources(store);
  const operators = [ALICE, BOB];
  const app = createOperatorApp({ operators, sources, telemetry: recordTelemetry(), wake: recordWakes() });
  listener = await listen(app, { host: "127.0.0.1", port: 0 }, "operators", clockAt(0));
  server = `http://127.0.0.1:${listener.port}`;
});
afterEach(async () => {
  await listener.close();
  await store.close();
});

const screen = (given: Partial<CommandIo> = {}) =>
  openScreen({ ...given, environment: { HOLDFAST_TOKEN: ALICE.token, ...given.environment } });

const say = (command: MachineOrPoolCommand, subject: string, options: CommandOptions, io: CommandIo) =>
  runCommand(command, subject, { server, ...options }, io);

const BUSY = "m-00000001";
const PARKED = "m-00000003";

/** What is said first, and the command whose screen is kept. */
const SCREENS: readonly (readonly [name: string, run: (io: CommandIo) => Promise<number>])[] = [
  ["drain-machine", (io) => say("drain", BUSY, { reason: "old kernel" }, io)],
  ["drain-pool", (io) => say("drain", "linux", { reason: "new image" }, io)],
  ["hold", (io) => say("hold", BUSY, { reason: "disk fills up, looking" }, io)],
  ["freeze", (io) => runPoolsCommand("freeze", null, { server, reason: "GitHub has an incident" }, io)],
  ["replay", (io) => runDeliveryCommand("replay", "d-1", { server, reason: "the parser is mended" }, io)],
  ["thaw-already", (io) => runPoolsCommand("thaw", "linux", { server }, io)],
  ["terminate", (io) => say("terminate", BUSY, { force: true, reason: "job hangs, owner agrees" }, io)],
];

describe.each([80, 120])("at %i columns", (columns) => {
  it.each(SCREENS)("%s looks as it should, and fits", async (name, run) => {
    const io = screen({ columns });
    expect(await run(io)).toBe(0);
    expect(io.err()).toBe("");
    await expect(io.out()).toMatchFileSnapshot(`golden/say-${name}-${columns}.txt`);
    for (const line of io.out().split("\n")) expect(textWidth(line), line).toBeLessThanOrEqual(columns);
  });

  it.each([
    ["status", (io: CommandIo) => runStatus({ server }, io)],
    ["machines", (io: CommandIo) => runMachines({ server }, io)],
    ["explain", (io: CommandIo) => runExplain(BUSY, { server }, io)],
  ])("%s shows what was said: who, why, since when", async (name, run) => {
    await say("hold", BUSY, { reason: "disk fills up, looking" }, screen());
    await say("terminate", PARKED, { force: true, reason: "job hangs" }, screen());
    await say("drain", "gpu", {}, screen());
    await runPoolsCommand("freeze", null, { server, reason: "GitHub has an incident" }, screen());
    const io = screen({ columns });
    expect(await run(io)).toBe(0);
    await expect(io.out()).toMatchFileSnapshot(`golden/said-${name}-${columns}.txt`);
    for (const line of io.out().split("\n")) expect(textWidth(line), line).toBeLessThanOrEqual(columns);
  });
});

it("--json is what the server answered", async () => {
  const io = screen();
  expect(await say("hold", BUSY, { reason: "odd", json: true }, io)).toBe(0);
  expect(CommandAnswer.parse(JSON.parse(io.out()))).toMatchObject({ outcome: "written", subject: { id: BUSY } });
});

it("is said twice and taken once: exit 0, and it says so", async () => {
  await say("hold", BUSY, { reason: "odd" }, screen());
  const io = screen();
  expect(await say("hold", BUSY, { reason: "again" }, io)).toBe(0);
  expect(io.out()).toMatch(/^Already so: Machine m-00000001 of pool linux is held by alice: odd\./);
});

describe("failures", () => {
  it.each<[string, (io: CommandIo) => Promise<number>, number, RegExp]>([
    ["nothing of that name", (io) => say("drain", "m-nothing0", {}, io), 4, /draining m-nothing0/],
    ["nothing named", (io) => say("drain", " ", {}, io), 2, /nothing is named/],
    ["no reason to hold", (io) => say("hold", BUSY, {}, io), 2, /no reason is given/],
    ["an empty pool", (io) => runPoolsCommand("thaw", "", { server }, io), 2, /nothing is named/],
    [
      "no force",
      (io) => say("terminate", BUSY, { reason: "odd" }, io),
      2,
      /-> `holdfast drain m-00000001` takes it out/,
    ],
    ["no force, no reason", (io) => say("terminate", BUSY, {}, io), 2, /--force/],
    ["gone", (io) => say("hold", "m-00000002", { reason: "odd" }, io), 1, /is gone/],
  ])("%s", async (_name, run, exitCode, text) => {
    const io = screen();
    expect(await run(io)).toBe(exitCode);
    expect(io.out()).toBe("");
    expect(io.err()).toMatch(text);
  });

  it("a reader may not", async () => {
    const io = screen({ environment: { HOLDFAST_TOKEN: BOB.token } });
    expect(await say("drain", BUSY, {}, io)).toBe(5);
    expect(io.err()).toMatch(/Use an operator with the role/);
  });

  it("held: release it first", async () => {
    await say("hold", BUSY, { reason: "odd" }, screen());
    const io = screen();
    expect(await say("terminate", BUSY, { force: true, reason: "hangs" }, io)).toBe(1);
    expect(io.err()).toMatch(/-> Release it first/);
  });

  it("frozen: thaw it first", async () => {
    await runPoolsCommand("freeze", "linux", { server }, screen());
    const io = screen();
    expect(await say("terminate", BUSY, { force: true, reason: "hangs" }, io)).toBe(1);
    expect(io.err()).toMatch(/-> Thaw it first/);
  });
});
