import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { listDeliveries } from "../../src/store/deliveries/list.ts";
import { openStore } from "../../src/store/store.ts";
import { useFolder } from "./open-store.ts";

const folder = useFolder();
const file = () => join(folder(), "holdfast.db");
const WRITER = fileURLToPath(new URL("./durability-writer.ts", import.meta.url));

/** Runs the writer until `moment`, some time after its first promise, and kills it. @returns the ids that it promised. */
async function runAndKill(moment: () => Promise<unknown>): Promise<readonly string[]> {
  const args = ["--disable-warning=ExperimentalWarning", WRITER, `sqlite:${file()}`];
  const writer = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  writer.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const closed = once(writer, "close");
  await Promise.race([once(writer.stdout, "data"), closed]);
  await moment();
  writer.kill("SIGKILL");
  await closed;
  // A line that the kill cut off was promised to nobody.
  return said.split("\n").slice(0, -1);
}

async function findLost(promised: readonly string[]): Promise<readonly string[]> {
  const store = await openStore(`sqlite:${file()}`);
  const stored = new Set((await listDeliveries(store.db, { limitCount: 1_000_000 })).map(({ id }) => `${id}`));
  await store.close();
  return promised.filter((id) => !stored.has(id));
}

it.each([0, 17, 60, 140])("what was promised is there after a kill %i ms after the first promise", async (afterMs) => {
  const promised = await runAndKill(() => sleep(afterMs + Math.random() * 20));
  expect(promised.length).toBeGreaterThan(0);
  expect(await findLost(promised)).toEqual([]);
});

it("nothing is promised while its commit has to wait for another process", async () => {
  let other: DatabaseSync | null = null;
  const promised = await runAndKill(async () => {
    other = new DatabaseSync(file(), { timeout: 5_000 });
    other.exec("begin immediate");
    await sleep(60);
  });
  (other as DatabaseSync | null)?.close();
  expect(promised.length).toBeGreaterThan(0);
  expect(await findLost(promised)).toEqual([]);
});
