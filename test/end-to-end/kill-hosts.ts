/**
 * The machines of a house as the test sees them: by the provider's folders and the process table, never by what the
 * controller says.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { House } from "./house.ts";

export interface Places {
  /** A folder for each machine. */
  readonly machines: string;
  readonly volatile: string;
}

export function placesOf({ directory, controllerId }: Pick<House, "directory" | "controllerId">): Places {
  return { machines: join(directory, "machines", controllerId), volatile: join("/dev/shm/holdfast", controllerId) };
}

export interface Agent {
  readonly machineId: string;
  readonly pid: number;
}

export function listNames(folder: string, prefix = ""): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.startsWith(prefix));
  } catch {
    return [];
  }
}

/** The text of a small file; empty where there is none. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/**
 * The agents that live: a launcher names itself in its machine's folder, and the agent is its only child. Both carry the
 * machine's mark.
 */
export function findAgents(house: House): readonly Agent[] {
  const { machines } = placesOf(house);
  return listNames(machines, "m-").flatMap((machineId) => {
    const launcher = Number(readText(join(machines, machineId, "started")));
    if (!(launcher > 1)) return [];
    const children = readText(`/proc/${launcher}/task/${launcher}/children`).trim().split(" ").filter(Boolean);
    return children.map(Number).flatMap((pid) => (isMarked(pid, house, machineId) ? [{ machineId, pid }] : []));
  });
}

function isMarked(pid: number, { controllerId }: House, machineId: string): boolean {
  return readText(`/proc/${pid}/environ`).split("\0").includes(`HOLDFAST_MACHINE=${controllerId}/${machineId}`);
}

/** Whether it is there and no zombie. */
export function isAlive(pid: number): boolean {
  const stat = readText(`/proc/${pid}/stat`);
  return stat !== "" && stateOf(stat) !== "Z";
}

function stateOf(stat: string): string {
  return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
}

/** What the killed agent's machine was at, by what is left there. */
export function phaseOfMachine(house: House, machineId: string): string {
  const { machines, volatile } = placesOf(house);
  const own = house.processes().filter((one) => one.machineId === machineId);
  const listener = own.find(({ name }) => name === "Runner.Listener");
  if (listener !== undefined && stateOf(readText(`/proc/${listener.pid}/stat`)) === "T") return "listener suspended";
  if (own.some(({ name }) => name === "Runner.Worker")) return "job runs";
  if (listener !== undefined) {
    const isFenced = listNames(join(volatile, machineId, "fences")).length > 0;
    return isFenced ? "fence around a listener" : "listener without a Worker";
  }
  if (existsSync(join(machines, "ended", machineId))) return "being ended";
  const roots = join(machines, machineId, "roots");
  if (listNames(roots, "t-").length > 0) return "ticket without a listener";
  if (existsSync(join(roots, "next"))) return "parked";
  return existsSync(join(machines, machineId, "agent.lock")) ? "preparing" : "starting";
}

/**
 * Processes that should not be there once the fleet is empty: anything that names the house's folders on its command line
 * (watchdogs, which carry no mark) besides the controller, and anything with the mark.
 */
function listLeftProcesses(house: House): readonly string[] {
  const { machines, volatile } = placesOf(house);
  const marked = new Set(house.processes().map(({ pid }) => pid));
  return listNames("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const command = readText(`/proc/${pid}/cmdline`).split("\0").join(" ");
      const isOurs = marked.has(Number(pid)) || command.includes(machines) || command.includes(volatile);
      return isOurs ? [`process ${pid} (${stateOf(readText(`/proc/${pid}/stat`))}) ${command}`] : [];
    });
}

/** Everything on this host that is left of machines. */
export function listLeft(house: House): readonly string[] {
  const folders = house.machineFolders().map((machineId) => `folder ${machineId}`);
  const registrations = house.github.runners().map(({ name }) => `registration ${name}`);
  return [...listLeftProcesses(house), ...folders, ...registrations];
}
