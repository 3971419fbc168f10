import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StandInSettings } from "../../src/simulator/runner/stand-in-settings.ts";
import { type SimulatedGitHub, startSimulatedGitHub } from "../../src/simulator/server/simulated-github.ts";
import { createMachine, eventually, type Machine } from "./agent-yard.ts";
import { DEADLINE_MS, ticketOf } from "./fake-controller.ts";

let github: SimulatedGitHub;
const machines: Machine[] = [];

beforeEach(async () => {
  github = await startSimulatedGitHub({ repositories: ["acme/widgets"], longPollMs: 1_000 });
});

afterEach(async () => {
  for (const machine of machines.splice(0)) await machine.clear();
  await github.close();
});

async function machineWith(settings: StandInSettings = {}): Promise<Machine> {
  const machine = await createMachine(settings);
  machines.push(machine);
  return machine;
}

let runnerCount = 0;

function mint() {
  runnerCount += 1;
  const { id, encodedJitConfig } = github.registerRunner({
    scope: { kind: "organization", organization: "acme" },
    name: `agent-runner-${runnerCount}`,
    labels: ["self-hosted"],
    groupId: 1,
    isEphemeral: true,
  });
  return { runnerId: id, ticket: ticketOf(encodedJitConfig) };
}

function queue(...steps: readonly string[]): number {
  return github.queueJob({ repository: "acme/widgets", labels: ["self-hosted"], steps });
}

function completed(jobId: number) {
  return github.waitForJob(jobId, (job) => job.status === "completed", DEADLINE_MS);
}

function parked(machine: Machine) {
  return machine.controller.waitFor("a parked agent", () => machine.controller.last()?.phase === "parked");
}

/** Gives the machine a ticket and waits until its job runs a step. */
async function runUntilBusy(machine: Machine, step: string) {
  const { ticket } = mint();
  await parked(machine);
  const jobId = queue(step);
  machine.controller.offer(ticket);
  const { controller } = machine;
  await controller.waitFor("a running ticket", () => controller.last()?.ticket?.step === "running");
  await github.waitForJob(jobId, (job) => job.status === "in_progress", DEADLINE_MS);
  await eventually("a Worker", () => machine.marked("worker").length === 1);
  return { ticket, jobId };
}

function holdOpen(machine: Machine): { readonly step: string; release(): Promise<void> } {
  const file = join(machine.settings.volatileDirectory, "go-on");
  const { writeFile } = process.getBuiltinModule("node:fs/promises");
  return { step: `while [ ! -e ${file} ]; do sleep 0.05; done`, release: () => writeFile(file, "") };
}

describe("a ticket's life", () => {
  it("is taken, online, running and spent, in steps that only go forward", async () => {
    const machine = await machineWith();
    const { controller } = machine;
    machine.startAgent();
    const { ticket } = mint();
    await parked(machine);
    controller.offer(ticket);
    await controller.waitFor("an online ticket", () => controller.last()?.ticket?.step === "online");
    const gate = holdOpen(machine);
    const jobId = queue(gate.step, "echo $STAND_IN-$AGENT_ONLY > out.txt");
    await controller.waitFor("a running ticket", () => controller.last()?.ticket?.step === "running");
    const root = join(machine.settings.directory, "roots", ticket.id);
    expect(existsSync(join(root, "bin", "Runner.Listener"))).toBe(true);
    // The log says that it runs before a look has met its Worker.
    await eventually("the Worker in the journal", () => machine.journal().some(({ kind }) => kind === "worker-seen"));
    await gate.release();
    expect(await completed(jobId)).toMatchObject({ conclusion: "success" });
    await controller.waitFor("a spent ticket", () => controller.endOf(ticket.id));
    expect(controller.endOf(ticket.id)).toEqual({ kind: "spent" });
    const steps = controller.reports.flatMap(({ report }) => report.ticket?.step ?? []);
    expect([...new Set(steps)]).toEqual(["delivered", "online", "running"]);
    await controller.waitFor("parked again", () => controller.last()?.phase === "parked");
    expect(readdirSync(join(machine.settings.directory, "roots"))).toEqual(["next"]);
    expect(readdirSync(machine.settings.volatileDirectory)).toEqual(["go-on", "incarnation.json"]);
    expect(machine.journal().map(({ kind }) => kind)).toEqual([
      "store-seen",
      "taken",
      "started",
      "worker-seen",
      "ended",
      "confirmed",
    ]);
    const sequences = [...controller.reports, ...controller.polls]
      .map(({ sequence }) => sequence)
      .sort((a, b) => a - b);
    expect(new Set(sequences).size).toBe(sequences.length);
  });

  it("sends the logs of the ticket before its root goes, and its secret nowhere", async () => {
    const machine = await machineWith();
    const { controller } = machine;
    machine.startAgent();
    const { ticket } = mint();
    await parked(machine);
    controller.offer(ticket);
    const gate = holdOpen(machine);
    const jobId = queue(`echo ${ticket.jitConfig}`, gate.step);
    const listener = await eventually("a listener", () => machine.marked("listener")[0]);
    expect(readFileSync(`/proc/${listener}/cmdline`, "utf8")).not.toContain(ticket.jitConfig);
    const environment = readFileSync(`/proc/${listener}/environ`, "utf8").split("\0");
    expect(environment.map((variable) => variable.split("=")[0]).sort()).toEqual(
      expect.arrayContaining([
        "ACTIONS_RUNNER_INPUT_JITCONFIG",
        "HOLDFAST_MACHINE",
        "PATH",
        "RUNNER_PERFLOG",
        "STAND_IN",
      ]),
    );
    expect(environment.join()).not.toMatch(/AGENT_ONLY|HOLDFAST_AGENT_SETTINGS|identity/);
    await gate.release();
    await completed(jobId);
    const [saved] = await controller.waitFor("logs", () => controller.logs.length > 0 && controller.logs);
    expect(saved?.ticketId).toBe(ticket.id);
    expect(saved?.logs.map(({ name }) => name.replace(/_.*/, ""))).toEqual([
      "agent.log",
      "runner-output.log",
      "Runner",
      "Worker",
    ]);
    const sent = JSON.stringify(saved);
    expect(sent).toContain("completed with result: Succeeded");
    expect(sent).not.toContain(ticket.jitConfig);
    expect(sent).toContain("***");
    expect(machine.written()).not.toContain(ticket.jitConfig);
  });

  it("leaves nothing of a job behind before it is parked again", async () => {
    const machine = await machineWith();
    const { controller } = machine;
    machine.startAgent();
    const { ticket } = mint();
    await parked(machine);
    controller.offer(ticket);
    const locked = "mkdir -p locked/in && touch locked/in/file && chmod 500 locked/in locked";
    const leftover = "env -u RUNNER_TRACKING_ID setsid sh -c 'touch up; exec sleep 300' > out.txt 2>&1 &";
    const jobId = queue(locked, `${leftover} while [ ! -e up ]; do sleep 0.05; done`);
    await completed(jobId);
    await controller.waitFor("a spent ticket", () => controller.endOf(ticket.id));
    await controller.waitFor("parked again", () => controller.last()?.phase === "parked");
    expect(machine.marked()).toEqual([]);
    expect(machine.written()).toMatch(/"message":"leftovers","kind":"cleared","killedCount":[1-9]/);
    expect(readdirSync(join(machine.settings.directory, "roots"))).toEqual(["next"]);
  });
});

describe("the blind window", () => {
  it("counts as running from the moment the listener has the message, before any Worker", async () => {
    const machine = await machineWith();
    const { controller } = machine;
    machine.startAgent();
    const { ticket } = mint();
    await parked(machine);
    const hold = github.moments.hold({ name: "acquired", side: "before" });
    const jobId = queue("true");
    controller.offer(ticket);
    await hold.reached;
    await controller.waitFor("a running ticket", () => controller.last()?.ticket?.step === "running");
    expect(controller.last()?.sighting).toEqual({ kind: "seen", hasListener: true, workerCount: 0 });
    expect(machine.journal().map(({ kind }) => kind)).not.toContain("worker-seen");
    hold.release();
    expect(await completed(jobId)).toMatchObject({ conclusion: "success" });
    await controller.waitFor("a spent ticket", () => controller.endOf(ticket.id));
    expect(controller.endOf(ticket.id)).toEqual({ kind: "spent" });
  });
});

describe("barren tickets", () => {
  it.each<[string, StandInSettings, string, number]>([
    ["exits at once with 1", { exitCode: 1 }, "exit code 1", 1],
    ["asks for a retry for ever: started three times", { exitCode: 2 }, "exit code 2", 3],
    ["updates itself twice: started twice", { exitCode: 3 }, "exit code 3", 2],
  ])("%s", async (_name, settings, reason, startCount) => {
    const machine = await machineWith(settings);
    machine.startAgent();
    const { ticket } = mint();
    await parked(machine);
    machine.controller.offer(ticket);
    const end = await machine.controller.waitFor("an end", () => machine.controller.endOf(ticket.id));
    expect(end).toEqual({ kind: "barren", reason });
    expect(machine.journal().filter(({ kind }) => kind === "started")).toHaveLength(startCount);
    expect(machine.marked("listener")).toEqual([]);
  });

  it("runs its job after an update and after a failure that passes", async () => {
    const machine = await machineWith({ exitCode: [4] });
    machine.startAgent();
    const { ticket } = mint();
    await parked(machine);
    const jobId = queue("true");
    machine.controller.offer(ticket);
    expect(await completed(jobId)).toMatchObject({ conclusion: "success" });
    await machine.controller.waitFor("a spent ticket", () => machine.controller.endOf(ticket.id));
    expect(machine.controller.endOf(ticket.id)).toEqual({ kind: "spent" });
  });
});

describe("no end of the agent ends a runner", () => {
  it("is killed during a job and started again: the new one takes the runner over and reports it spent once", async () => {
    const machine = await machineWith();
    const { controller } = machine;
    const first = machine.startAgent();
    const gate = holdOpen(machine);
    const { ticket, jobId } = await runUntilBusy(machine, gate.step);
    first.signal("SIGKILL");
    await first.exited;
    expect(machine.marked("listener")).toHaveLength(1);
    const before = controller.reports.length;
    machine.startAgent();
    await controller.waitFor("a takeover", () =>
      controller.reports.slice(before).some(({ report }) => report.ticket?.step === "running"),
    );
    await gate.release();
    expect(await completed(jobId)).toMatchObject({ conclusion: "success" });
    await controller.waitFor("a spent ticket", () => controller.endOf(ticket.id));
    expect(controller.endOf(ticket.id)).toEqual({ kind: "spent" });
    await parked(machine);
    expect(machine.journal().filter(({ kind }) => kind === "taken")).toHaveLength(1);
    expect(machine.journal().filter(({ kind }) => kind === "ended")).toHaveLength(1);
    expect(new Set(controller.reports.map(({ incarnation }) => incarnation)).size).toBe(2);
  });

  it("counts a Worker without its listener as busy, for as long as it lives", async () => {
    const machine = await machineWith();
    const { controller } = machine;
    machine.startAgent();
    const gate = holdOpen(machine);
    const { ticket, jobId } = await runUntilBusy(machine, gate.step);
    const listener = await eventually("the listener", () => machine.marked("listener")[0]);
    process.kill(listener, "SIGKILL");
    await controller.waitFor("an orphan", () => {
      const sighting = controller.last()?.sighting;
      return sighting?.kind === "seen" && !sighting.hasListener && sighting.workerCount === 1;
    });
    expect(controller.last()?.ticket?.step).toBe("running");
    await gate.release();
    expect(await completed(jobId)).toMatchObject({ conclusion: "success" });
    await controller.waitFor("a spent ticket", () => controller.endOf(ticket.id));
    expect(controller.endOf(ticket.id)).toEqual({ kind: "spent" });
  });

  it("waits for the job after SIGTERM, signals nobody, takes no more, and then exits 0", async () => {
    const machine = await machineWith();
    const { controller } = machine;
    const agent = machine.startAgent();
    const gate = holdOpen(machine);
    const { ticket, jobId } = await runUntilBusy(machine, gate.step);
    agent.signal("SIGTERM");
    await controller.waitFor("a leaving agent", () => controller.last()?.phase === "leaving");
    expect(controller.last()?.ticket?.id).toBe(ticket.id);
    agent.signal("SIGTERM");
    await gate.release();
    expect(await completed(jobId)).toMatchObject({ conclusion: "success" });
    expect(await agent.exited).toEqual({ code: 0, signal: null });
    expect(controller.endOf(ticket.id)).toEqual({ kind: "spent" });
    expect(machine.marked()).toEqual([]);
  });

  it("goes on with the job while the controller is away, and tells it afterwards", async () => {
    const machine = await machineWith();
    const { controller } = machine;
    machine.startAgent();
    const { ticket, jobId } = await runUntilBusy(machine, "sleep 1");
    await controller.stop();
    expect(await completed(jobId)).toMatchObject({ conclusion: "success" });
    await eventually("the end in the journal", () => machine.journal().some(({ kind }) => kind === "ended"));
    await controller.start();
    await controller.waitFor("a spent ticket", () => controller.endOf(ticket.id));
    expect(controller.endOf(ticket.id)).toEqual({ kind: "spent" });
    await parked(machine);
  });
});
