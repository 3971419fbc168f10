/**
 * Five causes for which a job waits, each made by the whole system: one command names it, and the status page shows it.
 * The commands of `docs/guide/troubleshooting.md` are these.
 */
import { Hono } from "hono";
import { afterEach, expect, it } from "vitest";
import { runPoolsCommand } from "../../src/app/commands/command.ts";
import { runExplain } from "../../src/app/commands/explain.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { ExplainAnswer } from "../../src/http/operators/answers.ts";
import { createOperatorApp } from "../../src/http/operators/app.ts";
import { createPagesApp } from "../../src/http/pages/app.ts";
import { type Listener, listen } from "../../src/http/server.ts";
import { type JobRequest, queueJob } from "../../src/simulator/github/jobs.ts";
import type { Job } from "../../src/simulator/github/state.ts";
import { openScreen } from "../app/commands/screen.ts";
import { clockAt, recordTelemetry, recordWakes } from "../http/stand-ins.ts";
import { fault } from "./failure-scene.ts";
import { Town } from "./town.ts";

const ALICE = { name: "alice", role: "operator", token: "alice-token-0123456789" } as const;

let town: Town;
let listener: Listener;
let server: string;
afterEach(async () => {
  await listener.close();
  await town.close();
});

async function open(options: Parameters<typeof Town.open>[0] = {}): Promise<void> {
  town = await Town.open({ bootMs: 5 * SECOND_MS, jobMs: MINUTE_MS, ...options });
  town.github.setHook();
  const given = { operators: [ALICE], sources: town.sources, telemetry: recordTelemetry() };
  const operators = createOperatorApp({ ...given, wake: recordWakes() });
  const pages = createPagesApp(given);
  const app = new Hono();
  app.all("/api/*", (context) => operators.fetch(context.req.raw, context.env));
  app.all("/*", (context) => pages.fetch(context.req.raw, context.env));
  listener = await listen(app, { host: "127.0.0.1", port: 0 }, "operators", clockAt(0));
  server = `http://127.0.0.1:${listener.port}`;
}

function queue(request: Partial<JobRequest> = {}): Job {
  const wanted = { repository: "acme/widgets", labels: ["self-hosted", "linux"], steps: ["make"], ...request };
  return queueJob(town.github.state, wanted, town.clock.nowMs());
}

const screen = () => openScreen({ environment: { HOLDFAST_TOKEN: ALICE.token } });

/** `holdfast explain <job> --json` */
async function explain(job: Job): Promise<ExplainAnswer> {
  const io = screen();
  expect(await runExplain(String(job.id), { server, json: true }, io)).toBe(0);
  return ExplainAnswer.parse(JSON.parse(io.out()));
}

async function statusPage(): Promise<string> {
  const headers = { authorization: `Bearer ${ALICE.token}` };
  const page = await (await fetch(`${server}/`, { headers })).text();
  return page.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
}

async function expectCause(job: Job, reason: string, onPage = reason): Promise<void> {
  expect((await explain(job)).waitingFor?.reason).toBe(reason);
  expect(await statusPage()).toContain(onPage);
}

it("no pool takes the job", async () => {
  await open();
  const job = queue({ labels: ["self-hosted", "windows"] });
  await town.run(20 * SECOND_MS);
  await expectCause(job, "no-pool", "1 queued that no pool takes");
});

it("the pool is at its maximum", async () => {
  await open({ pools: [{ machineCountMax: 1 }] });
  queue();
  await town.run(30 * SECOND_MS);
  const second = queue();
  await town.run(10 * SECOND_MS);
  await expectCause(second, "at-max");
});

it("the provider refuses for the account's quota", async () => {
  await open();
  const attempted = "starting 1 machine: VcpuLimitExceeded";
  town.launchError = new ProviderError("provider-quota", attempted, { retryAfterMs: 5 * MINUTE_MS });
  const job = queue();
  await town.run(30 * SECOND_MS);
  await expectCause(job, "provider-quota");
  expect((await explain(job)).timeline.length).toBeGreaterThan(0);
  expect(await statusPage()).toContain("VcpuLimitExceeded");
});

it("GitHub is down", async () => {
  await open({ pools: [{ warmParkedCount: 1 }] });
  await town.run(30 * SECOND_MS);
  fault(town, "any", { kind: "reset", effect: "none" }, Number.POSITIVE_INFINITY);
  const job = queue();
  await town.run(30 * SECOND_MS);
  await expectCause(job, "github-unavailable");
});

it("the pool is full of machines that a freeze keeps from their end, until the thaw", async () => {
  await open({ pools: [{ machineCountMax: 1 }] });
  queue();
  await town.run(30 * SECOND_MS);
  expect(await runPoolsCommand("freeze", "linux", { server, reason: "looking" }, screen())).toBe(0);
  const second = queue();
  await town.run(10 * SECOND_MS);
  // As long as a job is at work there, the freeze keeps nothing from its end.
  await expectCause(second, "at-max");
  await town.run(2 * MINUTE_MS);
  await expectCause(second, "frozen");
  const { words } = await explain(second);
  expect(words).toMatchObject([{ word: "frozen", about: "pool linux", operator: "alice", reason: "looking" }]);
  expect(await runPoolsCommand("thaw", "linux", { server }, screen())).toBe(0);
  await town.runUntil(() => second.phase.kind === "acquired", 3 * MINUTE_MS);
  expect(second.phase.kind).toBe("acquired");
});
