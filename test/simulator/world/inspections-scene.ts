/** A world that is looked at now and then, with Holdfast in it or without, and what is put into it by hand. */
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { queueJob } from "../../../src/simulator/github/jobs.ts";
import { registerRunner } from "../../../src/simulator/github/runners.ts";
import type { Scenario } from "../../../src/simulator/scenario/scenario.ts";
import { Inspections } from "../../../src/simulator/world/inspections.ts";
import { createWorld } from "../../../src/simulator/world/world.ts";
import { IdleHost } from "../provider/provider-scene.ts";
import { LABELS, REPOSITORY, tinyScenario } from "./tiny-scenario.ts";

export const LOOK_EVERY_MS = 15 * MINUTE_MS;

export class Scene {
  readonly world;
  readonly inspections: Inspections;

  constructor(overrides: Partial<Scenario> = {}) {
    this.world = createWorld(tinyScenario({ faultsEndMs: 0, pace: 5, ...overrides }), 1, null);
    this.inspections = new Inspections(this.world);
    this.inspections.start();
  }

  /** Starts Holdfast. @param isDeaf it hears nothing of GitHub. */
  async begin(isDeaf = false): Promise<this> {
    if (isDeaf) this.world.githubRemote.breakDown(100 * HOUR_MS);
    else this.world.webhooks.start();
    this.world.installation?.start();
    await this.pass(SECOND_MS);
    return this;
  }

  /** From now on nobody does anything. */
  standStill(): void {
    this.world.installation?.pause(100 * HOUR_MS);
  }

  pass(forMs: number): Promise<void> {
    return this.world.scheduler.runUntil(this.world.scheduler.nowMs + forMs);
  }

  queue(): void {
    const request = { repository: REPOSITORY, labels: LABELS, steps: [], name: "build" };
    queueJob(this.world.github.state, request, this.world.scheduler.nowMs);
    this.world.github.changed();
  }

  addMachine(): IdleHost {
    const hosts: IdleHost[] = [];
    this.world.provider.start({}, (providerId, onGone, bootMs) => {
      const host = new IdleHost({ providerId, onGone, bootMs });
      hosts.push(host);
      return host;
    });
    const [host] = hosts;
    if (host === undefined) throw new Error("there was no room");
    return host;
  }

  register(name: string): void {
    const scope = { kind: "organization", organization: "acme" } as const;
    const request = { scope, name, labels: ["linux"], groupId: 1, isEphemeral: true };
    registerRunner(this.world.github.state, request, this.world.scheduler.nowMs);
  }

  sql(text: string, ...parameters: readonly unknown[]) {
    return this.world.database?.read(text, ...parameters) ?? [];
  }

  get said(): readonly string[] {
    return this.world.judge.violations.map(({ invariant, what }) => `${invariant} ${what}`);
  }
}
