import { describe, expect, it } from "vitest";
import {
  type Belongings,
  findLeftovers,
  findListener,
  lineageOf,
  type ProcessSight,
  type SeenProcess,
  sightRunner,
} from "../../../src/domain/host/sight.ts";
import { parseTicketId } from "../../../src/domain/ids.ts";

const MARK = "main/m-12345678";
const ROOTS = "/m/roots";
const OURS: Belongings = { mark: MARK, rootsDirectory: ROOTS, started: null };
const MARKED = { kind: "marked", mark: MARK } as const;
const OTHERS = { kind: "marked", mark: "main/m-87654321" } as const;
const UNMARKED = { kind: "unmarked" } as const;
const UNREADABLE = { kind: "unreadable" } as const;

function process(more: Partial<SeenProcess>): SeenProcess {
  return {
    pid: 100,
    parentPid: 1,
    name: "bash",
    state: "S",
    isZombie: false,
    startTime: "7",
    cpuTicks: 0,
    isKernelThread: false,
    arguments: ["bash"],
    executable: null,
    workingDirectory: null,
    mark: UNMARKED,
    ...more,
  };
}

const worker = (more: Partial<SeenProcess>) => process({ name: "Runner.Worker", arguments: null, ...more });
const seen = (listenerCount: number, workerCount: number): ProcessSight => ({
  kind: "seen",
  listenerCount,
  workerCount,
});

describe("whose a runner's process is", () => {
  const root = `${ROOTS}/t-00000001`;
  it.each<[string, SeenProcess, ProcessSight]>([
    ["a Worker by its program", worker({ executable: `${root}/bin/Runner.Worker` }), seen(0, 1)],
    ["a Worker that updated itself", worker({ executable: `${root}/bin.2.336.0/Runner.Worker` }), seen(0, 1)],
    ["a Worker whose file is gone", worker({ executable: `${root}/bin/Runner.Worker (deleted)` }), seen(0, 1)],
    ["a Worker by its folder", worker({ workingDirectory: `${root}/bin` }), seen(0, 1)],
    ["a Worker by its command line", worker({ arguments: [`${root}/bin/Runner.Worker`, "spawnclient"] }), seen(0, 1)],
    [
      "a listener that is a script, its thread renamed",
      process({ name: "MainThread", executable: "/usr/bin/node", arguments: ["node", `${root}/bin/Runner.Listener`] }),
      seen(1, 0),
    ],
    ...["choom", "setpriv"].map((name): [string, SeenProcess, ProcessSight] => [
      `what is about to become the listener: ${name}`,
      process({ name, arguments: [name, "--a", "--b", "--", `${root}/bin/Runner.Listener`, "run"], mark: MARKED }),
      seen(1, 0),
    ]),
    [
      "a step of a job that only speaks of the listener",
      process({ name: "grep", arguments: ["grep", "-r", "x", `${root}/bin/Runner.Listener`], mark: MARKED }),
      seen(0, 0),
    ],
    ["a Worker that cannot be placed, with our mark", worker({ mark: MARKED }), seen(0, 1)],
    ["a Worker elsewhere with our mark", worker({ executable: "/tmp/Runner.Worker", mark: MARKED }), seen(0, 1)],
    [
      "a Worker of which nothing can be read",
      worker({ mark: UNREADABLE }),
      { kind: "unknown", why: expect.any(String) },
    ],
    ["a Worker of another machine", worker({ executable: "/n/roots/t-1/bin/Runner.Worker", mark: OTHERS }), seen(0, 0)],
    [
      "a Worker of a user whom we may not read, elsewhere",
      worker({ arguments: ["/opt/r/bin/Runner.Worker"], mark: UNREADABLE }),
      seen(0, 0),
    ],
    ["a Worker whose root only begins like ours", worker({ executable: `${ROOTS}-2/bin/Runner.Worker` }), seen(0, 0)],
    ["a zombie", worker({ isZombie: true, mark: UNREADABLE }), seen(0, 0)],
    ["a step of the job", process({ arguments: ["bash", "-e", "Runner.Worker"], mark: MARKED }), seen(0, 0)],
  ])("%s", (_name, one, sight) => {
    expect(sightRunner([one], OURS)).toEqual(sight);
  });

  it.each<[string, Partial<SeenProcess>, ProcessSight]>([
    ["whatever it calls itself now", { name: "dotnet", mark: MARKED }, seen(1, 0)],
    ["though its mark cannot be read", { name: "dotnet", mark: UNREADABLE }, seen(1, 0)],
    ["but not a later process with its number", { name: "dotnet", mark: MARKED, startTime: "8" }, seen(0, 0)],
    ["but not somebody else's with its number", { name: "dotnet", mark: UNMARKED }, seen(0, 0)],
  ])("the listener that the journal names counts %s", (_name, more, sight) => {
    const ours = { ...OURS, started: { pid: 100, startTime: "7" } };
    expect(sightRunner([process(more)], ours)).toEqual(sight);
  });
});

describe("the listener that the journal does not name", () => {
  const T1 = parseTicketId("t-00000001");
  const root = `${ROOTS}/t-00000001`;
  const listener = (more: Partial<SeenProcess> = {}) =>
    process({ name: "Runner.Listener", executable: `${root}/bin/Runner.Listener`, mark: MARKED, ...more });

  it("is the only one, under the ticket's root, with our mark", () => {
    expect(findListener([listener(), process({ pid: 1 })], OURS, T1)).toEqual({ pid: 100, startTime: "7" });
    const ours = { ...OURS, started: { pid: 99, startTime: "3" } };
    expect(findListener([listener()], ours, T1)).toEqual({ pid: 100, startTime: "7" });
  });

  it.each<[string, readonly SeenProcess[], Partial<Belongings>]>([
    ["there is none", [process({})], {}],
    ["there are two", [listener(), listener({ pid: 101 })], {}],
    ["it runs under another ticket's root", [listener({ executable: `${ROOTS}/t-00000002/bin/Runner.Listener` })], {}],
    ["it runs elsewhere", [listener({ executable: "/tmp/Runner.Listener" })], {}],
    ["its mark is another's", [listener({ mark: OTHERS })], {}],
    ["its mark cannot be read", [listener({ mark: UNREADABLE })], {}],
    ["it is a zombie", [listener({ isZombie: true })], {}],
    [
      "a listener is there of nobody knows whom",
      [listener(), listener({ pid: 101, executable: null, arguments: null, mark: UNREADABLE })],
      {},
    ],
    [
      "the one that it names is there, whatever it calls itself now",
      [listener(), process({ pid: 99, name: "dotnet", mark: MARKED })],
      { started: { pid: 99, startTime: "7" } },
    ],
  ])("is unknown where %s", (_name, processes, more) => {
    expect(findListener(processes, { ...OURS, ...more }, T1)).toBeNull();
  });
});

describe("what is left of a job", () => {
  const agent = process({ pid: 20, parentPid: 10, name: "node", mark: MARKED });
  const launcher = process({ pid: 10, parentPid: 1, name: "node", mark: MARKED });
  const sleeper = process({ pid: 30, parentPid: 1, name: "sleep", startTime: "99", mark: MARKED });
  const stranger = process({ pid: 40, name: "sleep" });
  const neighbour = process({ pid: 41, name: "sleep", mark: OTHERS });
  const hidden = process({ pid: 42, name: "sleep", mark: UNREADABLE });
  const others = [agent, launcher, stranger, neighbour, hidden];
  const spared = lineageOf(20, others);

  it("is what carries our mark and is neither the agent nor what it descends from", () => {
    expect(spared).toEqual(new Set([20, 10, 1]));
    expect(findLeftovers([...others, sleeper], OURS, spared)).toEqual({
      kind: "found",
      processes: [{ pid: 30, startTime: "99" }],
    });
    expect(findLeftovers(others, OURS, spared)).toEqual({ kind: "found", processes: [] });
  });

  it("is whatever the runners' own user runs, marked or not, where there is one", () => {
    const users = process({ pid: 40, userId: 1_001 });
    const found = { kind: "found", processes: [{ pid: 40, startTime: "7" }] };
    expect(findLeftovers([...others, users], { ...OURS, runnerUserId: 1_001 }, spared)).toEqual(found);
    for (const ours of [OURS, { ...OURS, runnerUserId: 1_002 }])
      expect(findLeftovers([...others, users], ours, spared)).toEqual({ kind: "found", processes: [] });
    const unread = process({ pid: 41 });
    expect(findLeftovers([unread], OURS, spared)).toEqual({ kind: "found", processes: [] });
  });

  it.each<[string, SeenProcess]>([
    ["a Worker", worker({ pid: 50, mark: MARKED })],
    ["a listener", process({ pid: 50, name: "Runner.Listener", mark: MARKED })],
    ["a Worker of which nothing can be read", worker({ pid: 50, mark: UNREADABLE })],
  ])("is not asked for beside %s", (_name, one) => {
    expect(findLeftovers([...others, sleeper, one], OURS, spared).kind).toBe("runner-there");
  });

  it("ends the search for ancestors where the table goes round", () => {
    const ring = [process({ pid: 2, parentPid: 3 }), process({ pid: 3, parentPid: 2 })];
    expect(lineageOf(2, ring)).toEqual(new Set([2, 3]));
  });
});
