import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "vitest";
import { AGENT_SETTINGS_VARIABLE, MARK_VARIABLE } from "../../src/domain/host/settings.ts";
import type { FenceRefusal, HostReport, OfferedTicket } from "../../src/domain/protocol.ts";
import type { TicketEnd } from "../../src/domain/ticket.ts";
import type { StandInSettings } from "../../src/simulator/runner/stand-in-settings.ts";
import type { SimulatedGitHub } from "../../src/simulator/server/simulated-github.ts";
import type { Trouble } from "./agent-trouble.ts";
import { createMachine, eventually, type Machine } from "./agent-yard.ts";
import { ticketOf } from "./fake-controller.ts";
import { findBelow, findStopped } from "./fence-machine.ts";

const LAUNCHER = join(import.meta.dirname, "..", "..", "src", "agent", "launcher.ts");
const AGENT = join(import.meta.dirname, "..", "..", "src", "agent", "main.ts");
const TROUBLE = pathToFileURL(join(import.meta.dirname, "agent-trouble.ts")).href;
/**
 * Many of them run side by side, on a machine that may have much else to do. Who is to be still for half a minute begins anew
 * wherever the agent gets no turn for two seconds.
 */
const PATIENCE_MS = 150_000;
export const NO_ROOM = "there is no room to write where the runner writes";

let sceneCount = 0;

/** One machine with its launcher, a runner of its own label, and one trouble. */
export class FaultScene {
  readonly machine: Machine;
  readonly launcher: ChildProcess;
  ticket: OfferedTicket;
  readonly #github: SimulatedGitHub;
  readonly #label: string;
  readonly #mark: string;
  #runnerId = 0;

  private constructor(github: SimulatedGitHub, machine: Machine, trouble: Trouble | null) {
    sceneCount += 1;
    this.#github = github;
    this.machine = machine;
    this.#label = `fault-${sceneCount}`;
    this.#mark = join(this.base, "struck");
    this.launcher = this.#launch(trouble);
    this.ticket = this.#mint();
  }

  /** Parked, then online with a ticket. An agent with a trouble is asked for it at once. */
  static async begin(
    github: SimulatedGitHub,
    machines: Machine[],
    trouble: Trouble | null,
    settings: StandInSettings = {},
  ): Promise<FaultScene> {
    const machine = await createMachine(settings);
    machines.push(machine);
    const scene = new FaultScene(github, machine, trouble);
    machine.controller.handsBackWhen = () => false;
    const isStruck = () => existsSync(scene.#mark);
    if (trouble === "no-room") scene.order(({ why }) => why === NO_ROOM);
    else if (trouble !== null && trouble !== "clock-quick") scene.order(isStruck);
    machine.controller.offer(scene.ticket);
    await scene.until("an online ticket", ({ ticket }) => ticket?.step === "online");
    return scene;
  }

  get base(): string {
    return dirname(this.machine.settings.directory);
  }

  /** Asks for the ticket, and anew after each refusal with which what is waited for has not come. */
  order(isEnough: (refusal: FenceRefusal) => boolean): void {
    const { controller } = this.machine;
    const { id } = this.ticket;
    controller.handBack = { ticketId: id, attempt: 1 };
    controller.handsBackWhen = ({ ticket, fence }) => {
      const attempt = controller.handBack?.attempt ?? 0;
      if (fence?.attempt === attempt && !isEnough(fence)) controller.handBack = { ticketId: id, attempt: attempt + 1 };
      return ticket?.id === id && ticket.step !== "delivered";
    };
  }

  async struck(): Promise<void> {
    await this.eventually("the trouble", () => existsSync(this.#mark));
  }

  queue(...steps: readonly string[]): number {
    return this.#github.queueJob({ repository: "acme/widgets", labels: [this.#label], steps });
  }

  /** It ran to its end, once, on this machine or on a later ticket of it. */
  async succeeds(jobId: number): Promise<void> {
    const job = await this.#github.waitForJob(jobId, ({ status }) => status === "completed", PATIENCE_MS);
    expect(job).toMatchObject({ conclusion: "success" });
  }

  until(what: string, isSo: (report: HostReport) => boolean): Promise<HostReport> {
    const { controller } = this.machine;
    return this.eventually(what, () => {
      const last = controller.last();
      return last !== null && isSo(last) && last;
    }).catch((error: unknown) => {
      throw new Error(`${what}: ${JSON.stringify(controller.last())}\n${this.machine.written()}`, { cause: error });
    });
  }

  /** Of the latest order: those before it were refused for reasons that nobody waits for. */
  async refusal(): Promise<FenceRefusal> {
    const isLatest = ({ fence }: HostReport) => fence?.attempt === this.machine.controller.handBack?.attempt;
    const { fence } = await this.until("a refusal", (report) => report.fence !== null && isLatest(report));
    if (fence === null) throw new Error("a refusal without one");
    return fence;
  }

  end(): Promise<TicketEnd> {
    return this.eventually("an end", () => this.machine.controller.endOf(this.ticket.id));
  }

  /** As the controller does at once after a hand-back; and another ticket for what went back to the queue. */
  async offerAnother(): Promise<void> {
    const { apiUrl, token } = this.#github;
    const url = `${apiUrl}/orgs/acme/actions/runners/${this.#runnerId}`;
    const { status } = await fetch(url, { method: "DELETE", headers: { authorization: `Bearer ${token}` } });
    expect(status).toBe(204);
    this.ticket = this.#mint();
    this.machine.controller.offer(this.ticket);
  }

  agent(): Promise<number> {
    return this.eventually("an agent", () =>
      this.#find(({ command }) => command.includes(AGENT) && !command.includes(LAUNCHER)),
    );
  }

  watchdog(): number | null {
    return this.#find(({ command }) => command.includes("watchdog"));
  }

  listener(): Promise<number> {
    return this.eventually("a listener", () => this.machine.marked("listener")[0]);
  }

  isStopped(pid: number): boolean {
    return findBelow(this.base).some((one) => one.pid === pid && one.state === "T");
  }

  /** The launcher is asked to end: nothing stands still, and nothing is left. */
  async leave(): Promise<void> {
    expect(findStopped(this.base)).toEqual([]);
    const ended = once(this.launcher, "exit");
    this.launcher.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
    await this.eventually("the end of every process", () => findBelow(this.base).length === 0);
  }

  eventually<Found>(what: string, look: () => Found | undefined | null | false): Promise<Found> {
    return eventually(what, look, PATIENCE_MS);
  }

  #find(isIt: (seen: { readonly command: string }) => boolean): number | null {
    return findBelow(this.base).find(isIt)?.pid ?? null;
  }

  #mint(): OfferedTicket {
    sceneCount += 1;
    const { id, encodedJitConfig } = this.#github.registerRunner({
      scope: { kind: "organization", organization: "acme" },
      name: `fault-runner-${sceneCount}`,
      labels: [this.#label],
      groupId: 1,
      isEphemeral: true,
    });
    this.#runnerId = id;
    return ticketOf(encodedJitConfig);
  }

  #launch(trouble: Trouble | null): ChildProcess {
    const folder = join(this.base, "launched");
    mkdirSync(folder);
    return spawn(process.execPath, ["--disable-warning=ExperimentalWarning", LAUNCHER, folder, AGENT], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        [AGENT_SETTINGS_VARIABLE]: join(this.base, "settings.json"),
        [MARK_VARIABLE]: this.machine.mark,
        ...(trouble === null ? {} : { NODE_OPTIONS: `--import=${TROUBLE}`, AGENT_TROUBLE: trouble }),
        AGENT_TROUBLE_MARK: this.#mark,
      },
      stdio: "ignore",
    });
  }
}
