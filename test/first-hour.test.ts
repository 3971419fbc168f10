/**
 * The guide's first hour, from a fresh clone: its own shell blocks, in the terminals that it names. The registry and GitHub are
 * not there, and ports are free ones; what is put in the place of what, and which blocks are not run, is said here.
 */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { createRunnerFolder } from "../src/simulator/runner/folder.ts";
import { type SimulatedGitHub, startSimulatedGitHub } from "../src/simulator/server/simulated-github.ts";
import { openTerminal, type Terminal } from "./first-hour-terminal.ts";

const ROOT = join(import.meta.dirname, "..");
const JOB_PATIENCE_MS = 90_000;
const LOOK_MS = 100;
/** The commands themselves take less than 90 s; other tests may keep the machine busy. */
const PATIENCE_MS = 300_000;

interface Block {
  /** What stands after `sh`: the terminal that it is for. */
  readonly where: string;
  readonly text: string;
}

function blocksOf(page: string): readonly Block[] {
  const blocks = page.matchAll(/^```sh ?(?<where>[^\n]*)\n(?<text>.*?)^```$/gms);
  return [...blocks].map(({ groups }) => ({ where: groups?.where ?? "", text: groups?.text?.trim() ?? "" }));
}

/** Each block is used once, by what it begins with. */
class Guide {
  readonly #left: Block[];

  constructor(page: string) {
    this.#left = [...blocksOf(page)];
  }

  take(where: string, beginning: string): string {
    const index = this.#left.findIndex((one) => one.where === where && one.text.startsWith(beginning));
    const [block] = index < 0 ? [] : this.#left.splice(index, 1);
    if (block === undefined) throw new Error(`the guide has no block "${beginning}…" for ${where || "any terminal"}`);
    return block.text;
  }

  left(): readonly string[] {
    return this.#left.map(({ text }) => text);
  }
}

/** @throws where the guide does not say what is to be replaced, so that nothing is replaced in vain. */
function put(text: string, places: Readonly<Record<string, string>>): string {
  return Object.entries(places).reduce((current, [place, value]) => {
    if (!current.includes(place)) throw new Error(`the guide does not say "${place}" in: ${current}`);
    return current.replaceAll(place, value);
  }, text);
}

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-first-hour-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Nothing of this process' own settings: neither a server nor a token, nor a collector of traces. */
function environmentOf(home: string): Readonly<Record<string, string | undefined>> {
  const { PATH } = process.env;
  return { PATH, HOME: home, NO_COLOR: "1", npm_config_update_notifier: "false", npm_config_loglevel: "error" };
}

it(
  "the whole hour, as a person would have it",
  async () => {
    const folder = makeFolder();
    const environment = environmentOf(join(folder, "home"));
    mkdirSync(join(folder, "home", "ci"), { recursive: true });
    const guide = clone(folder);
    const checkout = join(folder, "holdfast");
    const open = (): Terminal => openTerminal({ directory: checkout, environment });
    const [first, second] = [open(), open()];
    await tryDemonstration(guide, first, second);
    await runOwnPool(guide, { folder, first, second });
    expect(guide.left()).toEqual([]);
  },
  PATIENCE_MS,
);

/** What is committed; but of the guide and the code that it runs, what is here, so that both are tried before they are. */
function clone(folder: string): Guide {
  const guide = new Guide(readFileSync(join(ROOT, "docs/guide/start.md"), "utf8"));
  // Instead of an address of somebody's: this repository.
  const text = put(guide.take("", "git clone"), { "https://git.acme.com/holdfast.git": ROOT });
  execFileSync("sh", ["-ec", text], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  for (const path of changedFiles()) copyHere(path, join(folder, "holdfast"));
  // Instead of `npm ci`, which asks the registry: what is installed here. CI installs it anew before all tests.
  symlinkSync(join(ROOT, "node_modules"), join(folder, "holdfast", "node_modules"));
  return guide;
}

function changedFiles(): readonly string[] {
  const git = (...args: readonly string[]) => execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).split("\0");
  const listed = [
    ...git("diff", "--name-only", "-z", "HEAD"),
    ...git("ls-files", "--others", "--exclude-standard", "-z"),
  ];
  return listed.filter((path) => path !== "" && !path.startsWith("node_modules"));
}

function copyHere(path: string, checkout: string): void {
  const target = join(checkout, path);
  rmSync(target, { force: true });
  if (!existsSync(join(ROOT, path))) return;
  mkdirSync(join(target, ".."), { recursive: true });
  copyFileSync(join(ROOT, path), target);
}

async function tryDemonstration(guide: Guide, first: Terminal, second: Terminal): Promise<void> {
  const install = put(guide.take("", "npm ci"), { "npm ci\n": "" });
  expect(await second.run(install)).toMatch(/3 succeeded.*left +0 machines, 0 processes, 0 registrations, 0 folders/s);

  const [, address = ""] = await first.start(guide.take("terminal 1", "npm start"), /status page at (http:\S+)/);
  const look = put(guide.take("terminal 2", "export HOLDFAST_SERVER"), { "http://127.0.0.1:43211": address });
  const [, job = ""] = /^(\d{6,}) /m.exec(await second.run(look)) ?? [];
  expect(job).not.toBe("");
  expect(await second.run(put(guide.take("terminal 2", "npx holdfast explain"), { "54911000015": job }))).toContain(
    job,
  );
  expect(await second.run(guide.take("terminal 2", "npx holdfast drain"))).toMatch(
    /is drained.*pool-drained.*no more/s,
  );
  expect(await second.run(guide.take("terminal 2", "npx holdfast freeze"))).toMatch(/frozen.*frozen.*thawed/s);
  expect(await first.interrupt()).toMatch(/left +0 machines, 0 processes, 0 registrations, 0 folders\s*$/);
}

interface OwnPool {
  readonly folder: string;
  readonly first: Terminal;
  readonly second: Terminal;
}

async function runOwnPool(guide: Guide, { folder, first, second }: OwnPool): Promise<void> {
  const github = await openGitHub(folder);
  // Nobody is there to answer its questions; the same settings by flags are tried below.
  guide.take("by hand", "npx holdfast init --config");
  // Of a network that is not here: an authority, an App and an address for webhooks of somebody's own.
  guide.take("by hand", "npx holdfast init --yes");
  const init = put(guide.take("terminal 2", "unset HOLDFAST_SERVER"), {
    // github.com's stand-in, the runner's, and a port that is free.
    "init --yes": `init --yes --github-url ${github.apiUrl}`,
    "/opt/runner": join(folder, "runner"),
    "127.0.0.1:8090": `127.0.0.1:${await freePort()}`,
  });
  expect(await second.run(init)).toContain("holdfast.yaml");
  expect(await second.run(guide.take("terminal 2", "npx holdfast check"))).not.toMatch(/^ *error/im);
  // Before the server looks for the first time, so that nobody waits for its second look.
  const job = github.queueJob({
    repository: "acme/widgets",
    name: "hello",
    labels: ["self-hosted", "linux"],
    steps: ['echo "on a machine of ours"'],
  });
  await first.start(guide.take("terminal 1", "npx holdfast serve"), /Holdfast is up/);
  const ended = await github.waitForJob(job, ({ status }) => status === "completed", JOB_PATIENCE_MS);
  expect(ended.conclusion).toBe("success");
  expect(await second.run(guide.take("terminal 2", "export HOLDFAST_TOKEN"))).toMatch(new RegExp(`linux.*${job}`, "s"));
  // Machines go on without their controller: it is let go once none is left.
  await untilEmpty(join(folder, "home", "ci", "machines"));
  expect(await first.interrupt()).toContain("stopping");
}

/** Each machine has a folder of its own, in one of its controller's. */
async function untilEmpty(folder: string): Promise<void> {
  const machines = (): readonly string[] =>
    existsSync(folder) ? readdirSync(folder).flatMap((controller) => readdirSync(join(folder, controller))) : [];
  const hasAny = (): boolean => machines().some((name) => name.startsWith("m-"));
  const untilMs = Date.now() + JOB_PATIENCE_MS;
  while (hasAny() && Date.now() < untilMs) await wait(LOOK_MS);
  expect(hasAny()).toBe(false);
}

async function openGitHub(folder: string): Promise<SimulatedGitHub> {
  const github = await startSimulatedGitHub({ repositories: ["acme/widgets"] });
  onTestFinished(() => github.close());
  createRunnerFolder(join(folder, "runner"));
  writeFileSync(join(folder, "home", "ci", "github-token"), github.token);
  return github;
}
