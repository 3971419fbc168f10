/** The agent's loop on a member that sleeps: what waits for it when it wakes is judged by what its group wants now. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Ground, inheritsFew, UNTOLD_GROUND } from "../../src/agent/ground.ts";
import { Inbox } from "../../src/agent/inbox.ts";
import { openJournal } from "../../src/agent/journal.ts";
import { Loop } from "../../src/agent/loop.ts";
import { makePlaces } from "../../src/agent/places.ts";
import { system } from "../../src/agent/system.ts";
import type { Talk } from "../../src/agent/talk.ts";
import { phaseOf, reportOf } from "../../src/domain/host/report.ts";
import { type HostState, NEW_HOST } from "../../src/domain/host/state.ts";
import { parseControllerId, parseMachineId, parseProviderId, parseTicketId } from "../../src/domain/ids.ts";
import { HOUR_MS } from "../../src/domain/units.ts";
import { eventually } from "./agent-yard.ts";

const ANSWER = {
  storeGeneration: 0,
  confirmedEnds: [],
  ticketOut: null,
  isRetiring: false,
  handBack: null,
  isPinned: false,
};
const TICKET = { id: parseTicketId("t-00000001"), runnerName: "runner-1", jitConfig: "secret" };

let base: string;
let asleepForMs: number;
let state: HostState;
const inbox = new Inbox();
let ended: Promise<void>;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "holdfast-loop-"));
  asleepForMs = 0;
  state = NEW_HOST;
  mkdirSync(join(base, "runner"));
  const directories = { directory: join(base, "agent"), volatileDirectory: join(base, "run") };
  const settings = {
    ...directories,
    controllerUrl: "http://127.0.0.1:9",
    controllerId: parseControllerId("main"),
    machineId: parseMachineId("m-i0123456789abcdef0"),
    providerId: parseProviderId("i-0123456789abcdef0"),
    runnerDirectory: join(base, "runner"),
    runnerEnvironment: {},
  };
  const ground: Ground = {
    ...UNTOLD_GROUND,
    isMember: true,
    settings,
    bootId: "boot-1",
    readIdentity: () => Promise.reject(new Error("nobody asks")),
    runnerHost: { isOtherUser: false, findOwner: () => null, wrap: async () => [], inherits: inheritsFew },
    powerOff: () => expect.unreachable(),
  };
  const places = makePlaces(directories);
  const talk = {
    update: (next: HostState) => {
      state = next;
    },
    reportNow: () => {},
    sendLogs: async () => true,
  } as unknown as Talk;
  const log = { path: join(base, "log"), write: () => {} };
  const journal = openJournal(places.directory, places.rootsDirectory);
  const sleepy = { ...system, wallClockMs: () => Date.now() + asleepForMs };
  ended = new Loop({ ground, places, journal, isSameBoot: false, inbox, talk, log, system: sleepy }).run();
});

afterEach(async () => {
  void inbox.put({ kind: "asked-to-stop" });
  await eventually("the end of the loop", answerLeaving);
  await ended;
  rmSync(base, { recursive: true, force: true });
});

/** As a controller that hears of its leaving. */
function answerLeaving(): boolean {
  if (state.isOver) return true;
  const report = reportOf(state);
  const confirmedEnds = report.ended.map(({ id }) => id);
  void inbox.put({ kind: "report-answered", report, answer: { ...ANSWER, confirmedEnds } });
  return false;
}

const journaled = () => readFileSync(join(base, "agent", "journal.jsonl"), "utf8");
const tellServing = () => inbox.put({ kind: "service-told", service: "serving" });

it("refuses a ticket that came while it slept, with an old word of its group's before it", async () => {
  await tellServing();
  await eventually("a root", () => state.place.kind === "ready");
  await inbox.put({ kind: "report-answered", report: reportOf(state), answer: ANSWER });
  expect(phaseOf(state)).toBe("parked");
  asleepForMs = HOUR_MS;
  void tellServing();
  await inbox.put({ kind: "polled", answer: { kind: "ticket", ticket: TICKET } });
  expect(journaled()).toContain('"refused"');
  expect(journaled()).not.toContain('"taken"');
  await tellServing();
  expect(phaseOf(state)).toBe("parked");
});
