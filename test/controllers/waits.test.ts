/** What a pool's figures say of its queue, its waits and its endings, from the rows that the controllers wrote. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ingest } from "../../src/controllers/ingest.ts";
import { sweepUnknown } from "../../src/controllers/sweep-unknown.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import { parseDeliveryId, parseRunnerId } from "../../src/domain/ids.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { DeliveryLog } from "../../src/store/deliveries/log.ts";
import { connectionName } from "../domain/builders.ts";
import { Yard } from "./yard.ts";

let yard: Yard;
let deliveryCount: number;
beforeEach(async () => {
  yard = await Yard.open({ machineCountMax: 2 });
  deliveryCount = 0;
  yard.clock.advance(1_000 * HOUR_MS);
  yard.heardSinceMs = yard.clock.nowMs();
});
afterEach(() => yard.close());

const gauge = (name: string) => yard.telemetry.gauges.get(`${name} pool=linux`);
const iso = (ms: number) => new Date(ms).toISOString();

async function event(action: string, status: string, job: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const log = new DeliveryLog(yard.store, yard.clock, { batchMs: 0 });
  deliveryCount += 1;
  const written = {
    id: 7,
    run_id: 100,
    run_attempt: 1,
    name: "build",
    workflow_name: "ci",
    html_url: "https://github.com/acme/widgets/actions/runs/100/job/7",
    labels: ["self-hosted", "linux"],
    status,
    conclusion: null,
    runner_id: null,
    runner_name: null,
    completed_at: null,
    ...job,
  };
  const body = JSON.stringify({ action, workflow_job: written, repository: { full_name: "acme/widgets" } });
  const recorded = log.record({
    connection: connectionName(),
    id: parseDeliveryId(`delivery-${deliveryCount}`),
    event: "workflow_job",
    body: new TextEncoder().encode(body),
    receivedAtMs: yard.clock.nowMs(),
  });
  await log.close();
  await recorded;
}

async function pass(afterMs: number): Promise<void> {
  yard.clock.advance(afterMs);
  await yard.pass();
}

const parts = () =>
  Object.fromEntries(
    [...yard.telemetry.durationsMs]
      .filter(([name]) => name.startsWith("holdfast_queue_wait_part_seconds"))
      .map(([name, durations]) => [name.split("part=")[1], durations]),
  );
const totals = () => yard.telemetry.durationsMs.get("holdfast_queue_wait_seconds pool=linux");

describe("a job that ran", () => {
  it("tells its wait in parts, once, whatever is told of it after", async () => {
    const createdAtMs = yard.clock.nowMs();
    const created = { created_at: iso(createdAtMs), started_at: iso(createdAtMs) };
    yard.clock.advance(2 * SECOND_MS);
    await event("queued", "queued", created);
    yard.provider.nextLaunchError = { error: new ProviderError("provider-unavailable", "x"), takesEffect: false };
    await pass(SECOND_MS);
    // The launch that failed is repeated.
    await pass(10 * SECOND_MS);
    const agent = yard.agent((await yard.onlyMachine()).id);
    yard.clock.advance(20 * SECOND_MS);
    await agent.checkIn();
    await agent.report();
    await pass(0);
    yard.clock.advance(3 * SECOND_MS);
    const answer = await agent.poll();
    if (answer.kind !== "ticket") throw new Error("it has a ticket");
    yard.clock.advance(4 * SECOND_MS);
    const runner = { runner_id: 1_001, runner_name: answer.ticket.runnerName };
    const started = { ...created, ...runner, started_at: iso(yard.clock.nowMs()) };
    expect(totals()).toBeUndefined();
    await event("in_progress", "in_progress", started);
    await event("in_progress", "in_progress", started);
    await pass(SECOND_MS);
    expect(totals()).toEqual([40 * SECOND_MS]);
    expect(parts()).toEqual({
      github: [2_000],
      decision: [1_000],
      launch: [10_000],
      boot: [20_000],
      ticket: [3_000],
      assignment: [4_000],
    });
    await event("completed", "completed", { ...started, conclusion: "success", completed_at: iso(yard.clock.nowMs()) });
    await pass(SECOND_MS);
    expect(totals()).toHaveLength(1);
  });

  it("tells nothing where somebody else's runner took it, or where it never ran", async () => {
    const created = { created_at: iso(yard.clock.nowMs()), started_at: iso(yard.clock.nowMs()) };
    await event("in_progress", "in_progress", { ...created, runner_id: 5, runner_name: "somebody-elses" });
    await event("completed", "completed", {
      ...created,
      id: 8,
      conclusion: "cancelled",
      completed_at: created.created_at,
    });
    await ingest(yard.context);
    expect(yard.telemetry.durationsMs.size).toBe(0);
  });
});

describe("the gauges of a pool", () => {
  it("show the oldest queued job and its bound", async () => {
    await yard.pass();
    expect(gauge("holdfast_oldest_queued_job_seconds")).toBe(0);
    await yard.queue(1);
    await pass(5 * MINUTE_MS);
    await yard.queue(2);
    await pass(MINUTE_MS);
    expect(gauge("holdfast_oldest_queued_job_seconds")).toBe(360);
    expect(gauge("holdfast_queued_job_bound_seconds")).toBeGreaterThan(300);
  });

  it("count the wait of a job that was held from its approval on", async () => {
    const created = { created_at: iso(yard.clock.nowMs()), started_at: null };
    await event("waiting", "waiting", created);
    await pass(0);
    yard.clock.advance(HOUR_MS);
    await event("queued", "queued", created);
    await yard.queue(2, { createdAtMs: yard.clock.nowMs() - MINUTE_MS });
    await yard.pass();
    expect(gauge("holdfast_oldest_queued_job_seconds")).toBe(60);
    await pass(2 * MINUTE_MS);
    expect(gauge("holdfast_oldest_queued_job_seconds")).toBe(180);
  });

  it("show for how long a machine has been retiring, over all its steps", async () => {
    const agent = await yard.parkedAgent();
    yard.provider.terminateTakes = false;
    await yard.tell((await yard.onlyTicket()).jobId ?? never(), { status: "completed", conclusion: "cancelled" });
    yard.isShuttingDown = true;
    await pass(0);
    const retiring = (await yard.onlyMachine()).state;
    expect(retiring.kind).toBe("retiring");
    const before = gauge("holdfast_oldest_retiring_machine_seconds") ?? never();
    await agent.report({ phase: "leaving" });
    for (let count = 0; count < 30; count += 1) await pass(MINUTE_MS);
    expect((await yard.onlyMachine()).state.sinceMs).toBeGreaterThan(retiring.sinceMs);
    expect(gauge("holdfast_oldest_retiring_machine_seconds")).toBe(before + 1_800);
    expect(gauge("holdfast_retiring_bound_seconds")).toBeGreaterThan(1_800);
    yard.provider.machines.clear();
    await pass(MINUTE_MS);
    await pass(MINUTE_MS);
    expect(gauge("holdfast_oldest_retiring_machine_seconds")).toBe(0);
  });

  it("show by its reason that launches are refused, until one succeeds", async () => {
    const blocked = (reason: string) =>
      yard.telemetry.gauges.get(`holdfast_launches_blocked pool=linux reason=${reason}`);
    await yard.queue();
    yard.provider.nextLaunchError = { error: new ProviderError("provider-quota", "x"), takesEffect: false };
    await yard.pass();
    expect([blocked("provider-quota"), blocked("provider-full")]).toEqual([1, 0]);
    for (let count = 0; count < 20; count += 1) await pass(MINUTE_MS);
    expect(yard.provider.launches.length).toBeGreaterThan(1);
    expect(blocked("provider-quota")).toBe(0);
  });

  it("show ghosts: those that are about to be deleted, and those of which nobody knows", async () => {
    const ghosts = (kind: string) => yard.telemetry.gauges.get(`holdfast_ghosts pool=linux kind=${kind}`);
    await yard.parkedAgent();
    yard.github.deleteAnswer = "busy";
    await yard.tell((await yard.onlyTicket()).jobId ?? never(), { status: "completed", conclusion: "cancelled" });
    await pass(2 * MINUTE_MS);
    expect(ghosts("owed")).toBe(1);
    yard.github.deleteAnswer = "deleted";
    await pass(2 * MINUTE_MS);
    expect(ghosts("owed")).toBe(0);
    const id = parseRunnerId(5);
    const name = "hf-yard-nobodyknowsme";
    yard.github.runners.set(id, { id, name, isOnline: false, isBusy: false, version: null });
    await sweepUnknown(yard.context);
    expect(ghosts("unknown")).toBe(1);
  });

  it("are set by the process that holds the pool, and by no other", async () => {
    yard.lease = null;
    await yard.pass();
    expect([...yard.telemetry.gauges.keys()].filter((name) => name.includes("pool=linux"))).toEqual([]);
  });
});

function never(): never {
  throw new Error("it is there");
}
