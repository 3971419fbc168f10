import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HostReport, OfferedTicket } from "../../src/domain/protocol.ts";
import type { StandInSettings } from "../../src/simulator/runner/stand-in-settings.ts";
import { type SimulatedGitHub, startSimulatedGitHub } from "../../src/simulator/server/simulated-github.ts";
import { type AgentProcess, createMachine, eventually, type Machine } from "./agent-yard.ts";
import { DEADLINE_MS, type FakeController, ticketOf } from "./fake-controller.ts";
import { isOfSlowness, WATCHDOG_FIRST } from "./slow-refusals.ts";

let github: SimulatedGitHub;
const machines: Machine[] = [];

beforeEach(async () => {
  github = await startSimulatedGitHub({ repositories: ["acme/widgets"], longPollMs: 1_000 });
});

afterEach(async () => {
  for (const machine of machines.splice(0)) await machine.clear();
  await github.close();
});

let runnerCount = 0;

function mint() {
  runnerCount += 1;
  const { id, encodedJitConfig } = github.registerRunner({
    scope: { kind: "organization", organization: "acme" },
    name: `fenced-runner-${runnerCount}`,
    labels: ["self-hosted"],
    groupId: 1,
    isEphemeral: true,
  });
  return { runnerId: id, ticket: ticketOf(encodedJitConfig) };
}

function queue(...steps: readonly string[]): number {
  return github.queueJob({ repository: "acme/widgets", labels: ["self-hosted"], steps });
}

interface Scene {
  readonly machine: Machine;
  readonly agent: AgentProcess;
  readonly controller: FakeController;
  readonly ticket: OfferedTicket;
  readonly runnerId: number;
}

/** A machine with a ticket; it is asked for once, in answer to the first report that is so. */
async function engagedMachine(isWhen: (report: HostReport) => boolean, settings: StandInSettings = {}): Promise<Scene> {
  const machine = await createMachine(settings);
  machines.push(machine);
  const agent = machine.startAgent();
  const { controller } = machine;
  await controller.waitFor("a parked agent", () => controller.last()?.phase === "parked");
  const { runnerId, ticket } = mint();
  controller.handsBackWhen = isWhen;
  controller.handBack = { ticketId: ticket.id, attempt: 1 };
  controller.offer(ticket);
  return { machine, agent, controller, ticket, runnerId };
}

/** Asks for the ticket from then on, and anew where this machine was too slow: whoever expects a hand-back waits for one. */
function order({ controller, ticket }: Scene, isWhen: (report: HostReport) => boolean, firstAttempt = 1): void {
  controller.handBack = { ticketId: ticket.id, attempt: firstAttempt };
  controller.handsBackWhen = (report) => {
    const { fence } = report;
    if (fence !== null && fence.attempt === controller.handBack?.attempt && isOfSlowness(fence))
      controller.handBack = { ticketId: ticket.id, attempt: fence.attempt + 1 };
    return isWhen(report);
  };
}

const never = () => false;
const always = () => true;
const isOnline = ({ ticket }: HostReport) => ticket?.step === "online";
const isRunning = ({ ticket }: HostReport) => ticket?.step === "running";
const seesWorker = ({ sighting }: HostReport) => sighting.kind === "seen" && sighting.workerCount > 0;

async function online(scene: Scene): Promise<void> {
  await scene.controller.waitFor("an online ticket", () => scene.controller.last()?.ticket?.step === "online");
}

async function endOf({ controller, ticket }: Scene) {
  return controller.waitFor("an end", () => controller.endOf(ticket.id));
}

function completed(jobId: number) {
  return github.waitForJob(jobId, ({ status }) => status === "completed", DEADLINE_MS);
}

function refusal({ controller }: Machine, attempt: number) {
  return controller.waitFor(`an answer to order ${attempt}`, () => {
    const fence = controller.last()?.fence;
    return fence?.attempt === attempt && fence;
  });
}

function logOf({ machine, ticket }: Scene): string {
  const folder = join(machine.settings.directory, "roots", ticket.id, "_diag");
  if (!existsSync(folder)) return "";
  const logs = readdirSync(folder).filter((name) => name.startsWith("Runner_"));
  return logs.map((name) => readFileSync(join(folder, name), "utf8")).join("");
}

function kinds(machine: Machine): readonly string[] {
  return machine.journal().map(({ kind }) => kind);
}

/** One for the kill, and one for each clean look whose watchdog was first. */
function fencings({ controller }: Scene): readonly string[] {
  const lost = controller.reports.flatMap(({ report: { fence } }) =>
    fence?.why === WATCHDOG_FIRST ? [fence.attempt] : [],
  );
  return Array.from({ length: new Set(lost).size + 1 }, () => "fencing");
}

describe("an order for a ticket without a job", () => {
  it("hands it back: the listener is killed, and the machine is parked again", async () => {
    const scene = await engagedMachine(never);
    order(scene, isOnline);
    const { machine, controller } = scene;
    expect(await endOf(scene)).toEqual({ kind: "handed-back" });
    await controller.waitFor("parked again", () => controller.last()?.phase === "parked");
    expect(machine.marked()).toEqual([]);
    expect(kinds(machine)).toEqual(["store-seen", "taken", "started", ...fencings(scene), "ended", "confirmed"]);
    expect(readdirSync(machine.settings.volatileDirectory)).toEqual(["incarnation.json"]);
    await eventually("the watchdog's end", () => /"the fence's watchdog ended","code":0/.test(machine.written()));
  });

  it("leaves the job that comes next to another runner", async () => {
    const scene = await engagedMachine(never);
    order(scene, isOnline);
    await endOf(scene);
    // As the controller does at once: a dead listener still counts as online.
    const response = await fetch(`${github.apiUrl}/orgs/acme/actions/runners/${scene.runnerId}`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${github.token}` },
    });
    expect(response.status).toBe(204);
    const jobId = queue("true");
    await scene.controller.waitFor("parked again", () => scene.controller.last()?.phase === "parked");
    scene.controller.offer(mint().ticket);
    expect(await completed(jobId)).toMatchObject({ conclusion: "success" });
  });

  it("hands back a runner that has no session yet", async () => {
    const scene = await engagedMachine(never, { neverRegisters: true });
    // Before there is a log nothing can be told, and the order would be refused.
    await eventually("a log of the listener", () => logOf(scene) !== "");
    order(scene, always);
    expect(await endOf(scene)).toEqual({ kind: "handed-back" });
  });

  it("hands back a runner that listens for ever after its acquire failed", async () => {
    const hold = github.moments.hold({ name: "acquired", side: "before" });
    const scene = await engagedMachine(isRunning);
    const { controller } = scene;
    await online(scene);
    const jobId = queue("true");
    await hold.reached;
    expect((await refusal(scene.machine, 1)).why).toBe("an assignment arrived and is not over");
    controller.handsBackWhen = never;
    github.cancelJob(jobId);
    hold.release();
    await eventually("a job that went elsewhere", () => logOf(scene).includes("Skipping message Job."));
    order(scene, always, 2);
    expect(await endOf(scene)).toEqual({ kind: "handed-back" });
  });
});

describe("an order for a ticket with work", () => {
  it("is refused while a job runs, and the listener is not even stopped", async () => {
    const scene = await engagedMachine(seesWorker);
    await online(scene);
    const jobId = queue("sleep 1");
    expect((await refusal(scene.machine, 1)).why).toBe("a Worker runs");
    expect(scene.machine.written()).not.toContain("the fence is closed");
    expect(await completed(jobId)).toMatchObject({ conclusion: "success" });
    expect(await endOf(scene)).toEqual({ kind: "spent" });
  });

  it.each(["acknowledged", "acquired"] as const)("is refused before its message is %s", async (name) => {
    const scene = await engagedMachine(isRunning);
    await online(scene);
    const hold = github.moments.hold({ name, side: "before" });
    const jobId = queue("true");
    await hold.reached;
    expect((await refusal(scene.machine, 1)).why).toBe("an assignment arrived and is not over");
    hold.release();
    expect(await completed(jobId)).toMatchObject({ conclusion: "success" });
    expect(await endOf(scene)).toEqual({ kind: "spent" });
  });
});

describe("an agent that is asked to end", () => {
  it("hands back a ticket without a job, and ends with 0", async () => {
    const scene = await engagedMachine(never);
    await online(scene);
    scene.agent.signal("SIGTERM");
    expect(await scene.agent.exited).toEqual({ code: 0, signal: null });
    expect(scene.controller.endOf(scene.ticket.id)).toEqual({ kind: "handed-back" });
    expect(scene.machine.marked()).toEqual([]);
    expect(existsSync(join(scene.machine.settings.directory, "roots", scene.ticket.id))).toBe(false);
  });
});

describe("an agent that finds another's fence", () => {
  async function orphaned(): Promise<Scene & { readonly listener: number }> {
    const scene = await engagedMachine(never);
    await online(scene);
    const listener = await eventually("a listener", () => scene.machine.marked("listener")[0]);
    scene.agent.signal("SIGKILL");
    await scene.agent.exited;
    return { ...scene, listener };
  }

  /** What a fence leaves behind whose agent died after its clean look. */
  function leaveFence({ machine, ticket }: Scene, claim: string): void {
    const name = `${ticket.id}.left`;
    const { directory, volatileDirectory } = machine.settings;
    mkdirSync(join(volatileDirectory, "fences", name), { recursive: true });
    writeFileSync(join(volatileDirectory, "fences", name, claim), "open\n");
    const diagnostics = join(directory, "roots", ticket.id, "_diag");
    const paths = readdirSync(diagnostics).map((log) => join(diagnostics, log));
    const sizes = [...paths, join(volatileDirectory, ticket.id, "Runner.perf")].map((path) => statSync(path).size);
    const byteCount = sizes.reduce((sum, size) => sum + size, 0);
    const entry = { kind: "fencing", ticketId: ticket.id, name, byteCount };
    appendFileSync(join(directory, "journal.jsonl"), `${JSON.stringify(entry)}\n`);
  }

  it("resumes a listener that was left stopped, and its job succeeds", async () => {
    const scene = await orphaned();
    leaveFence(scene, "open");
    process.kill(scene.listener, "SIGSTOP");
    const jobId = queue("true");
    scene.machine.startAgent();
    expect(await completed(jobId)).toMatchObject({ conclusion: "success" });
    expect(await endOf(scene)).toEqual({ kind: "spent" });
  });

  it.each([
    ["the kill: handed back", "kill", { kind: "handed-back" }],
    ["the resume: barren", "resume", { kind: "barren", reason: "unknown exit" }],
    ["nothing yet: barren", "open", { kind: "barren", reason: "unknown exit" }],
  ])("knows by its claim what ended the listener: %s", async (_name, claim, end) => {
    const scene = await orphaned();
    process.kill(scene.listener, "SIGSTOP");
    leaveFence(scene, claim);
    process.kill(scene.listener, "SIGKILL");
    scene.machine.startAgent();
    expect(await endOf(scene)).toEqual(end);
  });

  it("hands back a listener that its agent started and did not live to write down", async () => {
    const scene = await orphaned();
    const path = join(scene.machine.settings.directory, "journal.jsonl");
    const lines = readFileSync(path, "utf8").split("\n");
    writeFileSync(path, lines.filter((line) => !line.includes('"started"')).join("\n"));
    order(scene, isOnline);
    scene.machine.startAgent();
    expect(await endOf(scene)).toEqual({ kind: "handed-back" });
    const begin = ["store-seen", "taken", "started", ...fencings(scene), "ended"];
    expect(kinds(scene.machine).slice(0, begin.length)).toEqual(begin);
  });

  it("resumes a listener for which a kill was claimed that never came", async () => {
    const scene = await orphaned();
    process.kill(scene.listener, "SIGSTOP");
    leaveFence(scene, "kill");
    const jobId = queue("true");
    scene.machine.startAgent();
    expect(await completed(jobId)).toMatchObject({ conclusion: "success" });
    expect(await endOf(scene)).toEqual({ kind: "spent" });
  });
});
