import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type SimulatedGitHub, startSimulatedGitHub } from "../../src/simulator/server/simulated-github.ts";
import { createMachine, eventually, type Machine } from "./agent-yard.ts";
import { ticketOf } from "./fake-controller.ts";

let github: SimulatedGitHub;
const machines: Machine[] = [];

beforeAll(async () => {
  github = await startSimulatedGitHub({ repositories: ["acme/widgets"] });
});

afterAll(() => github.close());

afterEach(async () => {
  for (const machine of machines.splice(0)) await machine.clear();
});

/** Its runner starts and never connects. */
async function machineWithIdleRunner(): Promise<Machine> {
  const machine = await createMachine({ neverRegisters: true });
  machines.push(machine);
  return machine;
}

function parked({ controller }: Machine) {
  return controller.waitFor("a parked agent", () => controller.last()?.phase === "parked");
}

function kinds(machine: Machine): readonly string[] {
  return machine.journal().map(({ kind }) => kind);
}

let runnerCount = 0;

function mint() {
  runnerCount += 1;
  const { encodedJitConfig } = github.registerRunner({
    scope: { kind: "organization", organization: "acme" },
    name: `idle-runner-${runnerCount}`,
    labels: ["self-hosted"],
    groupId: 1,
    isEphemeral: true,
  });
  return ticketOf(encodedJitConfig);
}

describe("tickets that the agent did not take", () => {
  it("are refused where an earlier agent may have been given them, and never start", async () => {
    const machine = await machineWithIdleRunner();
    const { controller } = machine;
    const ticket = mint();
    controller.claimsOut = ticket.id;
    machine.startAgent();
    await controller.waitFor("a refusal", () => controller.endOf(ticket.id));
    expect(controller.endOf(ticket.id)).toEqual({ kind: "barren", reason: "refused" });
    expect(kinds(machine)).toContain("refused");
    await parked(machine);
    controller.offer(ticket);
    const polls = controller.polls.length;
    await controller.waitFor("more polls", () => controller.polls.length > polls + 2);
    expect(kinds(machine)).not.toContain("taken");
    expect(machine.marked("listener")).toEqual([]);
  });

  it("are taken from the next poll where the answer of the first was lost", async () => {
    const machine = await machineWithIdleRunner();
    const { controller } = machine;
    machine.startAgent();
    await parked(machine);
    const ticket = mint();
    controller.losesNextTicket = true;
    controller.offer(ticket);
    await controller.waitFor("an engaged agent", () => controller.last()?.ticket?.id === ticket.id);
    await eventually("a listener", () => machine.marked("listener").length === 1);
    expect(kinds(machine)).not.toContain("refused");
  });
});

describe("the controller", () => {
  it("gets a new check-in after it refused the token", async () => {
    const machine = await machineWithIdleRunner();
    const { controller } = machine;
    machine.startAgent();
    await parked(machine);
    const first = controller.checkIns[0];
    controller.revokeTokens();
    await controller.waitFor("a second check-in", () => controller.checkIns.length >= 2);
    expect(controller.checkIns.at(-1)).toEqual(first);
    expect(first).toMatchObject({ protocolVersion: 1, providerId: machine.settings.providerId });
    const reports = controller.reports.length;
    controller.offer(mint());
    await controller.waitFor("reports go on", () => controller.reports.length > reports);
  });

  it("is waited for, from the start on", async () => {
    const machine = await machineWithIdleRunner();
    await machine.controller.stop();
    machine.startAgent();
    await eventually("some tries", () => {
      const log = machineLog(machine);
      return log.split("no answer to a report").length > 3;
    });
    await machine.controller.start();
    await parked(machine);
  });
});

describe("SIGTERM to an agent without a ticket", () => {
  it("tells the controller and exits 0", async () => {
    const machine = await machineWithIdleRunner();
    const agent = machine.startAgent();
    await parked(machine);
    agent.signal("SIGTERM");
    expect(await agent.exited).toEqual({ code: 0, signal: null });
    expect(machine.controller.last()).toMatchObject({ phase: "leaving", ticket: null });
    expect(machine.marked()).toEqual([]);
  });
});

describe("the journal", () => {
  it("is read up to a line that was being written, and goes on after it", async () => {
    const machine = await machineWithIdleRunner();
    const { controller } = machine;
    const first = machine.startAgent();
    await parked(machine);
    const ticket = mint();
    controller.offer(ticket);
    await controller.waitFor("an engaged agent", () => controller.last()?.ticket?.id === ticket.id);
    const listener = await eventually("a listener", () => {
      const found = machine.marked("listener");
      return found.length === 1 && kinds(machine).includes("started") && found[0];
    });
    first.signal("SIGKILL");
    await first.exited;
    const path = join(machine.settings.directory, "journal.jsonl");
    appendFileSync(path, '{"kind":"ended","ticketId":"');
    machine.startAgent();
    await controller.waitFor("a takeover", () => {
      const last = controller.reports.at(-1);
      return last?.incarnation !== controller.reports[0]?.incarnation && last?.report.ticket?.id === ticket.id;
    });
    process.kill(listener, "SIGKILL");
    await controller.waitFor("an end", () => controller.endOf(ticket.id));
    expect(controller.endOf(ticket.id)).toEqual({ kind: "barren", reason: "unknown exit" });
    await eventually("the confirmation", () => kinds(machine).at(-1) === "confirmed");
    expect(kinds(machine).slice(-4)).toEqual(["taken", "started", "ended", "confirmed"]);
  });

  it("that cannot be read makes the host unknown; the runner that is there is left alone", async () => {
    const machine = await machineWithIdleRunner();
    const { controller } = machine;
    const first = machine.startAgent();
    await parked(machine);
    controller.offer(mint());
    await eventually("its start", () => kinds(machine).includes("started"));
    first.signal("SIGKILL");
    await first.exited;
    appendFileSync(join(machine.settings.directory, "journal.jsonl"), "not a line of ours\n");
    const second = machine.startAgent();
    await controller.waitFor("an unknown host", () => controller.last()?.sighting.kind === "unknown");
    second.signal("SIGTERM");
    const reports = controller.reports.length;
    await controller.waitFor("another report", () => controller.reports.length > reports);
    expect(controller.last()).toMatchObject({ phase: "starting", ticket: null, ended: [] });
    expect(machine.marked("listener")).toHaveLength(1);
  });

  it("that is gone although a ticket's root is there makes the host unknown", async () => {
    const machine = await machineWithIdleRunner();
    mkdirSync(join(machine.settings.directory, "roots", "t-99999999"), { recursive: true });
    machine.startAgent();
    await machine.controller.waitFor("a report", () => machine.controller.last()?.sighting.kind === "unknown");
    expect(machine.controller.last()?.phase).toBe("starting");
  });
});

describe("an operator's pin", () => {
  it("is in the journal once it was answered, and known to the next agent before anybody answers it", async () => {
    const machine = await machineWithIdleRunner();
    const { controller } = machine;
    controller.isPinned = true;
    const first = machine.startAgent();
    await parked(machine);
    await eventually("the pin", () => kinds(machine).includes("pinned"));
    first.signal("SIGKILL");
    await first.exited;
    await controller.stop();
    machine.startAgent();
    await eventually("a second agent", () => machineLog(machine).split('"journal":"read"').length > 2);
    await controller.start();
    const before = controller.reports.length;
    await controller.waitFor("a report", () => controller.reports.length > before + 1);
    expect(machine.journal().filter(({ kind }) => kind === "pinned")).toEqual([{ kind: "pinned", isPinned: true }]);
    controller.isPinned = false;
    controller.offer(mint());
    await eventually("the release", () => kinds(machine).filter((kind) => kind === "pinned").length === 2);
  });
});

describe("two agents", () => {
  it("do not work on one machine: the second ends with another code than 0", async () => {
    const machine = await machineWithIdleRunner();
    machine.startAgent();
    await parked(machine);
    const second = machine.startAgent();
    expect(await second.exited).toMatchObject({ code: 1 });
    const reports = machine.controller.reports.length;
    machine.controller.offer(mint());
    await machine.controller.waitFor("the first goes on", () => machine.controller.reports.length > reports);
  });
});

function machineLog(machine: Machine): string {
  try {
    return readFileSync(join(machine.settings.directory, "agent.log"), "utf8");
  } catch {
    return "";
  }
}
