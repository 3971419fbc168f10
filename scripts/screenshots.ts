/**
 * Pictures of the pages for the guide, from the demonstration in motion, into docs/images:
 *
 *   npm run screenshots [-- --to <folder>]
 *
 * Needs a Chromium in PATH.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Browser, Page } from "playwright-core";
import { openStage, type Stage } from "../src/app/demo/stage.ts";
import { queueJobs } from "../src/app/demo/workload.ts";
import { createParts } from "../src/app/parts.ts";
import { findChromium, openChromium } from "./chromium.ts";

const SIZES = { wide: { width: 1_400, height: 900 }, narrow: { width: 400, height: 800 } } as const;
const COLOURS = ["light", "dark"] as const;
/** So many jobs are over before anything is looked at. */
const JOBS_OVER = 8;
const PATIENCE_MS = 120_000;
const LOOK_EVERY_MS = 200;

const { values } = parseArgs({ options: { to: { type: "string", default: "docs/images" } } });
process.exitCode = await main();

async function main(): Promise<number> {
  const executable = findChromium(process.env.PATH ?? "");
  if (executable === null) {
    process.stderr.write("There is no Chromium in PATH: install Debian's chromium, or any other.\n");
    return 1;
  }
  await mkdir(values.to, { recursive: true });
  const stage = await openStage({
    port: 0,
    createParts: (directory) => createParts({ logFile: join(directory, "holdfast.log") }),
  });
  const parts = createParts({ logFile: join(stage.directory, "pictures.log") });
  const stop = new AbortController();
  const workload = queueJobs({
    github: stage.github,
    clock: parts.clock,
    random: parts.random,
    jobCount: null,
    signal: stop.signal,
  });
  // Nobody takes it: it waits for as long as the pictures are made.
  stage.github.queueJob({ repository: "acme/rockets", name: "train", labels: ["self-hosted", "gpu"], steps: ["true"] });
  const browser = await openChromium(executable);
  try {
    await until(() => stage.github.jobs().filter(({ status }) => status === "completed").length >= JOBS_OVER);
    for (const [name, path] of await findPages(stage)) await picture(browser, stage, name, path);
  } finally {
    await browser.close();
    stop.abort();
    await workload;
    stage.holdfast.takeDown();
    for (const job of stage.github.jobs()) if (job.status !== "completed") stage.github.cancelJob(job.id);
    await until(async () => (await read<Machines>(stage, "/api/v1/machines")).machines.length === 0);
    await stage.close(false);
  }
  return 0;
}

interface Machines {
  readonly machines: readonly {
    readonly id: string;
    readonly state: string;
    readonly jobs: readonly { readonly id: number }[];
  }[];
}

/** A machine that is gone and the job that ran on it: their whole way is to be seen. */
async function findPages(stage: Stage): Promise<readonly (readonly [string, string])[]> {
  const { machines } = await read<Machines>(stage, "/api/v1/machines?all=true");
  const gone = machines.find(({ state, jobs }) => state === "gone" && jobs.length > 0);
  return [
    ["now", "/"],
    ["safety", "/safety"],
    ["machine", `/explain/${gone?.id}`],
    ["job", `/explain/${gone?.jobs[0]?.id}`],
  ];
}

async function picture(browser: Browser, stage: Stage, name: string, path: string): Promise<void> {
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of COLOURS) {
      const page: Page = await browser.newPage({ viewport, colorScheme });
      await page.goto(`${stage.holdfast.addresses.operators}${path}`);
      const file = join(values.to, `page-${name}-${size}-${colorScheme}.png`);
      await page.screenshot({ path: file });
      process.stdout.write(`${file}\n`);
      await page.close();
    }
  }
}

async function read<Answer>(stage: Stage, path: string): Promise<Answer> {
  return (await (await fetch(`${stage.holdfast.addresses.operators}${path}`)).json()) as Answer;
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const untilMs = Date.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (Date.now() > untilMs) throw new Error("The demonstration did not come so far.");
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
