import { expect, it } from "vitest";
import { Chance } from "../../../src/simulator/world/chance.ts";
import type { Exchange } from "../../../src/simulator/world/host.ts";
import { Network } from "../../../src/simulator/world/network.ts";
import { Scheduler } from "../../../src/simulator/world/scheduler.ts";

const START_MS = 1_000_000;
const TIMEOUT_MS = 5_000;
/** Longer than any way there or back. */
const WAY_MAX_MS = 60;
const REFUSED_MS = 50;
const HOUR_MS = 3_600_000;

interface Received {
  readonly path: string;
  readonly signal: AbortSignal;
  readonly answer: (exchange: Exchange) => void;
}

function makeScene(isTaken = true) {
  const scheduler = new Scheduler(START_MS);
  const received: Received[] = [];
  const network = new Network(scheduler, new Chance(1), {
    receive: (path, _token, _body, signal, answer) => {
      received.push({ path, signal, answer });
      return isTaken;
    },
  });
  const answers: { readonly atMs: number; readonly status: number | null }[] = [];
  const send = (from = "i-1") =>
    network.send(from, { path: "report", token: null, body: {}, timeoutMs: TIMEOUT_MS }, (exchange) =>
      answers.push({ atMs: scheduler.nowMs - START_MS, status: exchange?.status ?? null }),
    );
  const pass = (forMs: number) => scheduler.runUntil(scheduler.nowMs + forMs);
  return { scheduler, network, received, answers, send, pass };
}

const OK: Exchange = { status: 200, body: {} };

it("takes a call to the controller and its answer back, each in a moment", async () => {
  const { received, answers, send, pass } = makeScene();
  send();
  await pass(1);
  expect(received).toEqual([]);
  await pass(WAY_MAX_MS);
  expect(received.map(({ path }) => path)).toEqual(["report"]);
  received[0]?.answer(OK);
  expect(answers).toEqual([]);
  await pass(WAY_MAX_MS);
  expect(answers.map(({ status }) => status)).toEqual([200]);
  await pass(HOUR_MS);
  expect(answers).toHaveLength(1);
  expect(received[0]?.signal.aborted).toBe(false);
});

it("gives up where no answer comes, breaks the call off, and takes no answer any more", async () => {
  const { received, answers, send, pass } = makeScene();
  send();
  await pass(TIMEOUT_MS);
  expect(answers).toEqual([{ atMs: TIMEOUT_MS, status: null }]);
  await pass(WAY_MAX_MS);
  expect(received[0]?.signal.aborted).toBe(true);
  received[0]?.answer(OK);
  await pass(HOUR_MS);
  expect(answers).toHaveLength(1);
});

it("calls nobody back who broke off, and the controller sees it a moment later", async () => {
  const { received, answers, send, pass } = makeScene();
  const breakOff = send();
  await pass(WAY_MAX_MS);
  breakOff();
  expect(received[0]?.signal.aborted).toBe(false);
  await pass(WAY_MAX_MS);
  expect(received[0]?.signal.aborted).toBe(true);
  received[0]?.answer(OK);
  await pass(HOUR_MS);
  expect(answers).toEqual([]);
});

it("is refused soon where nobody takes the call", async () => {
  const { answers, send, pass } = makeScene(false);
  send();
  await pass(WAY_MAX_MS + REFUSED_MS);
  expect(answers.map(({ status }) => status)).toEqual([null]);
  await pass(HOUR_MS);
  expect(answers).toHaveLength(1);
});

it("says so where the controller's process died with the call", async () => {
  const { received, answers, send, pass } = makeScene();
  send();
  await pass(WAY_MAX_MS);
  received[0]?.answer(null);
  await pass(WAY_MAX_MS);
  expect(answers.map(({ status }) => status)).toEqual([null]);
});

it.each(["controller", "both"] as const)("loses the calls of a machine that is cut off from %s", async (from) => {
  const { network, received, answers, send, pass } = makeScene();
  network.cutOff("i-1", from, HOUR_MS);
  send("i-1");
  send("i-2");
  await pass(WAY_MAX_MS);
  expect(received).toHaveLength(1);
  received[0]?.answer(OK);
  await pass(TIMEOUT_MS);
  expect(answers.map(({ status }) => status)).toEqual([200, null]);
});

it("loses an answer that comes back to a machine which is cut off by then", async () => {
  const { network, received, answers, send, pass } = makeScene();
  send();
  await pass(WAY_MAX_MS);
  network.cutOff("i-1", "controller", HOUR_MS);
  received[0]?.answer(OK);
  await pass(TIMEOUT_MS);
  expect(answers).toEqual([{ atMs: TIMEOUT_MS, status: null }]);
});

it.each([
  ["controller", false, true],
  ["github", true, false],
  ["both", false, false],
] as const)(
  "cut off from %s: reaches the controller %s, GitHub %s, and both again afterwards",
  async (from, controller, github) => {
    const { network, pass } = makeScene();
    const reached = () => [network.reaches("i-1", "controller"), network.reaches("i-1", "github")];
    network.cutOff("i-1", from, 1_000);
    expect(reached()).toEqual([controller, github]);
    expect(network.reaches("i-2", "controller")).toBe(true);
    await pass(999);
    expect(reached()).toEqual([controller, github]);
    await pass(1);
    expect(reached()).toEqual([true, true]);
  },
);

it("lasts as long as the longer one of two cuts, and as wide as both", async () => {
  const { network, pass } = makeScene();
  network.cutOff("i-1", "both", 10_000);
  network.cutOff("i-1", "controller", 1_000);
  await pass(5_000);
  expect(network.reaches("i-1", "controller")).toBe(false);
  expect(network.reaches("i-1", "github")).toBe(false);
  network.cutOff("i-1", "github", 10_000);
  await pass(5_000);
  expect(network.reaches("i-1", "controller")).toBe(true);
  expect(network.reaches("i-1", "github")).toBe(false);
});
