/** How a runner's process comes to be, where other programs stand before it. */
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { AccountError, inheritsFew, type RunnerHost } from "../../src/agent/ground.ts";
import { makePlaces, type Places, rootOf } from "../../src/agent/places.ts";
import { readProcessTable } from "../../src/agent/process-table.ts";
import { type RunnerStarted, startRunner } from "../../src/agent/runner.ts";
import { isRootUser } from "../../src/agent/system.ts";
import { sightRunner } from "../../src/domain/host/sight.ts";
import { ticketOf } from "./fake-controller.ts";

const MARK = "test/m-00000001";
let base: string;
let places: Places;
let started: RunnerStarted | null = null;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "holdfast-runner-"));
  places = makePlaces({ directory: join(base, "agent"), volatileDirectory: join(base, "volatile") });
});
afterEach(() => {
  if (started?.kind === "started") process.kill(started.process.pid, "SIGKILL");
  started = null;
  rmSync(base, { recursive: true, force: true });
});

async function start(host: Partial<RunnerHost>): Promise<RunnerStarted> {
  const ticket = ticketOf("secret");
  mkdirSync(join(rootOf(places, ticket.id), "bin"), { recursive: true });
  writeFileSync(join(rootOf(places, ticket.id), "bin", "Runner.Listener"), "#!/bin/sh\n", { mode: 0o755 });
  const whole: RunnerHost = {
    isOtherUser: false,
    findOwner: () => null,
    wrap: async () => [],
    inherits: inheritsFew,
    ...host,
  };
  return startRunner({ places, ticket, host: whole, mark: MARK, runnerEnvironment: {}, onExit: () => {} });
}

it("is seen as the listener while what stands before it has not made way", async () => {
  // It waits, whatever follows.
  started = await start({ wrap: async () => ["tail", "-f", "/dev/null"] });
  const table = readProcessTable("all");
  if (table.kind === "unknown") throw new Error(table.why);
  // An agent that does not know which process was started.
  const ours = { mark: MARK, rootsDirectory: places.rootsDirectory, started: null };
  expect(sightRunner(table.processes, ours)).toEqual({ kind: "seen", listenerCount: 1, workerCount: 0 });
});

it("may write its perf file where it is another user's", async () => {
  const own = lstatSync(base);
  const [userId, groupId] = isRootUser() ? [12_345, 12_346] : [own.uid, own.gid];
  const findOwner = () => ({ name: "runner", userId, groupId, home: "/home/runner" });
  started = await start({ isOtherUser: true, findOwner, wrap: async () => ["tail", "-f", "/dev/null"] });
  expect(started.kind).toBe("started");
  const [perf = ""] = readdirSync(places.volatileDirectory);
  const { uid, gid, mode } = lstatSync(join(places.volatileDirectory, perf));
  expect([uid, gid, mode & 0o777]).toEqual([userId, groupId, 0o700]);
});

it("is not started where its user is not there, or what stands before it", async () => {
  const wrap = async () => {
    throw new AccountError("this machine has no user");
  };
  expect(await start({ wrap })).toEqual({ kind: "not-started", why: "this machine has no user" });
  const absent = await start({ wrap: async () => [join(base, "absent")] });
  expect(absent).toMatchObject({ kind: "not-started", why: expect.stringContaining("ENOENT") });
});
