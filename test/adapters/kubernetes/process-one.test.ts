/**
 * The main process of a runner's container, run by each shell that is here as the first process of a PID namespace, as in a
 * container: with agents that crash, with orphans, and with a runner that must not notice any of it.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FETCH_BUNDLE } from "../../../src/adapters/kubernetes/fetch-bundle.ts";
import { PROCESS_ONE, processOne } from "../../../src/adapters/kubernetes/process-one.ts";

const TIMEOUT_MS = 20_000;
const ENTRY = "agent.mjs";

/** Where the tests' user is not root, a namespace of users makes one. */
const NAMESPACES = [
  ["-p", "-f", "--mount-proc"],
  ["-r", "-p", "-f", "--mount-proc"],
] as const;
const namespace = NAMESPACES.find((flags) => spawnSync("unshare", [...flags, "true"]).status === 0);
const SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "sh"]] as const;
const TAIL = spawnSync("sh", ["-c", "command -v tail"], { encoding: "utf8" }).stdout.trim();
const shells = SHELLS.filter(([program, ...args]) => spawnSync(program, [...args, "-c", "true"]).status === 0);

/** For every start a line; `starts` is how many there were, this one included. */
const PRELUDE = `
  import { spawn } from "node:child_process";
  import { appendFileSync, existsSync, readFileSync } from "node:fs";
  appendFileSync("starts", process.pid + " " + (process.env.HOLDFAST_END_ASKED ?? "no") + "\\n");
  const starts = readFileSync("starts", "utf8").trim().split("\\n").length;
  const tell = (name) => appendFileSync(name, "x");
  const stay = () => setTimeout(() => process.exit(3), 300_000);
`;
/** In a session of its own, as the agent starts it; it notes every signal that it may. */
const RUNNER = `
  const noting = 'for (const name of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"]) process.on(name, () =>' +
    ' require("fs").appendFileSync("runner-signalled", name)); setTimeout(() => {}, 300_000);' +
    ' require("fs").writeFileSync("runner-ready", "x");';
  const startRunner = () => spawn(process.execPath, ["-e", noting], { detached: true, stdio: "ignore" }).unref();
`;

let folder: string;
let running: { readonly container: ChildProcess; output: string } | null = null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-process-one-"));
  mkdirSync(join(folder, "runner", "externals", "node24", "bin"), { recursive: true });
  symlinkSync(process.execPath, join(folder, "runner", "externals", "node24", "bin", "node"));
  mkdirSync(join(folder, "home", "agent"), { recursive: true });
});
afterEach(async () => {
  const { container } = running ?? {};
  running = null;
  if (container !== undefined && container.exitCode === null && container.signalCode === null) {
    // The end of the first process is the end of all in its namespace.
    const first = firstProcess(container);
    const ended = new Promise((resolve) => container.once("exit", resolve));
    if (first !== null) process.kill(first, "SIGKILL");
    else container.kill("SIGKILL");
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

function start(shell: readonly string[], agent: string): void {
  writeFileSync(join(folder, "home", "agent", ENTRY), PRELUDE + RUNNER + agent);
  const command = [...(namespace ?? []), ...shell, "-c", processOne(join(folder, "home"))];
  const container = spawn("unshare", command, {
    cwd: folder,
    env: {
      PATH: `${join(folder, "bin")}:${process.env.PATH}`,
      HOLDFAST_RUNNER_DIRECTORY: join(folder, "runner"),
      HOLDFAST_BUNDLE_ENTRY: ENTRY,
    },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const started = { container, output: "" };
  container.stdout.setEncoding("utf8").on("data", (text: string) => {
    started.output += text;
  });
  running = started;
}

function childrenOf(pid: number): readonly number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  return existsSync(path) ? readFileSync(path, "utf8").trim().split(" ").filter(Boolean).map(Number) : [];
}

/** As it is called outside of its namespace. */
function firstProcess(container: ChildProcess | undefined): number | null {
  return childrenOf(container?.pid ?? 0)[0] ?? null;
}

/** Those of the first process, zombies too, by what they run. */
function adopted(part: string): readonly number[] {
  return childrenOf(firstProcess(running?.container) ?? 0).filter((pid) => commandOf(pid).includes(part));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

function zombieCount(): number {
  const isZombie = (pid: number) => {
    try {
      return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
    } catch {
      return false;
    }
  };
  return childrenOf(firstProcess(running?.container) ?? 0).filter(isZombie).length;
}

const textOf = (name: string) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8") : "");
const startsSeen = () => textOf("starts").trim().split("\n").filter(Boolean);
const poll = (look: () => unknown) => expect.poll(look, { timeout: TIMEOUT_MS, interval: 20 });

function ask(): void {
  const first = firstProcess(running?.container);
  if (first === null) throw new Error("the first process is not there");
  process.kill(first, "SIGTERM");
}

async function endOf(): Promise<string> {
  const { container } = running ?? {};
  if (container === undefined) throw new Error("nothing was started");
  await poll(() => container.exitCode ?? container.signalCode).not.toBeNull();
  return String(container.exitCode ?? container.signalCode);
}

describe("what a pod's spec would read in the scripts", () => {
  it("is nothing: no reference to a variable, no doubled dollar", () => {
    for (const script of [PROCESS_ONE, FETCH_BUNDLE]) expect(script).not.toMatch(/\$\$|\$\([A-Za-z_][\w.-]*\)/);
  });
});

// Skipped: where no namespace of processes can be made, no shell is anybody's first process.
describe.skipIf(namespace === undefined)("process 1", () => {
  describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("in %s", (_name, shell) => {
    it("ends with 0 once its agent does, and repeats its log to the last line, however slowly", async () => {
      mkdirSync(join(folder, "bin"));
      writeFileSync(join(folder, "bin", "tail"), `#!/bin/sh\nsleep 0.3\nexec ${TAIL} "$@"\n`, { mode: 0o755 });
      start(shell, "console.log('first line'); console.error('last line'); process.exit(0);");
      expect(await endOf()).toBe("0");
      await poll(() => running?.output).toBe("first line\nlast line\n");
      expect(startsSeen()).toHaveLength(1);
    });

    it("starts an agent again that was killed, and leaves its runner alone", async () => {
      start(shell, "if (starts === 1) startRunner(); stay(); tell('ready');");
      await poll(() => textOf("runner-ready")).toBe("x");
      await poll(() => adopted(ENTRY)).toHaveLength(1);
      for (const agent of adopted(ENTRY)) process.kill(agent, "SIGKILL");
      await poll(() => textOf("ready")).toBe("xx");
      expect(adopted("runner-ready")).toHaveLength(1);
      expect(textOf("runner-signalled")).toBe("");
      expect(zombieCount()).toBe(0);
      await poll(() => running?.output).toContain("the agent ended with 137, starting it again in 1 s");
    });

    it("reaps every orphan that is left to it", async () => {
      const orphans = "for n in 1 2 3 4 5; do sleep 300.75 & done; exit 0";
      start(shell, `spawn("sh", ["-c", ${JSON.stringify(orphans)}], { stdio: "ignore" }); stay();`);
      await poll(() => adopted("300.75")).toHaveLength(5);
      for (const orphan of adopted("300.75")) process.kill(orphan, "SIGKILL");
      await poll(() => zombieCount() + adopted("300.75").length).toBe(0);
      expect(adopted(ENTRY)).toHaveLength(1);
    });

    it("tells the agent once that it is to end, and waits for as long as that takes", async () => {
      start(
        shell,
        `startRunner();
         const endOnceAllowed = () => existsSync("allowed") && process.exit(0);
         process.on("SIGTERM", () => { tell("told"); setInterval(endOnceAllowed, 20); });
         stay(); tell("ready");`,
      );
      await poll(() => textOf("ready") + textOf("runner-ready")).toBe("xx");
      ask();
      await poll(() => textOf("told")).toBe("x");
      ask();
      const [agent = 0] = adopted(ENTRY);
      expect(childrenOf(agent)).toHaveLength(1);
      writeFileSync(join(folder, "allowed"), "");
      expect(await endOf()).toBe("0");
      expect(textOf("told")).toBe("x");
      expect(textOf("runner-signalled")).toBe("");
      expect(startsSeen()).toHaveLength(1);
    });

    it("asked while the agent is down, tells the next one", async () => {
      start(shell, "if (starts < 4 && !process.env.HOLDFAST_END_ASKED) process.exit(1); process.exit(0);");
      await poll(() => running?.output).toContain("again in 2 s");
      ask();
      expect(await endOf()).toBe("0");
      expect(startsSeen().at(-1)).toMatch(/ yes$/);
    });

    it("asked when the agent does not listen yet, tells the next one", async () => {
      start(shell, "if (process.env.HOLDFAST_END_ASKED) process.exit(0); stay(); tell('ready');");
      await poll(() => textOf("ready")).toBe("x");
      ask();
      expect(await endOf()).toBe("0");
      expect(startsSeen().map((line) => line.split(" ")[1])).toEqual(["no", "yes"]);
    });

    it("starts its agent also where there is nothing to write a log to", async () => {
      mkdirSync(join(folder, "home", "state", "agent.log"), { recursive: true });
      start(shell, "console.log('nowhere'); process.exit(starts === 1 ? 1 : 0);");
      expect(await endOf()).toBe("0");
      expect(startsSeen()).toHaveLength(2);
    });
  });

  it("is tried in every shell that an image may have, but for those that are not here", () => {
    expect(shells.map(([program]) => program)).toContain("dash");
  });
});
