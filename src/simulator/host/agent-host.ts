/** A machine with our agent: its launcher starts the agent again whenever it ends, and each agent takes over what is there. */
import { serviceOf } from "../../domain/host/group-word.ts";
import { markOf } from "../../domain/host/settings.ts";
import { parseControllerId } from "../../domain/ids.ts";
import type { OfferedTicket } from "../../domain/protocol.ts";
import { HEARTBEAT_MS } from "../../domain/protocol.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { Range } from "../world/chance.ts";
import type { AgentBirth, Host, HostWorld } from "../world/host.ts";
import type { Scheduled } from "../world/scheduler.ts";
import type { Cause, HostTruth } from "../world/witness.ts";
import { Agent } from "./agent.ts";
import { Disk } from "./disk.ts";
import { HostRunner, type RunnerExit } from "./host-runner.ts";
import { readRunnerId } from "./jit-config.ts";
import { ROOTS_DIRECTORY } from "./lookout.ts";
import { Machine, markedBy } from "./machine.ts";
import { ownNameOf } from "./own-name.ts";
import type { MachineProcess } from "./processes.ts";
import { RunnerFiles } from "./runner-files.ts";

/** `src/agent/launcher.ts`: between an agent's end and the next one's start. */
const PAUSE_MIN_MS = SECOND_MS;
const PAUSE_MAX_MS = 30 * SECOND_MS;
/** An agent that ran for so long was well. */
const WELL_AFTER_MS = MINUTE_MS;
const AGENT_START_MS: Range = [200, 900];
/** `src/agent/notice.ts`: between two looks for a notice. */
const NOTICE_WITHIN_MS: Range = [0, 5 * SECOND_MS];
/** `src/agent/service-watch.ts`: between two readings of what the group leads it to. */
const TARGET_WITHIN_MS: Range = [0, 3 * SECOND_MS];
const TOKEN_LENGTH = 32;
/** A signal's way from the first process to the agent. */
const SIGNAL_MS = 5;

export interface AgentSettings {
  /** Between two reports while nothing changes. The real one's, or longer where a world is to be cheap. */
  readonly heartbeatMs: number;
}

const DEFAULT_SETTINGS: AgentSettings = { heartbeatMs: HEARTBEAT_MS };

/** @param disk of the machine's last boot, where it was stopped and is started again: what is on tmpfs is gone. */
export function makeAgentHost(
  birth: AgentBirth,
  world: HostWorld,
  settings: AgentSettings = DEFAULT_SETTINGS,
  disk: Disk = new Disk(),
): Host {
  return new AgentHost(birth, world, settings, disk);
}

class AgentHost implements Host {
  readonly providerId: string;
  readonly #birth: AgentBirth;
  readonly #settings: AgentSettings;
  readonly #machine: Machine;
  readonly #disk: Disk;
  readonly #mark: string;
  readonly #bootId: string;
  readonly #runners: HostRunner[] = [];
  #launcherPid = 0;
  #agent: { readonly process: MachineProcess; readonly agent: Agent } | null = null;
  #pauseMs = PAUSE_MIN_MS;
  #resume: Scheduled | null = null;
  #isWantedBack = false;
  /** Null: its group has not said anything. */
  #target: string | null = null;
  #isAskedToStop = false;

  constructor(birth: AgentBirth, world: HostWorld, settings: AgentSettings, disk: Disk) {
    this.providerId = birth.providerId;
    this.#birth = birth;
    this.#settings = settings;
    this.#disk = disk;
    this.#mark = markOf(parseControllerId(world.controllerId), ownNameOf(birth));
    this.#bootId = world.chance.token(TOKEN_LENGTH);
    this.#machine = new Machine(birth, world, () => {
      const launcher = this.#startNode("launcher", 1, () => {});
      this.#launcherPid = launcher.pid;
      this.#startAgent();
    });
  }

  truth(): HostTruth {
    return this.#machine.truth();
  }

  boot(): void {
    this.#machine.boot();
  }

  end(cause: Cause): void {
    this.#machine.end(cause);
  }

  crashAgent(): void {
    if (this.#agent === null) return;
    this.#machine.note("the agent is killed");
    this.#agent.process.die("SIGKILL");
  }

  pauseAgent(forMs: number): void {
    if (this.#agent === null) return;
    const { course } = this.#agent.process;
    this.#machine.note("the agent stands still");
    course.standStill("agent-pause");
    this.#resume?.cancel();
    this.#resume = this.#machine.world.scheduler.after(forMs, () => course.goOn("agent-pause"));
  }

  pauseMachine(forMs: number): void {
    this.#machine.pause(forMs);
  }

  fillDisk(forMs: number): void {
    this.#machine.fillDisk(forMs);
  }

  sleep(cause: Cause): void {
    this.#machine.sleep(cause);
  }

  wake(): void {
    this.#machine.wake();
  }

  askToStop(): void {
    this.#isAskedToStop = true;
    this.#handOn();
  }

  /** An agent that is started later is told as well. */
  #handOn(): void {
    const current = this.#agent;
    if (!this.#isAskedToStop || current === null) return;
    current.process.course.after(SIGNAL_MS, () => current.agent.askToStop());
  }

  wantBack(): void {
    this.#isWantedBack = true;
    this.#readNotice();
  }

  /** Each agent asks its platform anew. */
  #readNotice(): void {
    const current = this.#agent;
    if (!this.#isWantedBack || current === null) return;
    const { chance } = this.#machine.world;
    current.process.course.after(chance.between(NOTICE_WITHIN_MS), () => current.agent.wantBack());
  }

  leadTo(target: string): void {
    this.#target = target;
    this.#readTarget();
  }

  /** By whoever is the agent then. */
  #readTarget(): void {
    const current = this.#agent;
    if (this.#birth.isMember !== true || current === null) return;
    const { chance } = this.#machine.world;
    current.process.course.after(chance.between(TARGET_WITHIN_MS), () =>
      current.agent.tellService(serviceOf(this.#target)),
    );
  }

  #startNode(program: string, parentPid: number, onDeath: () => void): MachineProcess {
    return this.#machine.processes.start({
      name: "node",
      arguments: ["node", `${program}.js`],
      executable: "/bin/node",
      workingDirectory: "/",
      parentPid,
      mark: markedBy(this.#mark),
      isQuiet: true,
      onDeath,
    });
  }

  #startAgent(): void {
    const machine = this.#machine;
    const startedAtMs = machine.nowMs;
    const process = this.#startNode("main", this.#launcherPid, () => {
      agent.bury();
      this.#agent = null;
      machine.watch(() => {});
      if (machine.isEnded) return;
      if (machine.nowMs - startedAtMs >= WELL_AFTER_MS) this.#pauseMs = PAUSE_MIN_MS;
      machine.note("the agent has ended");
      machine.course.after(this.#pauseMs, () => this.#startAgent());
      this.#pauseMs = Math.min(2 * this.#pauseMs, PAUSE_MAX_MS);
    });
    const agent = new Agent({
      machine,
      disk: this.#disk,
      birth: this.#birth,
      bootId: this.#bootId,
      heartbeatMs: this.#settings.heartbeatMs,
      process,
      runners: () => this.#runners,
      startRunner: (ticket, onExit) => this.#startRunner(ticket, process.pid, onExit),
      onSlept: () => this.#readTarget(),
      onFinish: (why) => machine.leave(why === "itself" ? { by: "itself" } : { by: "agent", what: "power-off" }),
    });
    this.#agent = { process, agent };
    process.course.after(machine.world.chance.between(AGENT_START_MS), () => {
      agent.start();
      this.#readNotice();
      this.#readTarget();
      this.#handOn();
    });
  }

  /** A ticket whose runner is started again keeps its own root. */
  #startRunner(ticket: OfferedTicket, parentPid: number, onExit: (exit: RunnerExit) => void): MachineProcess | null {
    const machine = this.#machine;
    const { runners } = machine.world.github.state;
    const registration = runners.get(readRunnerId(ticket.jitConfig) ?? -1);
    const files = this.#disk.roots.get(ticket.id) ?? this.#claimRoot(ticket);
    if (files === null || registration === undefined) return null;
    const root = `${ROOTS_DIRECTORY}/${ticket.id}`;
    const start = { machine, registration, files, root, mark: this.#mark, parentPid, onExit };
    const runner = new HostRunner(start);
    this.#runners.push(runner);
    return runner.listener;
  }

  #claimRoot({ id }: OfferedTicket): RunnerFiles | null {
    if (!this.#disk.hasNextRoot) return null;
    const machine = this.#machine;
    this.#disk.hasNextRoot = false;
    const files = new RunnerFiles({
      now: () => machine.nowMs,
      hasRoom: () => machine.hasRoom,
      onLine: () => machine.changed("files"),
    });
    this.#disk.roots.set(id, files);
    return files;
  }
}
