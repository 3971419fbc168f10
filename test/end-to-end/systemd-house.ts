/**
 * A real systemd as the first process of namespaces of its own: its processes, mounts, units and control groups are nobody
 * else's, and go with it. What is written to `/etc` and `/opt` there is written to memory, over what this computer has. For
 * what only systemd itself can show.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { eventually } from "../agent/agent-yard.ts";

const SYSTEMD = "/usr/lib/systemd/systemd";
const COMMAND_TIMEOUT_MS = 20_000;
const TARGET = "holdfast-test.target";
/** Everything stops for it, in the order of a shutdown; what comes after that at a real one, the end of the system, does not. */
export const SHUTDOWN = "holdfast-shutdown.target";

/** Why there can be none on this computer; null where there can. */
export function whyNoSystemd(): string | null {
  if (process.platform !== "linux") return "no Linux";
  if (process.getuid?.() !== 0) return "not root";
  if (!existsSync(SYSTEMD)) return "no systemd";
  if (!readFileSync("/proc/filesystems", "utf8").includes("\toverlay\n")) return "no overlays";
  if (controlGroupMount() === null) return "no control groups of version 2";
  const probe = spawnSync("unshare", ["--pid", "--fork", "--mount", "--ipc", "--uts", "--cgroup", "true"]);
  return probe.status === 0 ? null : "no namespaces";
}

function controlGroupMount(): string | null {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const [, , , , path] = lines.find((line) => line.includes(" - cgroup2 "))?.split(" ") ?? [];
  return path ?? null;
}

export interface SystemdHouse {
  /** What `systemctl` prints. @throws where it ends with another status than 0. */
  systemctl(...words: readonly string[]): string;
  /** A script, run there by `sh`. */
  run(file: string, ...words: readonly string[]): { readonly status: number | null; readonly said: string };
  isOver(): boolean;
  log(): string;
  end(): Promise<void>;
}

/** @param folder for its units, and in `opt` for what is in its `/opt`. @param units by their names. */
export async function startSystemd(folder: string, units: Readonly<Record<string, string>>): Promise<SystemdHouse> {
  for (const name of ["units", "opt", "memory"]) mkdirSync(join(folder, name), { recursive: true });
  const none = "[Unit]\nDefaultDependencies=no\n";
  const own = {
    [TARGET]: `${none}AllowIsolate=yes\n`,
    "network-online.target": none,
    [SHUTDOWN]: `${none}Requires=shutdown.target\nAfter=shutdown.target\n`,
    ...units,
  };
  for (const [name, text] of Object.entries(own)) {
    const file = join(folder, "units", name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const group = join(controlGroupMount() ?? "", `holdfast-test-${process.pid}`);
  mkdirSync(group, { recursive: true });
  const enter = `echo $$ > ${group}/cgroup.procs
exec unshare --pid --fork --kill-child --mount --ipc --uts --cgroup sh -c '${bootScript(folder)}'`;
  const lines: string[] = [];
  const child = spawn("sh", ["-eu", "-c", enter], { stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => void lines.push(String(chunk)));
  const house = houseOf(child, group, lines);
  await eventually("systemd", () => {
    if (house.isOver()) throw new Error(`systemd did not start: ${house.log()}`);
    return spawnSync("nsenter", [...house.enter(), "systemctl", "is-active", TARGET]).status === 0;
  });
  return house;
}

/** Every mount is private before anything is mounted; what would touch the system's own file systems is not started. */
function bootScript(folder: string): string {
  return `mount --make-rprivate /
mount -t tmpfs tmpfs ${folder}/memory
for place in etc opt; do
  mkdir -p ${folder}/memory/$place ${folder}/memory/$place-work
  lower=/$place
  test $place = etc || lower=${folder}/opt:/opt
  mount -t overlay -o lowerdir=$lower,upperdir=${folder}/memory/$place,workdir=${folder}/memory/$place-work overlay /$place
done
mount -t proc proc /proc
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /run
mkdir -p /run/lock
mount --bind ${folder}/units /etc/systemd/system
for wants in sysinit local-fs; do
  test ! -d /usr/lib/systemd/system/$wants.target.wants || mount -t tmpfs tmpfs /usr/lib/systemd/system/$wants.target.wants
done
ln -s /dev/null /etc/systemd/system/systemd-remount-fs.service
exec env -i container=holdfast-test PATH="$PATH" ${SYSTEMD} --system --unit=${TARGET} --log-target=console --show-status=no`;
}

function houseOf(child: ChildProcess, group: string, lines: readonly string[]) {
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  const enter = () => ["-t", String(firstProcessOf(child.pid ?? 0)), "-p", "-m", "-i", "-u", "-C"];
  return {
    isOver,
    enter,
    log: () => lines.join(""),
    systemctl: (...words: readonly string[]) => {
      const options = { encoding: "utf8", timeout: COMMAND_TIMEOUT_MS } as const;
      const { status, stdout, stderr } = spawnSync("nsenter", [...enter(), "systemctl", ...words], options);
      if (status !== 0) throw new Error(`systemctl ${words.join(" ")} ended with ${status}: ${stdout}${stderr}`);
      return stdout.trim();
    },
    run: (file: string, ...words: readonly string[]) => {
      const options = { encoding: "utf8", timeout: COMMAND_TIMEOUT_MS } as const;
      const { status, stdout, stderr } = spawnSync("nsenter", [...enter(), "sh", file, ...words], options);
      return { status, said: stdout + stderr };
    },
    end: async () => {
      // With `--kill-child` its first process ends with it, and with that every other one.
      if (!isOver()) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      await eventually("the end of its control groups", () => removeGroup(group));
    },
  };
}

/** Of the processes whose parent is `unshare`. */
function firstProcessOf(parentPid: number): number {
  const children = readFileSync(`/proc/${parentPid}/task/${parentPid}/children`, "utf8").trim();
  return Number(children.split(" ")[0] || "0");
}

/** Folders of control groups go one by one, from below, once nothing runs in them. */
function removeGroup(folder: string): boolean {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) removeGroup(join(folder, entry.name));
    rmdirSync(folder);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return true;
    if (code === "EBUSY") return false;
    throw error;
  }
}
