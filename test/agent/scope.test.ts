/** How a runner is started on an instance: the command line, and what it does as far as a machine without systemd can show. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Account, findAccount, giveTree, parseAccount } from "../../src/agent/account.ts";
import { parseSystemdVersion, scopeCommand } from "../../src/agent/scope.ts";
import { isRootUser } from "../../src/agent/system.ts";
import { parseTicketId } from "../../src/domain/ids.ts";

const TICKET = parseTicketId("t-00000001");
const RUNNER: Account = { name: "runner", userId: 1_001, groupId: 1_002, home: "/home/runner" };
const isRoot = isRootUser();
const hasTools = ["setpriv", "choom"].every((tool) => spawnSync("which", [tool]).status === 0);

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "holdfast-scope-"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe("the scope's command line", () => {
  const scope = { ticketId: TICKET, account: RUNNER, systemdVersion: 252, isMetadataClosed: false };

  it("makes a scope, takes the agent's protection off, and becomes the user with all groups", () => {
    expect(scopeCommand(scope)).toEqual([
      ...["systemd-run", "--scope", "--quiet", "--collect", "--description=Holdfast runner of ticket t-00000001"],
      "--property=Before=holdfast-agent.service",
      "--property=ManagedOOMPreference=omit",
      ...["--", "choom", "--adjust=0"],
      ...["--", "setpriv", "--reuid=1001", "--regid=1002", "--init-groups", "--"],
    ]);
  });

  it.each<[version: number | null, hasPolicy: boolean]>([
    [null, false],
    [252, false],
    [253, true],
    [257, true],
  ])(
    "says that a scope goes on without one of its processes where it could be otherwise: systemd %s",
    (version, has) => {
      const command = scopeCommand({ ...scope, systemdVersion: version });
      expect(command.includes("--property=OOMPolicy=continue")).toBe(has);
    },
  );

  it.each<[version: number | null, has: boolean]>([
    [null, false],
    [247, false],
    [248, true],
  ])("is not ended as a whole by systemd-oomd where that can be said: systemd %s", (systemdVersion, has) => {
    expect(scopeCommand({ ...scope, systemdVersion }).includes("--property=ManagedOOMPreference=omit")).toBe(has);
  });

  it("keeps the metadata from the runner where it is closed", () => {
    const denied = (isMetadataClosed: boolean) =>
      scopeCommand({ ...scope, isMetadataClosed }).filter((part) => part.startsWith("--property=IPAddressDeny="));
    expect(denied(false)).toEqual([]);
    expect(denied(true)).toEqual([
      "--property=IPAddressDeny=169.254.169.254/32",
      "--property=IPAddressDeny=fd00:ec2::254/128",
    ]);
  });

  it.each([
    ["systemd 252 (252.39-1~deb12u2)\n+PAM +AUDIT", 252],
    ["systemd 257.3 (v257.3)\n", 257],
    ["something else", null],
  ])("knows the version of %j", (text, version) => {
    expect(parseSystemdVersion(text)).toBe(version);
  });

  // Skipped: without root nobody becomes another user, and without util-linux there is nothing to do it by.
  it.skipIf(!isRoot || !hasTools)("starts the listener in the process that was started, as the user", async () => {
    const nobody = findAccount("nobody");
    if (nobody === null) throw new Error("this machine has no user nobody");
    chmodSync(base, 0o755);
    const seen = join(base, "seen");
    writeFileSync(seen, "", { mode: 0o666 });
    chmodSync(seen, 0o666);
    const listener = join(base, "listener");
    const script = `#!/bin/sh\n{ echo $$; id -u; id -g; id -G; cat /proc/$$/oom_score_adj; } > ${seen}\n`;
    writeFileSync(listener, script, { mode: 0o755 });
    const [, ...scoped] = scopeCommand({ ...scope, account: nobody });
    // Without systemd: what follows the scope's own options.
    const [program = "", ...args] = [...scoped.slice(scoped.indexOf("--") + 1), listener];
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"] });
    expect(await once(child, "exit")).toEqual([0, null]);
    const { userId, groupId } = nobody;
    const groups = spawnSync("id", ["-G", "nobody"], { encoding: "utf8" }).stdout.trim();
    const lines = [`${child.pid}`, `${userId}`, `${groupId}`, groups, "0"];
    expect(readFileSync(seen, "utf8").trim().split("\n")).toEqual(lines);
  });
});

describe("the runner's account", () => {
  it.each<[line: string, account: Account | null]>([
    ["runner:x:1001:1002:GitHub, runner:/home/runner:/bin/bash\n", RUNNER],
    ["runner:x:1001:1002::/home/runner:\n", RUNNER],
    ["runner:x::1002::/home/runner:\n", null],
    ["runner:x:1001:1002:::\n", null],
    ["", null],
  ])("is read from %j", (line, account) => {
    expect(parseAccount(line)).toEqual(account);
  });

  it("is not there where nobody knows it", () => {
    expect(findAccount("holdfast-nobody-knows")).toBeNull();
    expect(findAccount("root")).toMatchObject({ name: "root", userId: 0, home: "/root" });
  });

  it("is given a tree with everything in it, links themselves and not what they lead to", async () => {
    const own = lstatSync(base);
    const [userId, groupId] = isRoot ? [12_345, 12_346] : [own.uid, own.gid];
    const tree = join(base, "tree");
    mkdirSync(join(tree, "a", "b"), { recursive: true });
    writeFileSync(join(tree, "a", "b", "file"), "");
    writeFileSync(join(base, "elsewhere"), "");
    mkdirSync(join(base, "folder"));
    writeFileSync(join(base, "folder", "inside"), "");
    symlinkSync(join(base, "elsewhere"), join(tree, "a", "link"));
    symlinkSync(join(base, "folder"), join(tree, "a", "way"));
    await giveTree(tree, { ...RUNNER, userId, groupId });
    for (const path of ["tree", "tree/a", "tree/a/b", "tree/a/b/file", "tree/a/link", "tree/a/way"])
      expect([path, lstatSync(join(base, path)).uid, lstatSync(join(base, path)).gid]).toEqual([path, userId, groupId]);
    for (const path of ["elsewhere", "folder", "folder/inside"]) expect(lstatSync(join(base, path)).uid).toBe(own.uid);
  });
});
