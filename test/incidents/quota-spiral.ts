/**
 * The state of jit-runners #74 in the simulated EC2, under the production controllers in the world's time: 32 vCPUs in each of
 * two markets are 16 instances of c5.xlarge, and all of them are there. One is legitimate, four were just launched, two are
 * done and still up, and the rest live on although their launch came to nothing.
 */
import { createHmac } from "node:crypto";
import { parseControllerId, parseLaunchId, parseMachineId } from "../../src/domain/ids.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { readExplanation } from "../../src/http/operators/read-explanation.ts";
import type { Fault } from "../../src/simulator/scenario/fault.ts";
import { PLAIN_POOL } from "../../src/simulator/scenario/plain-pool.ts";
import type { PlannedJob } from "../../src/simulator/scenario/scenario.ts";
import { HOOK_SECRET } from "../../src/simulator/world/controller.ts";
import { createWorld, type World } from "../../src/simulator/world/world.ts";
import { START_MS } from "../simulator/world/tiny-scenario.ts";

export const QUOTA = 16;
export const NEVER_BOOTS: Fault = { kind: "host.never-boots", perMachine: 1 };
export const DOES_NOT_TAKE: Fault = { kind: "provider.terminate-does-not-take", probability: 1 };
export const NEVER_ONLINE: Fault = { kind: "host.runner-never-online", perTicket: 1 };
export const BOOT_MAX_MS = 90 * SECOND_MS;
/** Long enough that no other limit ends what `host-lost` is to end. */
export const DEADLINES = { ...PLAIN_POOL.deadlines, unknownMs: 2 * HOUR_MS };
/** As in the world: the controllers' own. */
const CONTROLLER = parseControllerId("world");

export interface QuotaSpiralOptions {
  readonly jobs: readonly PlannedJob[];
}

export function jobs(name: string, count: number, atMs: number, durationMs: number): readonly PlannedJob[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `${name}-${index + 1}`,
    // A second apart: each has its place in the queue.
    atMs: atMs + index * SECOND_MS,
    repository: "acme/widgets",
    labels: PLAIN_POOL.labels,
    durationMs,
  }));
}

export class QuotaSpiral {
  readonly world: World;
  readonly #faults: Fault[];
  readonly #endedAtMs = new Map<string, number>();
  #launchCount = 0;

  constructor({ jobs: planned }: QuotaSpiralOptions) {
    // What goes wrong at the moment: the world looks at it anew each time.
    this.#faults = [{ kind: "provider.quota", machines: QUOTA }];
    this.world = createWorld(
      {
        name: "ec2-orphans-quota-spiral",
        startMs: START_MS,
        durationMs: 12 * HOUR_MS,
        algorithm: "holdfast",
        provider: "ec2",
        pools: [{ ...PLAIN_POOL, machineCountMax: 40, deadlines: DEADLINES }],
        workload: { jobs: planned, arrivals: null },
        faults: this.#faults,
        faultsEndMs: null,
        bootMs: [40 * SECOND_MS, BOOT_MAX_MS],
        fleet: { isPersistent: false, passEveryMs: MINUTE_MS, firstPassMs: MINUTE_MS, minimumAgeMs: MINUTE_MS },
        pace: 1,
      },
      1,
      ({ atMs, text, subjects: [subject] }) => {
        if (text === "nothing runs on it any more" && subject !== undefined) this.#endedAtMs.set(subject, atMs);
      },
    );
    const { webhooks, installation, workload } = this.world;
    webhooks.start();
    installation?.start();
    workload.start(12 * HOUR_MS);
  }

  /** Since the world's start. */
  get nowMs(): number {
    return this.world.scheduler.nowMs - START_MS;
  }

  async until(sinceStartMs: number): Promise<void> {
    await this.world.scheduler.runUntil(START_MS + sinceStartMs);
  }

  async pass(forMs: number): Promise<void> {
    await this.until(this.nowMs + forMs);
  }

  /** Second by second. @returns when it was so, since the world's start; null where it was not within that time. */
  async waitFor(holds: () => boolean, withinMs: number): Promise<number | null> {
    const untilMs = this.nowMs + withinMs;
    while (!holds()) {
      if (this.nowMs >= untilMs) return null;
      await this.pass(SECOND_MS);
    }
    return this.nowMs;
  }

  goesWrong(fault: Fault): void {
    this.#faults.push(fault);
  }

  goesWell(fault: Fault): void {
    this.#faults.splice(this.#faults.indexOf(fault), 1);
  }

  get instances(): readonly string[] {
    return [...this.world.provider.hosts.keys()];
  }

  /** Since the world's start; null while it is up. */
  endOf(instanceId: string): number | null {
    return this.#endedAtMs.get(instanceId) ?? null;
  }

  /** Instances that carry our tags and of which no row tells: somebody's row update failed. */
  async launchWithoutRows(count: number): Promise<readonly string[]> {
    const before = new Set(this.instances);
    this.#launchCount += 1;
    const port = this.world.provider.forPool(CONTROLLER, PLAIN_POOL.name);
    const request = {
      launchId: parseLaunchId(`l-norow${String(this.#launchCount).padStart(4, "0")}`),
      pool: PLAIN_POOL.name,
      settingsHash: PLAIN_POOL.settingsHash,
      machines: Array.from({ length: count }, (_, index) => ({
        machineId: parseMachineId(`m-norow${this.#launchCount}${String(index).padStart(4, "0")}`),
        identitySecret: "",
      })),
    };
    const order = (await port.orders?.draft(request)) ?? null;
    await port.launch({ ...request, order });
    return this.instances.filter((id) => !before.has(id));
  }

  /** What is committed, as the store has it. */
  rows(sql: string, ...parameters: readonly unknown[]): readonly Readonly<Record<string, unknown>>[] {
    return this.world.database?.read(sql, ...parameters) ?? [];
  }

  stateOf(instanceId: string): string | null {
    const [row] = this.rows("select state from machines where provider_id = ?", instanceId);
    return row === undefined ? null : String(row.state);
  }

  callsOf(...operations: readonly string[]): number {
    const { counts } = this.world.providerRemote;
    return operations.reduce((sum, operation) => sum + (counts[operation] ?? 0), 0);
  }

  jobId(name: string): number {
    const found = this.world.workload.queued.find(({ id }) => this.world.workload.nameOf(id) === name);
    if (found === undefined) throw new Error(`no job ${name}`);
    return found.id;
  }

  /** When one of ours took it, since the world's start. */
  startOf(job: string): number | null {
    const atMs = this.world.judge.acquiredAtMs(this.jobId(job));
    return atMs === null ? null : atMs - START_MS;
  }

  hasSucceeded(job: string): boolean {
    const phase = this.world.github.state.jobs.get(this.jobId(job))?.phase;
    return phase?.kind === "completed" && phase.conclusion === "success";
  }

  /** The instance on which it runs. */
  instanceOf(job: string): string {
    const id = this.jobId(job);
    const found = [...this.world.provider.hosts].find(([, host]) => host.truth().runner?.acquiredJobId === id);
    if (found === undefined) throw new Error(`job ${job} runs nowhere`);
    return found[0];
  }

  /** What `holdfast explain` says that it waits for. */
  async waitingFor(job: string): Promise<string | null> {
    const running = this.world.installation?.current ?? null;
    if (running === null) throw new Error("nobody is there to be asked");
    const told: { answer: string | null } = { answer: null };
    running.process.deliver(() => {
      void readExplanation(running.sources, String(this.jobId(job))).then((explanation) => {
        told.answer = JSON.stringify(explanation?.waitingFor ?? null);
      });
    });
    await this.pass(SECOND_MS);
    return told.answer;
  }

  /** A signed webhook that nobody can make sense of. @returns the status that GitHub got; null for none. */
  async sendOddEvent(number: number): Promise<number | null> {
    const body = JSON.stringify({ action: "queued", workflow_job: { id: `odd ${number}` } });
    const headers = {
      "content-type": "application/json",
      "X-GitHub-Delivery": `odd-delivery-${number}`,
      "X-GitHub-Event": "workflow_job",
      "X-Hub-Signature-256": `sha256=${createHmac("sha256", HOOK_SECRET).update(body).digest("hex")}`,
    };
    const told: { status: number | null } = { status: null };
    this.world.installation?.receiveWebhook(headers, body, (answer) => {
      told.status = answer?.status ?? null;
    });
    await this.waitFor(() => told.status !== null, 10 * SECOND_MS);
    return told.status;
  }
}
