/** jit-runners #74: what must be so, line by line, in its own state and with the production controllers. */
import { afterEach, expect, it, vi } from "vitest";
import { QUARANTINED_MAX } from "../../src/controllers/watch-quarantine.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import {
  BOOT_MAX_MS,
  DEADLINES,
  DOES_NOT_TAKE,
  jobs,
  NEVER_BOOTS,
  NEVER_ONLINE,
  QUOTA,
  QuotaSpiral,
} from "./quota-spiral.ts";

/** Hours of the world, on a machine that may be busy. */
const PATIENCE_MS = 240_000;
/** Between the moment at which GitHub gives a job to a runner and the runner's word that it takes it. */
const TAKING_MS = 3 * SECOND_MS;
/** From a deadline to the call: each of the controllers that it takes comes once. */
const ONE_PASS_MS = 20 * SECOND_MS;
/** Time for a machine, its ticket and its session. */
const FIRST_JOBS_MS = 2 * MINUTE_MS;

let spiral: QuotaSpiral;
afterEach(() => {
  expect(spiral.world.judge.violations).toEqual([]);
  expect([...spiral.world.judge.deaths.values()].filter((death) => death === "us")).toEqual([]);
  spiral.world.database?.close();
});

it(
  "an error after launch retires the machine at once; its ending is repeated until it takes",
  async () => {
    spiral = new QuotaSpiral({
      jobs: [...jobs("build", 1, SECOND_MS, MINUTE_MS), ...jobs("later", 1, HOUR_MS, MINUTE_MS)],
    });
    // The JIT configuration is of no use: its runner never gets a session. And the call to end the instance changes nothing.
    spiral.goesWrong(NEVER_ONLINE);
    spiral.goesWrong(DOES_NOT_TAKE);
    await spiral.until(SECOND_MS);
    const hasFailed = () => spiral.rows("select id from tickets where state = 'handed-back'").length > 0;
    const failedAtMs = await spiral.waitFor(hasFailed, 10 * MINUTE_MS);
    expect(failedAtMs).not.toBeNull();
    const [instance = ""] = spiral.instances;
    await spiral.pass(ONE_PASS_MS);
    expect(spiral.stateOf(instance)).toBe("retiring");
    const ticketCount = () =>
      spiral.rows(
        "select id from tickets where machine_id in (select id from machines where provider_id = ?)",
        instance,
      ).length;
    const [tickets, endings] = [ticketCount(), spiral.callsOf("TerminateInstances")];
    expect(endings).toBeGreaterThan(0);
    spiral.goesWell(NEVER_ONLINE);
    await spiral.pass(10 * MINUTE_MS);
    expect(spiral.instances).toContain(instance);
    expect(spiral.callsOf("TerminateInstances") - endings).toBeGreaterThan(3);
    expect(ticketCount()).toBe(tickets);
    spiral.goesWell(DOES_NOT_TAKE);
    expect(await spiral.waitFor(() => spiral.endOf(instance) !== null, 3 * MINUTE_MS)).not.toBeNull();
    expect(spiral.hasSucceeded("build-1")).toBe(true);

    // The row update fails: the process dies after EC2 has started the instance, before it has heard of it.
    await spiral.until(HOUR_MS);
    const startedCount = spiral.world.provider.startedCount;
    await spiral.waitFor(() => spiral.world.provider.startedCount > startedCount, MINUTE_MS);
    spiral.world.installation?.crash(null);
    expect(await spiral.waitFor(() => spiral.hasSucceeded("later-1"), 10 * MINUTE_MS)).not.toBeNull();
    expect(await spiral.waitFor(() => spiral.instances.length === 0, 5 * MINUTE_MS)).not.toBeNull();
    expect(spiral.world.provider.startedCount).toBe(startedCount + 1);
  },
  PATIENCE_MS,
);

it(
  "every live instance whose use is over ends, whatever its row says: within 2 minutes while its agent answers, by host-lost otherwise",
  async () => {
    spiral = new QuotaSpiral({
      jobs: [...jobs("legitimate", 1, SECOND_MS, 3 * HOUR_MS), ...jobs("lost", 1, 2 * SECOND_MS, 2 * HOUR_MS)],
    });
    await spiral.until(FIRST_JOBS_MS + BOOT_MAX_MS);
    const [legitimate, lost] = [spiral.instanceOf("legitimate-1"), spiral.instanceOf("lost-1")];
    const answering = await spiral.launchWithoutRows(4);
    spiral.goesWrong(NEVER_BOOTS);
    const silent = await spiral.launchWithoutRows(3);
    spiral.goesWell(NEVER_BOOTS);
    spiral.world.provider.hosts.get(lost)?.end({ by: "fault", kind: "host.dies" });
    const sinceMs = spiral.nowMs;

    await spiral.until(sinceMs + BOOT_MAX_MS + 2 * MINUTE_MS);
    for (const id of answering) expect(spiral.endOf(id)).not.toBeNull();
    // Nobody is there to be asked whether a job runs, so it is taken for one that does.
    for (const id of [...silent, lost, legitimate]) expect(spiral.endOf(id)).toBeNull();

    // Its host says nothing, GitHub has not seen its runner for half an hour, and GitHub ended its job.
    const lostAfterMs = DEADLINES.lostHostMs + 30 * MINUTE_MS + 15 * MINUTE_MS;
    expect(await spiral.waitFor(() => spiral.endOf(lost) !== null, lostAfterMs)).not.toBeNull();
    await spiral.pass(MINUTE_MS);
    const ended = () => spiral.world.telemetry.by("holdfast_machines_ended_total", "proof");
    expect(ended()).toMatchObject({ "host-lost": 1 });

    // Of these nobody can name a ticket: they are kept for as long as the pool says, then ended and told.
    const isOver = () => silent.every((id) => spiral.endOf(id) !== null);
    expect(await spiral.waitFor(isOver, DEADLINES.unknownMs + 30 * MINUTE_MS)).not.toBeNull();
    await spiral.pass(MINUTE_MS);
    expect(ended()).toMatchObject({ forced: silent.length });
    expect(spiral.endOf(legitimate)).toBeNull();
    await spiral.until(3 * HOUR_MS + 10 * MINUTE_MS);
    expect(spiral.hasSucceeded("legitimate-1")).toBe(true);
    expect(spiral.instances).toEqual([]);
  },
  PATIENCE_MS,
);

/**
 * Full by its minute 6: one legitimate, two done of which the ending does not take, nine that never boot, four just launched.
 * The jobs of the nine are still queued, and three more are queued behind them.
 */
async function fill(): Promise<{ readonly orphans: readonly string[]; readonly atMs: number }> {
  spiral = new QuotaSpiral({
    jobs: [
      ...jobs("legitimate", 1, SECOND_MS, 40 * MINUTE_MS),
      ...jobs("done", 2, 2 * SECOND_MS, MINUTE_MS),
      ...jobs("stuck", 9, 4 * MINUTE_MS, 5 * MINUTE_MS),
      ...jobs("fresh", 4, 5 * MINUTE_MS, 5 * MINUTE_MS),
      ...jobs("queued", 3, 6 * MINUTE_MS, 5 * MINUTE_MS),
    ],
  });
  await spiral.until(FIRST_JOBS_MS);
  spiral.goesWrong(DOES_NOT_TAKE);
  await spiral.until(4 * MINUTE_MS);
  const before = new Set(spiral.instances);
  spiral.goesWrong(NEVER_BOOTS);
  await spiral.until(5 * MINUTE_MS);
  spiral.goesWell(NEVER_BOOTS);
  const orphans = spiral.instances.filter((id) => !before.has(id));
  await spiral.until(6 * MINUTE_MS);
  expect(["done-1", "done-2"].map((job) => spiral.hasSucceeded(job))).toEqual([true, true]);
  expect(orphans).toHaveLength(9);
  expect(spiral.instances).toHaveLength(QUOTA);
  return { orphans, atMs: spiral.nowMs };
}

const QUEUED = ["queued-1", "queued-2", "queued-3"] as const;

it(
  "a full pool of orphans is clean within the boot deadline plus one pass, and the queued work then runs",
  async () => {
    const { orphans } = await fill();
    spiral.goesWell(DOES_NOT_TAKE);
    // The last of them was started before minute 5.
    await spiral.until(5 * MINUTE_MS + DEADLINES.bootMs + ONE_PASS_MS);
    for (const id of orphans) expect(spiral.endOf(id)).not.toBeNull();
    expect(spiral.world.telemetry.by("holdfast_machines_ended_total", "proof")).toMatchObject({ "never-engaged": 9 });
    const all = [...Array.from({ length: 9 }, (_, index) => `stuck-${index + 1}`), ...QUEUED];
    expect(await spiral.waitFor(() => all.every((job) => spiral.startOf(job) !== null), 10 * MINUTE_MS)).not.toBeNull();
    await spiral.until(50 * MINUTE_MS);
    for (const job of [...all, "legitimate-1"]) expect([job, spiral.hasSucceeded(job)]).toEqual([job, true]);
    expect(spiral.instances).toEqual([]);
  },
  PATIENCE_MS,
);

it(
  "quota refusals open a breaker with a visible reason; no launch storm; queued jobs keep their place",
  async () => {
    const { orphans, atMs } = await fill();
    const launches = () => spiral.callsOf("CreateFleet", "RunInstances");
    const before = launches();
    await spiral.until(atMs + MINUTE_MS);
    for (const job of QUEUED) expect(await spiral.waitingFor(job)).toContain("provider-quota");
    expect(spiral.world.telemetry.gaugeTotal("holdfast_launch_obstacles")).toBe(2);
    // Ten jobs wait by then. A market that refused rests 2 minutes, then 4, then 8: one attempt each.
    await spiral.until(4 * MINUTE_MS + DEADLINES.bootMs);
    expect(spiral.instances).toHaveLength(QUOTA);
    expect(launches() - before).toBeGreaterThan(0);
    expect(launches() - before).toBeLessThanOrEqual(2 * 2);
    spiral.goesWell(DOES_NOT_TAKE);
    const isClean = () => orphans.every((id) => spiral.endOf(id) !== null);
    expect(await spiral.waitFor(isClean, MINUTE_MS + ONE_PASS_MS)).not.toBeNull();
    expect(
      await spiral.waitFor(() => QUEUED.every((job) => spiral.startOf(job) !== null), 15 * MINUTE_MS),
    ).not.toBeNull();
    // As they were given away: a runner may take a second longer than another to say that it takes its job.
    const { github, workload } = spiral.world;
    const given = new Set([...github.state.requests.values()].map(({ jobId }) => workload.nameOf(jobId)));
    const inOrder = workload.queued.map(({ id }) => workload.nameOf(id));
    expect([...given]).toEqual(inOrder);
    const starts = inOrder.map((job) => spiral.startOf(job) ?? Number.POSITIVE_INFINITY);
    for (const [place, startMs] of starts.entries())
      expect(startMs).toBeGreaterThan(Math.max(0, ...starts.slice(0, place)) - TAKING_MS);
  },
  PATIENCE_MS,
);

it(
  "more than 5 undeliverable or quarantined events raise an alarm that pages",
  async () => {
    spiral = new QuotaSpiral({ jobs: jobs("build", 1, 5 * MINUTE_MS, MINUTE_MS) });
    const warn = vi.spyOn(spiral.world.telemetry, "warn");
    const alarms = () =>
      warn.mock.calls.filter(([message]) => message.startsWith("deliveries could not be handled")).length;
    await spiral.until(MINUTE_MS);
    for (let number = 1; number <= QUARANTINED_MAX; number += 1) expect(await spiral.sendOddEvent(number)).toBe(202);
    await spiral.pass(MINUTE_MS);
    const gauge = () => spiral.world.telemetry.gaugeTotal("holdfast_deliveries_quarantined");
    expect([gauge(), alarms()]).toEqual([5, 0]);
    await spiral.sendOddEvent(6);
    await spiral.pass(MINUTE_MS);
    expect([gauge(), alarms()]).toEqual([6, 1]);
    await spiral.pass(HOUR_MS);
    expect([gauge(), alarms()]).toEqual([6, 1]);
    // They hold up no other.
    expect(spiral.hasSucceeded("build-1")).toBe(true);
  },
  PATIENCE_MS,
);
