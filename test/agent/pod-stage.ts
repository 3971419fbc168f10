/**
 * A pod's containers as a node runs them, made of this machine: a root folder of their own with this system's programs in
 * it, a table of processes of their own, and the user of GitHub's image. What an image brings is a stand-in for the runner.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { POD_HOME, POD_RUNNER_DIRECTORY, POD_TOKEN_FOLDER } from "../../src/domain/host/pod-settings.ts";
import { createRunnerFolder } from "../../src/simulator/runner/folder.ts";

const REPOSITORY = realpathSync(join(import.meta.dirname, "..", ".."));
const USER = "1001:1001";
const SYSTEM_FOLDERS = ["bin", "sbin", "lib", "lib32", "lib64", "usr", "etc", "dev"] as const;

/** What this machine does not allow, in words; null where a container can be made. */
export function whyNoContainers(): string | null {
  if (process.getuid?.() !== 0) return "the tests are not run by root";
  const tried = spawnSync("unshare", ["-m", "-p", "-f", "sh", "-c", "mount -t tmpfs none /mnt"]);
  return tried.status === 0 ? null : "no namespaces of mounts and processes can be made";
}

export interface Container {
  /** Outside of its namespace; null before it is there. */
  firstPid(): number | null;
  output(): string;
  readonly exited: Promise<number | null>;
}

export class PodStage {
  readonly #folder = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-pod-")));
  readonly #running: { readonly child: ChildProcess; readonly container: Container }[] = [];

  constructor() {
    for (const name of ["root", "home", "secrets"]) mkdirSync(join(this.#folder, name), { mode: 0o755 });
    chmodSync(this.home, 0o777);
    const runner = join(this.#folder, "runner");
    createRunnerFolder(runner);
    mkdirSync(join(runner, "externals", "node24", "bin"), { recursive: true });
    symlinkSync(realpathSync(process.execPath), join(runner, "externals", "node24", "bin", "node"));
    for (const name of SYSTEM_FOLDERS.filter(isLink))
      symlinkSync(readlinkSync(`/${name}`), join(this.#folder, "root", name));
    for (const { place } of this.#mounts()) makeMountPoint(place.source, join(this.#folder, "root", place.target));
    for (const name of ["proc", "tmp"]) mkdirSync(join(this.#folder, "root", name), { recursive: true });
    chmodSync(join(this.#folder, "root", "tmp"), 0o1777);
  }

  /** The pod's own volume, from outside. */
  get home(): string {
    return join(this.#folder, "home");
  }

  writeToken(token: string): void {
    writeFileSync(join(this.#folder, "secrets", "token"), token, { mode: 0o644 });
  }

  /** @param script what the spec has after `/bin/sh -c`. */
  run(script: string, environment: Readonly<Record<string, string>>): Container {
    const root = join(this.#folder, "root");
    const mounts = this.#mounts().map(
      ({ option, place }) => `mount ${option} '${place.source}' '${root}${place.target}'`,
    );
    const setUp = ["set -e", ...mounts, `mount -t tmpfs -o mode=1777 none '${root}/dev/shm'`].join("\n");
    const enter = `exec chroot --userspec=${USER} '${root}' /bin/sh -c "$0"`;
    const child = spawn(
      "unshare",
      ["-m", "-p", "-f", `--mount-proc=${root}/proc`, "sh", "-c", `${setUp}\n${enter}`, script],
      {
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: POD_RUNNER_DIRECTORY, ...environment },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    const container: Container = {
      firstPid: () => childrenOf(child.pid ?? 0)[0] ?? null,
      output: () => output,
      exited: new Promise((resolve) => child.once("close", (code) => resolve(code))),
    };
    this.#running.push({ child, container });
    return container;
  }

  /** The end of a first process is the end of all in its namespace. */
  async clear(): Promise<void> {
    for (const { child, container } of this.#running) {
      const first = container.firstPid();
      if (child.exitCode === null && first !== null) process.kill(first, "SIGKILL");
      await container.exited;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A link of this system's is one in there too, and needs no mount. */
  #mounts() {
    const system = SYSTEM_FOLDERS.filter((name) => existsSync(`/${name}`) && !isLink(name));
    const bind = (source: string, target = source) => ({ option: "--bind", place: { source, target } });
    return [
      ...system.map((name) => ({ option: "--rbind", place: { source: `/${name}`, target: `/${name}` } })),
      bind(REPOSITORY),
      bind(realpathSync(process.execPath)),
      bind(join(this.#folder, "runner"), POD_RUNNER_DIRECTORY),
      bind(this.home, POD_HOME),
      bind(join(this.#folder, "secrets"), POD_TOKEN_FOLDER),
    ];
  }
}

function isLink(name: string): boolean {
  return lstatSync(`/${name}`, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function makeMountPoint(source: string, target: string): void {
  const isFolder = lstatSync(source).isDirectory();
  mkdirSync(isFolder ? target : dirname(target), { recursive: true });
  if (!isFolder) writeFileSync(target, "");
}

export function childrenOf(pid: number): readonly number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  return existsSync(path) ? readFileSync(path, "utf8").trim().split(" ").filter(Boolean).map(Number) : [];
}

export function commandOf(pid: number): string {
  const path = `/proc/${pid}/cmdline`;
  return existsSync(path) ? readFileSync(path, "utf8").replaceAll("\0", " ") : "";
}
