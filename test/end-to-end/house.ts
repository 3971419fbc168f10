/**
 * The whole system for a test: a simulated GitHub in the test's process, the controller as a process of its own that can be
 * killed, machines as real processes. What is true is asked of GitHub's model and of the process table, never of the
 * controller.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRunnerFolder } from "../../src/simulator/runner/folder.ts";
import {
  type SimulatedGitHub,
  type SimulatedGitHubOptions,
  startSimulatedGitHub,
} from "../../src/simulator/server/simulated-github.ts";
import { type HousePlan, LABELS, type PoolOverrides, plainFront, settle } from "./settings.ts";

export type { PoolOverrides } from "./settings.ts";

const READY_PATIENCE_MS = 60_000;
const POLL_MS = 50;

export interface House {
  readonly github: SimulatedGitHub;
  readonly directory: string;
  readonly controllerId: string;
  /** Where the operators' side is. */
  readonly url: string;
  /** Of the first connection. */
  readonly webhookSecret: string;
  queue(steps: readonly string[], name?: string): number;
  start(): Promise<void>;
  /** Starts it without waiting for anything. */
  spawn(): void;
  untilReady(): Promise<void>;
  /** SIGKILL, and waits until the process is gone. */
  kill(): Promise<void>;
  /** To the controller, if it runs. */
  signal(name: "SIGSTOP" | "SIGCONT"): void;
  get<Answer>(path: string): Promise<Answer>;
  /** Processes that carry the mark of this house's machines, from the process table. */
  processes(): readonly MarkedProcess[];
  machineFolders(): readonly string[];
  /** Waits until GitHub calls all of them completed. @returns their conclusions, in the order of the jobs. */
  untilCompleted(ids: readonly number[], timeoutMs: number): Promise<readonly (string | null)[]>;
  /** Waits until no machine, process, registration or folder is left. */
  untilEmpty(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface MarkedProcess {
  readonly pid: number;
  readonly machineId: string;
  readonly name: string;
  readonly command: string;
}

/** One pool over one organization, by a token: the simplest there is. */
export async function openHouse(pool: PoolOverrides = {}, github: SimulatedGitHubOptions = {}): Promise<House> {
  return openHouseAt(await startGitHub(github), { pools: [pool] });
}

/** For a test that needs GitHub's address before it can say how to get there. The house closes it. */
export function startGitHub(options: SimulatedGitHubOptions = {}): Promise<SimulatedGitHub> {
  return startSimulatedGitHub({ repositories: ["acme/widgets"], redeliverFailedEveryMs: 500, ...options });
}

/** Any house; what the plan leaves out is as in the simplest. */
export async function openHouseAt(github: SimulatedGitHub, plan: Partial<HousePlan>): Promise<House> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-test-"));
  createRunnerFolder(join(directory, "runner"));
  const [port = 0] = await findFreePorts(1);
  const whole: HousePlan = {
    controllerId: `test-${randomBytes(4).toString("hex")}`,
    connections: { main: {} },
    pools: [{}],
    front: plainFront(port),
    ...plan,
  };
  const [webhookSecret = ""] = settle(directory, whole, github).values();
  const { controllerId, front, environment = {} } = whole;
  return houseOf({ directory, github, controllerId, url: front.operatorsUrl, webhookSecret }, environment);
}

type HouseFacts = Pick<House, "directory" | "github" | "controllerId" | "url" | "webhookSecret">;

function houseOf(facts: HouseFacts, environment: Readonly<Record<string, string>>): House {
  let child: ChildProcess | null = null;
  const kill = async (): Promise<void> => {
    const running = child;
    child = null;
    if (running === null || running.exitCode !== null || running.signalCode !== null) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    running.kill("SIGKILL");
    await ended;
  };
  const house: House = {
    ...facts,
    queue: (steps, name = "job") =>
      facts.github.queueJob({ repository: "acme/widgets", labels: LABELS, steps: [...steps], name }),
    start: () => {
      house.spawn();
      return house.untilReady();
    },
    spawn: () => {
      child = spawnServer(facts.directory, environment);
    },
    untilReady: () =>
      until(
        () => isReady(facts.url),
        READY_PATIENCE_MS,
        () => `the server is not ready: ${serverLog(facts)}`,
      ),
    kill,
    signal: (name) => {
      child?.kill(name);
    },
    get: async (path) => (await (await fetch(`${facts.url}${path}`)).json()) as never,
    processes: () => markedProcesses(facts.controllerId),
    machineFolders: () => machineFolders(facts),
    untilCompleted: async (ids, timeoutMs) => {
      const jobsOf = () => facts.github.jobs().filter((job) => ids.includes(job.id));
      await until(
        () => jobsOf().every((job) => job.status === "completed"),
        timeoutMs,
        () =>
          `${jobsOf()
            .map((job) => `${job.id} ${job.phase}`)
            .join(", ")}\n${serverLog(facts)}`,
      );
      return jobsOf().map((job) => job.conclusion);
    },
    untilEmpty: (timeoutMs) =>
      until(
        async () => describeLeft(house) === "",
        timeoutMs,
        () => `left: ${describeLeft(house)}\n${serverLog(facts)}`,
      ),
    close: async () => {
      await kill();
      for (const { pid } of markedProcesses(facts.controllerId)) endQuietly(pid);
      await facts.github.close();
      rmSync(facts.directory, { recursive: true, force: true });
      rmSync(sharedMemory(facts.controllerId), { recursive: true, force: true });
    },
  };
  return house;
}

function describeLeft(house: House): string {
  const processes = house.processes().map((one) => `${one.machineId}:${one.name}`);
  const registrations = house.github.runners().map((runner) => runner.name);
  const left = [...processes, ...registrations, ...house.machineFolders()];
  return left.join(", ");
}

function spawnServer(directory: string, environment: Readonly<Record<string, string>>): ChildProcess {
  const log = openSync(join(directory, "server.log"), "a");
  const file = new URL("../../bin/holdfast.js", import.meta.url).pathname;
  return spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", file, "serve", "--config", join(directory, "holdfast.yaml")],
    { stdio: ["ignore", log, log], cwd: directory, env: { ...serverEnvironment(), ...environment } },
  );
}

/** No variable of whoever runs the tests, a proxy above all, decides which way it goes. */
function serverEnvironment(): Record<string, string | undefined> {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  return { PATH, HOME, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }) };
}

function serverLog({ directory }: HouseFacts): string {
  const file = join(directory, "server.log");
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(-30).join("\n") : "no log";
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/readyz`);
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}

export async function until(
  isTrue: () => boolean | Promise<boolean>,
  timeoutMs: number,
  describe: () => string,
): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${describe()}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** That many different ones: each is held until all are found. */
export async function findFreePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ports.push((server.address() as AddressInfo).port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function markedProcesses(controllerId: string): readonly MarkedProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readMarked(Number(name), controllerId));
}

function readMarked(pid: number, controllerId: string): readonly MarkedProcess[] {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    const prefix = `HOLDFAST_MACHINE=${controllerId}/`;
    const mark = environment.find((entry) => entry.startsWith(prefix));
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const state = stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
    if (mark === undefined || state === "Z") return [];
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ");
    const name = readFileSync(`/proc/${pid}/comm`, "utf8").trim();
    return [{ pid, machineId: mark.slice(prefix.length), name, command }];
  } catch {
    return [];
  }
}

/** The machines of which a folder is left: their own, what remains of an ended one, or one on tmpfs. */
function machineFolders({ directory, controllerId }: HouseFacts): readonly string[] {
  const folder = join(directory, "machines", controllerId);
  const places = [folder, join(folder, "ending"), join(folder, "remains"), sharedMemory(controllerId)];
  const names = places.flatMap(namesIn);
  return [...new Set(names.filter((name) => name.startsWith("m-")))];
}

function sharedMemory(controllerId: string): string {
  return join("/dev/shm/holdfast", controllerId);
}

function endQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}

/** None where there is no such folder, or no longer. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
