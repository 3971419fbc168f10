/** What can be seen of the house from outside as it happens: moments at which a kill can be aimed. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { MomentName } from "../../src/simulator/server/moments.ts";
import type { House } from "./house.ts";
import { listNames, type Places, placesOf, readText } from "./kill-hosts.ts";
import type { Aim } from "./kill-plan.ts";

/** A step of a runner at GitHub, a call at GitHub, or something new in a machine's folder. */
type SignName = MomentName | "mint" | "deregistration" | "launch" | "agent" | "ticket" | "fence" | "ending";

export interface Sign {
  readonly name: SignName;
  /** Null where it is of none, or where only the runner is known. */
  readonly machineId: string | null;
  readonly runnerName: string | null;
}

const SIGN_OF: Readonly<Record<Exclude<Aim, "any">, SignName>> = {
  start: "agent",
  launch: "launch",
  mint: "mint",
  delivery: "mint",
  ticket: "ticket",
  session: "session-created",
  dispatch: "message-delivered",
  job: "worker-started",
  "end-of-job": "completed",
  "hand-back": "fence",
  fence: "fence",
  leaving: "session-deleted",
  deregistration: "deregistration",
  ending: "ending",
};

const LOOK_INTERVAL_MS = 10;

type Listener = (sign: Sign) => void;

export class Signs {
  readonly #house: House;
  readonly #places: Places;
  readonly #listeners = new Set<Listener>();
  readonly #seen = new Set<string>();
  readonly #stop: () => void;

  constructor(house: House) {
    this.#house = house;
    this.#places = placesOf(house);
    const timer = setInterval(() => this.#look(), LOOK_INTERVAL_MS);
    const unobserve = house.github.moments.observe(({ name, runnerName }) =>
      this.#tell({ name, machineId: null, runnerName }),
    );
    this.#stop = () => {
      clearInterval(timer);
      unobserve();
    };
  }

  stop(): void {
    this.#stop();
  }

  /** The next one from now on, or null after that time without one. */
  next(aim: Exclude<Aim, "any">, timeoutMs: number): Promise<Sign | null> {
    return new Promise((resolve) => {
      const end = (sign: Sign | null) => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
        resolve(sign);
      };
      const timer = setTimeout(() => end(null), timeoutMs);
      const listener: Listener = (sign) => {
        if (sign.name === SIGN_OF[aim]) end(sign);
      };
      this.#listeners.add(listener);
    });
  }

  #tell(sign: Sign): void {
    for (const listener of [...this.#listeners]) listener(sign);
  }

  #look(): void {
    const { machines, volatile } = this.#places;
    for (const id of listNames(machines, "m-")) {
      this.#note("launch", id, "");
      const lock = readText(join(machines, id, "agent.lock"));
      if (lock !== "") this.#note("agent", id, lock);
      for (const root of listNames(join(machines, id, "roots"), "t-")) this.#note("ticket", id, root);
      for (const fence of listNames(join(volatile, id, "fences"))) this.#note("fence", id, fence);
    }
    if (existsSync(join(machines, "ended")))
      for (const id of listNames(join(machines, "ended"), "m-")) this.#note("ending", id, "");
    for (const { byOperation } of Object.values(this.#house.github.usage())) {
      this.#note("mint", null, String(byOperation["generate-jitconfig"] ?? 0));
      this.#note("deregistration", null, String(byOperation["delete-runner"] ?? 0));
    }
  }

  #note(name: SignName, machineId: string | null, which: string): void {
    const key = `${name} ${machineId} ${which}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#tell({ name, machineId, runnerName: null });
  }
}
