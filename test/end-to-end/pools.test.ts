/** The configuration changes while machines are at work: a pool leaves it, or its machines are put elsewhere. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { type House, openHouse, until } from "./house.ts";

const JOB_PATIENCE_MS = 60_000;
const EMPTY_PATIENCE_MS = 60_000;

let house: House;
afterEach(() => house.close());

interface Written {
  pools: Record<string, unknown>[];
  github: Record<string, Record<string, unknown>>;
}

function rewrite(change: (written: Written) => void): void {
  const path = join(house.directory, "holdfast.yaml");
  const written = parse(readFileSync(path, "utf8")) as Written;
  change(written);
  writeFileSync(path, stringify(written));
}

interface Status {
  readonly pools: readonly { readonly name: string; readonly mode: string }[];
  readonly health: { readonly isReady: boolean; readonly problems: readonly string[] };
}
const modes = async (): Promise<readonly (readonly [string, string])[]> =>
  (await house.get<Status>("/api/v1/status")).pools.map(({ name, mode }) => [name, mode]);

/** A job that ends when the file `go` is there. */
const waiting = () => `while test ! -e ${join(house.directory, "go")}; do sleep 0.1; done`;
const letGo = (): void => writeFileSync(join(house.directory, "go"), "");

async function startWithJob(): Promise<number> {
  await house.start();
  const job = house.queue([waiting()]);
  await house.github.waitForJob(job, (one) => one.status === "in_progress", JOB_PATIENCE_MS);
  await house.kill();
  return job;
}

/** Of the same labels as the one that is there no more, so that its jobs would fit; and not allowed any machine. */
function replacePool({ pools }: Written): void {
  const [pool] = pools;
  pools[0] = {
    ...pool,
    name: "next",
    labels: ["self-hosted", "other"],
    provider: { kind: "process", workDirectory: "./next" },
  };
}

it("a pool that left lets its job end, takes no other, and leaves nothing", async () => {
  house = await openHouse({ warm: { parked: 1 } });
  const job = await startWithJob();
  rewrite(replacePool);
  await house.start();
  expect(await modes()).toEqual([
    ["next", "run"],
    ["linux", "removed"],
  ]);
  const later = house.queue(["echo later"]);
  letGo();
  expect(await house.untilCompleted([job], JOB_PATIENCE_MS)).toEqual(["success"]);
  await until(
    async () => (await modes()).length === 1,
    EMPTY_PATIENCE_MS,
    () => "the pool is drained",
  );
  const own = readdirSync(join(house.directory, "machines", house.controllerId)).filter((name) =>
    name.startsWith("m-"),
  );
  expect(own).toEqual([]);
  expect(house.github.runners().filter(({ labels }) => labels.includes("linux"))).toEqual([]);
  expect(house.github.jobs().find(({ id }) => id === later)?.status).toBe("queued");
}, 180_000);

it("a pool that comes back is a pool like any other", async () => {
  house = await openHouse();
  const job = await startWithJob();
  const before = readFileSync(join(house.directory, "holdfast.yaml"), "utf8");
  rewrite(replacePool);
  await house.start();
  await house.kill();
  writeFileSync(join(house.directory, "holdfast.yaml"), before);
  await house.start();
  expect(await modes()).toEqual([["linux", "run"]]);
  letGo();
  expect(await house.untilCompleted([job, house.queue(["echo again"])], JOB_PATIENCE_MS)).toEqual([
    "success",
    "success",
  ]);
  await house.untilEmpty(EMPTY_PATIENCE_MS);
}, 180_000);

it("a pool that left with its connection lets its job end, says what it cannot do, and does it once the connection is back", async () => {
  house = await openHouse();
  const job = await startWithJob();
  writeFileSync(join(house.directory, "next-hook"), "another-secret-of-enough-letters");
  let main: Record<string, unknown> = {};
  rewrite((written) => {
    replacePool(written);
    main = written.github.main ?? {};
    written.github = { next: { ...main, webhookSecretFiles: ["./next-hook"] } };
    written.pools[0] = { ...written.pools[0], github: "next" };
  });
  await house.start();
  const { health } = await house.get<Status>("/api/v1/status");
  expect(health.problems.join()).toMatch(
    /pool linux left the configuration, and connection main with it: .* put connection main back/,
  );
  letGo();
  expect(await house.untilCompleted([job], JOB_PATIENCE_MS)).toEqual(["success"]);
  await until(
    () => house.processes().length === 0 && house.machineFolders().length === 0,
    EMPTY_PATIENCE_MS,
    () => "its machine ends by the host's word",
  );
  await house.kill();
  rewrite((written) => {
    written.github = { ...written.github, main };
  });
  await house.start();
  await until(
    async () => (await modes()).length === 1,
    EMPTY_PATIENCE_MS,
    () => "the pool is drained",
  );
  expect((await house.get<Status>("/api/v1/status")).health.problems).toEqual([]);
}, 180_000);

it("machines are found and ended where older settings put them", async () => {
  house = await openHouse();
  const job = await startWithJob();
  rewrite(({ pools }) => {
    pools[0] = { ...pools[0], provider: { kind: "process", workDirectory: "./elsewhere" } };
  });
  await house.start();
  letGo();
  expect(await house.untilCompleted([job, house.queue(["echo next"])], JOB_PATIENCE_MS)).toEqual([
    "success",
    "success",
  ]);
  await house.untilEmpty(EMPTY_PATIENCE_MS);
  expect(existsSync(join(house.directory, "elsewhere", house.controllerId))).toBe(true);
}, 180_000);
