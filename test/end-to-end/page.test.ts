/** The status page in a real browser, with the demonstration in motion behind it. */
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium, openChromium } from "../../scripts/chromium.ts";
import { openStage, type Stage } from "../../src/app/demo/stage.ts";
import { queueJobs } from "../../src/app/demo/workload.ts";
import { createParts } from "../../src/app/parts.ts";

const executable = findChromium(process.env.PATH ?? "");
const PATIENCE_MS = 90_000;
const JOBS = 12;
/** A task that keeps the main thread at work for longer is felt by whoever types or scrolls. */
const TASK_MS_MAX = 100;
/** Of a trace: each task of each thread, with the time that its thread was given a processor for. */
const TASKS = { category: "disabled-by-default-devtools.timeline", name: "RunTask" };

let stage: Stage;
let browser: Browser;
let workload: Promise<void>;
const stop = new AbortController();

// Skipped: it needs a Chromium in PATH, which Node and npm alone do not bring; .ci/run installs Debian's.
describe.skipIf(executable === null)("the status page in Chromium", () => {
  beforeAll(async () => {
    stage = await openStage({
      port: 0,
      createParts: (directory) => createParts({ logFile: join(directory, "holdfast.log") }),
    });
    browser = await openChromium(executable ?? "");
  });

  afterAll(async () => {
    stop.abort();
    await workload;
    await browser?.close();
    stage.holdfast.takeDown();
    for (const job of stage.github.jobs()) if (job.status !== "completed") stage.github.cancelJob(job.id);
    await untilNoMachines();
    await stage.close(false);
  });

  it("follows what happens without being loaded again, asks nobody else, and never holds up who looks", async () => {
    const { page, seen } = await watchedPage();
    await page.goto(stage.holdfast.addresses.operators);
    await page.getByRole("status").getByText("live", { exact: true }).waitFor({ timeout: PATIENCE_MS });
    await page.evaluate(() => {
      (globalThis as unknown as { isSame: boolean }).isSame = true;
    });
    await browser.startTracing(page, { categories: [TASKS.category] });
    await page.getByRole("searchbox").fill("half a na");
    const parts = createParts({ logFile: join(stage.directory, "jobs.log") });
    workload = queueJobs({
      github: stage.github,
      clock: parts.clock,
      random: parts.random,
      jobCount: JOBS,
      signal: stop.signal,
    });
    await page.locator("#recent .row").first().waitFor({ timeout: PATIENCE_MS });
    await page.locator("#ended .row").first().waitFor({ timeout: PATIENCE_MS });
    const longestMs = longestTaskMs(await browser.stopTracing());
    expect(longestMs).toBeGreaterThan(0);
    expect(longestMs).toBeLessThan(TASK_MS_MAX);
    const isSame = await page.evaluate(() => (globalThis as unknown as { isSame?: boolean }).isSame);
    expect(isSame, "the page was not loaded again").toBe(true);
    expect(await page.getByRole("searchbox").inputValue()).toBe("half a na");
    expect(await page.evaluate("document.activeElement?.id")).toBe("find");
    expect(seen.problems).toEqual([]);
    expect([...seen.origins]).toEqual([stage.holdfast.addresses.operators]);
    await page.close();
  });

  it("shows a machine's story, its states drawn, with one heading of the first level and a name for every field", async () => {
    const { page, seen } = await watchedPage();
    const { machines } = await read("/api/v1/machines?all=true");
    await page.goto(`${stage.holdfast.addresses.operators}/explain/${machines.at(-1)?.id}`);
    await page.locator(".drawing .band").first().waitFor();
    for (const path of ["/", "/safety", "/explain"]) {
      await page.goto(`${stage.holdfast.addresses.operators}${path}`);
      expect(await page.locator("h1").allTextContents(), path).toHaveLength(1);
      expect(await page.getByRole("main").count()).toBe(1);
      expect(await page.getByRole("searchbox", { name: /explain a job/i }).count()).toBe(1);
    }
    expect(seen.problems).toEqual([]);
    await page.close();
  });

  it.each([400, 2_000])("is no wider than a screen of %i pixels", async (width) => {
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    for (const path of ["/", "/safety", "/explain", `/explain/${stage.github.jobs()[0]?.id}`]) {
      await page.goto(`${stage.holdfast.addresses.operators}${path}`);
      expect(await page.evaluate("document.documentElement.scrollWidth"), path).toBeLessThanOrEqual(width);
    }
    await page.close();
  });

  it("says since when it is not connected once the server is gone, and follows again once it is back", async () => {
    const { page } = await watchedPage();
    await page.goto(stage.holdfast.addresses.operators);
    const status = page.getByRole("status");
    await status.getByText("live", { exact: true }).waitFor({ timeout: PATIENCE_MS });
    await page.route("**/live?*", (route) => route.abort());
    // The stream that is open goes on: only a new one is refused.
    await page.reload();
    await status.getByText(/^not connected since \d\d:\d\d:\d\d UTC/).waitFor({ timeout: PATIENCE_MS });
    await page.unroute("**/live?*");
    await status.getByText("live", { exact: true }).waitFor({ timeout: PATIENCE_MS });
    await page.close();
  });

  it("is the same page without a script, and asks for itself anew", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(stage.holdfast.addresses.operators);
    expect(await page.locator("#pools h3").count()).toBe(1);
    expect(await page.locator('noscript > meta[http-equiv="refresh"]').count()).toBe(1);
    await context.close();
  });
});

interface Trace {
  readonly traceEvents: readonly {
    readonly name: string;
    readonly pid: number;
    readonly tid: number;
    /** Microseconds on a processor: what waits for one, on a busy machine, is not the page's doing. */
    readonly tdur?: number;
    readonly args?: { readonly name?: string };
  }[];
}

/** Of the main thread of each page that was open meanwhile. */
function longestTaskMs(trace: Buffer): number {
  const { traceEvents } = JSON.parse(trace.toString()) as Trace;
  const pages = traceEvents.filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain");
  const tasks = traceEvents.filter(
    ({ name, pid, tid }) => name === TASKS.name && pages.some((page) => page.pid === pid && page.tid === tid),
  );
  return Math.max(0, ...tasks.map(({ tdur = 0 }) => tdur / 1_000));
}

async function untilNoMachines(): Promise<void> {
  const untilMs = Date.now() + PATIENCE_MS;
  while ((await read("/api/v1/machines")).machines.length > 0) {
    if (Date.now() > untilMs) throw new Error("machines of the demonstration are left");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

interface Machines {
  readonly machines: readonly { readonly id: string }[];
}

async function read(path: string): Promise<Machines> {
  return (await (await fetch(`${stage.holdfast.addresses.operators}${path}`)).json()) as Machines;
}

/** A page of which every error on its console, every request that failed and every origin that it asked is noted. */
async function watchedPage(): Promise<{
  readonly page: Page;
  readonly seen: { readonly problems: string[]; readonly origins: Set<string> };
}> {
  const page = await browser.newPage();
  const seen = { problems: [] as string[], origins: new Set<string>() };
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") seen.problems.push(message.text());
  });
  page.on("pageerror", (error) => seen.problems.push(String(error)));
  page.on("request", (request) => seen.origins.add(new URL(request.url()).origin));
  page.on("response", (response) => {
    if (response.status() >= 400) seen.problems.push(`${response.status()} ${response.url()}`);
  });
  return { page, seen };
}
