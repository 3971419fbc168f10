/** A machine of another maker's fleet: no agent, a runner as a service that registers itself at boot. */
import { registerRunner } from "../github/runners.ts";
import type { BareBirth, BareHost, HostWorld } from "../world/host.ts";
import type { Cause, HostTruth } from "../world/witness.ts";
import { HostRunner } from "./host-runner.ts";
import { Machine } from "./machine.ts";
import { RunnerFiles } from "./runner-files.ts";

const ROOT = "/runner";
/** The group of every organization that nobody set up. */
const DEFAULT_GROUP_ID = 1;
const INIT_PID = 1;
/** The boot script of a single-use machine waits for its runner, and shuts the machine down after it. */
const SHUTDOWN_MS = 5_000;

export function makeBareHost(birth: BareBirth, world: HostWorld): BareHost {
  return new ServiceHost(birth, world);
}

class ServiceHost implements BareHost {
  readonly providerId: string;
  readonly #birth: BareBirth;
  readonly #machine: Machine;
  #runner: HostRunner | null = null;

  constructor(birth: BareBirth, world: HostWorld) {
    this.providerId = birth.providerId;
    this.#birth = birth;
    this.#machine = new Machine(birth, world, () => this.#register());
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

  stopRunner(): void {
    this.#runner?.interrupt();
  }

  /** There is none. */
  crashAgent(): void {}

  /** There is none. */
  pauseAgent(): void {}

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

  /** Its first process hands it on to the listener. */
  askToStop(): void {
    this.stopRunner();
  }

  /** Nobody on it asks. */
  wantBack(): void {}

  leadTo(): void {}

  #register(): void {
    const machine = this.#machine;
    const { github } = machine.world;
    const { runnerName: name, labels, scope, isEphemeral, onRegistered } = this.#birth;
    const request = { scope, name, labels, groupId: DEFAULT_GROUP_ID, isEphemeral };
    const registration = registerRunner(github.state, request, machine.nowMs);
    if (typeof registration === "string") return void machine.note(`registering ${name} is refused: ${registration}`);
    github.changed();
    const files = new RunnerFiles({
      now: () => machine.nowMs,
      hasRoom: () => machine.hasRoom,
      onLine: () => machine.changed("files"),
    });
    const onExit = () => {
      if (isEphemeral) machine.course.after(SHUTDOWN_MS, () => machine.leave({ by: "itself" }));
    };
    const start = { machine, registration, files, root: ROOT, mark: null, parentPid: INIT_PID, onExit };
    this.#runner = new HostRunner(start);
    onRegistered(registration.id);
  }
}
