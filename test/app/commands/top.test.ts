import type { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runTop } from "../../../src/app/commands/top.ts";
import { shareRows, topFrame } from "../../../src/app/commands/top-frame.ts";
import { coloursOf } from "../../../src/app/terminal/io.ts";
import { textWidth } from "../../../src/app/terminal/text-width.ts";
import { FleetAnswer } from "../../../src/http/operators/answers.ts";
import { createOperatorApp } from "../../../src/http/operators/app.ts";
import { type Listener, listen } from "../../../src/http/server.ts";
import { plainAnswer } from "../../../src/http/text/plain-text.ts";
import type { Store } from "../../../src/store/store.ts";
import { openSampleStore, sampleSources } from "../../http/sample-fleet.ts";
import { clockAt, recordTelemetry, recordWakes } from "../../http/stand-ins.ts";
import { lastPicture, openFakeLive, openFakeTerminal } from "../terminal/fake-terminal.ts";
import { openScreen } from "./screen.ts";

const EVERYONE = { name: "everyone", role: "reader", token: null } as const;

let store: Store;
let listener: Listener;
let app: Hono;
let server = "";
beforeAll(async () => {
  store = await openSampleStore();
  const sources = sampleSources(store);
  const options = { operators: [EVERYONE], sources, telemetry: recordTelemetry(), wake: recordWakes() };
  app = createOperatorApp(options);
  listener = await listen(app, { host: "127.0.0.1", port: 0 }, "operators", clockAt(0));
  server = `http://127.0.0.1:${listener.port}`;
});
afterAll(async () => {
  await listener.close();
  await store.close();
});

describe.each([
  [80, 24],
  [200, 50],
  [40, 10],
])("on %i columns and %i rows", (columns, rows) => {
  it("looks as it should, and fits", async () => {
    const live = openFakeLive([], openFakeTerminal({ columns, rows }));
    const io = openScreen({ columns });
    expect(await runTop({ server }, io, live)).toBe(0);
    const picture = lastPicture(live.terminal.written());
    await expect(`${picture.join("\n")}\n`).toMatchFileSnapshot(`golden/top-${columns}.txt`);
    expect(picture.length).toBeLessThanOrEqual(rows);
    for (const line of picture) expect(textWidth(line), line).toBeLessThanOrEqual(columns);
  });
});

async function readFleet(): Promise<FleetAnswer> {
  const response = await app.request("/api/v1/fleet");
  return plainAnswer(FleetAnswer.parse(await response.json()));
}

const colours = coloursOf(openScreen());
const drawn = (fleet: FleetAnswer, columns: number, rows: number) =>
  topFrame(fleet, { size: { columns, rows }, silence: null, everyMs: 2_000, colours });

it("fits any size, however much there is", async () => {
  const fleet = await readFleet();
  const many = <Row>(rows: readonly Row[]) => Array.from({ length: 50 }, () => rows).flat();
  const { status } = fleet;
  const full: FleetAnswer = {
    status: {
      ...status,
      pools: many(status.pools),
      health: { ...status.health, problems: many(["the store is slow"]) },
    },
    waiting: { ...fleet.waiting, jobs: many(fleet.waiting.jobs), isMore: true },
    moving: { ...fleet.moving, machines: many(fleet.moving.machines) },
    unknown: { ...fleet.unknown, machines: many(fleet.unknown.machines) },
    ended: { ...fleet.ended, machines: many(fleet.ended.machines), isMore: true },
  };
  for (const one of [fleet, full])
    for (const columns of [40, 61, 80, 100, 200])
      for (const rows of [1, 3, 10, 24, 50]) {
        const lines = drawn(one, columns, rows);
        expect(lines.length, `${columns}x${rows}`).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(textWidth(line), line).toBeLessThanOrEqual(columns);
      }
  const whole = drawn(full, 200, 60).join("\n");
  for (const head of ["POOL", "WAITING JOB", "UNKNOWN", "IN MOTION", "ENDED"]) expect(whole).toContain(`\n${head} `);
  expect(whole).toMatch(/and 4\d more: `holdfast status`/);
  expect(whole).toMatch(/\nand more$/);
});

it("says over the last picture that the server is silent", async () => {
  const silence = { forMs: 12_000, wrong: "no answer: ECONNREFUSED", since: "16:09:48" };
  const lines = topFrame(await readFleet(), { size: { columns: 120, rows: 24 }, silence, everyMs: 2_000, colours });
  expect(lines).toContain("No answer since 16:09:48 UTC, 12s: ECONNREFUSED; asked every 2s.");
});

describe("the share of each part", () => {
  it.each<[string, number, readonly number[], readonly number[]]>([
    ["all, where there is room", 30, [2, 3, 0, 4], [2, 3, 0, 4]],
    ["equal, where all want more", 15, [9, 9, 9], [3, 3, 3]],
    ["what a short one leaves goes to the long ones", 15, [1, 9, 9], [1, 4, 4]],
    ["the first ones, where there is room for few", 7, [9, 9, 9], [2, 1, 0]],
    ["the first one alone", 4, [9, 9, 9], [2, 0, 0]],
    ["none without room for a head", 2, [9], [0]],
    ["none where nothing is wanted", 20, [0, 0], [0, 0]],
    ["none of less than nothing", -3, [4], [0]],
  ])("%s", (_name, roomCount, wanted, shares) => {
    expect(shareRows(roomCount, wanted)).toEqual(shares);
  });
});

describe("where there is no terminal", () => {
  it("says what to use instead", async () => {
    const io = openScreen({ isTTY: false });
    expect(await runTop({ server }, io, { ...openFakeLive([]), terminal: null })).toBe(2);
    expect(io.err()).toMatch(/no terminal to draw on\n {2}-> Use `holdfast status --watch`/);
  });

  it("writes with --json a line for each look", async () => {
    const io = openScreen({ isTTY: false });
    const live = openFakeLive([() => undefined]);
    expect(await runTop({ server, json: true }, io, live)).toBe(0);
    const lines = io.out().trimEnd().split("\n");
    expect(lines.map((line) => FleetAnswer.parse(JSON.parse(line)).status.controllerId)).toEqual(["ci-eu", "ci-eu"]);
    expect(live.terminal.written()).toBe("");
  });
});
