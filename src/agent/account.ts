/** The user that runners and their jobs run as, as this machine's name service knows it. */
import { spawnSync } from "node:child_process";
import { lchown, opendir } from "node:fs/promises";
import { join } from "node:path";
import { MINUTE_MS } from "../domain/units.ts";

export interface Account {
  readonly name: string;
  readonly userId: number;
  readonly groupId: number;
  readonly home: string;
}

/** A directory server may be asked. */
const LOOKUP_TIMEOUT_MS = MINUTE_MS / 2;

/** Null where there is no such user. */
export function findAccount(name: string): Account | null {
  const found = spawnSync("getent", ["passwd", name], { encoding: "utf8", timeout: LOOKUP_TIMEOUT_MS });
  return found.status === 0 ? parseAccount(found.stdout) : null;
}

/** passwd(5): name, password, user, group, comment, home, shell. */
export function parseAccount(line: string): Account | null {
  const [name = "", , user = "", group = "", , home = ""] = line.split("\n", 1)[0]?.split(":") ?? [];
  if (name === "" || !/^\d+$/.test(user) || !/^\d+$/.test(group) || !home.startsWith("/")) return null;
  return { name, userId: Number(user), groupId: Number(group), home };
}

/**
 * Gives a folder and all that is in it to an account, links themselves and not what they lead to. The folder itself is last:
 * until then its new owner cannot reach anything in it.
 */
export async function giveTree(folder: string, { userId, groupId }: Account): Promise<void> {
  for await (const entry of await opendir(folder, { recursive: true }))
    await lchown(join(entry.parentPath, entry.name), userId, groupId);
  await lchown(folder, userId, groupId);
}
