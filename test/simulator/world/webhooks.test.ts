import { expect, it } from "vitest";
import { parseControllerId } from "../../../src/domain/ids.ts";
import { HOUR_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { queueJob } from "../../../src/simulator/github/jobs.ts";
import type { Fleet } from "../../../src/simulator/world/algorithm.ts";
import type { Exchange } from "../../../src/simulator/world/host.ts";
import { Installation } from "../../../src/simulator/world/installation.ts";
import { Webhooks } from "../../../src/simulator/world/webhooks.ts";
import { createWorld, type World } from "../../../src/simulator/world/world.ts";
import { LABELS, REPOSITORY, tinyScenario } from "./tiny-scenario.ts";

type Answer = (exchange: Exchange) => void;

/** Answers as the test says, and keeps nothing. */
class InstallationStandIn extends Installation {
  readonly received: string[] = [];
  isThere = true;
  onReceived: (answer: Answer) => void = () => {};

  constructor({ scheduler, log, database }: World) {
    if (database === null) throw new Error("Holdfast's worlds have a database");
    const optionsFor = () => {
      throw new Error("nobody starts here");
    };
    super({ scheduler, log, database, controllerId: parseControllerId("test"), wallOffsetMs: () => 0, optionsFor });
  }

  override receiveWebhook(headers: Readonly<Record<string, string>>, _body: string, onAnswer: Answer): boolean {
    if (!this.isThere) return false;
    this.received.push(String(headers["X-GitHub-Event"] ?? headers["x-github-event"]));
    this.onReceived(onAnswer);
    return true;
  }
}

class Scene {
  readonly world = createWorld(tinyScenario(), 1, null);
  readonly standIn = new InstallationStandIn(this.world);

  /** With tables in the database, and nobody there but the stand-in. */
  async begin(onReceived: (answer: Answer) => void): Promise<void> {
    this.world.installation?.start();
    await this.pass(0);
    this.world.installation?.pause(HOUR_MS);
    this.standIn.onReceived = onReceived;
    new Webhooks({ ...this.world, installation: this.standIn }).start();
  }

  queue(): void {
    queueJob(
      this.world.github.state,
      { repository: REPOSITORY, labels: LABELS, steps: [] },
      this.world.scheduler.nowMs,
    );
  }

  pass(forMs: number): Promise<void> {
    return this.world.scheduler.runUntil(this.world.scheduler.nowMs + forMs);
  }

  /** Of the events about jobs. */
  get attempts(): readonly string[] {
    return [...this.world.github.state.attempts.values()]
      .filter(({ delivery }) => delivery.event !== "ping")
      .map(({ attempt }) => String(attempt.statusCode ?? attempt.failure));
  }

  get violations(): readonly string[] {
    return this.world.judge.violations.map(({ invariant }) => invariant);
  }
}

it("durable: an event is acknowledged and not in the store; a ping need not be there", async () => {
  const scene = new Scene();
  await scene.begin((answer) => answer({ status: 202, body: null }));
  await scene.pass(SECOND_MS);
  expect(scene.standIn.received).toEqual(["ping"]);
  expect(scene.violations).toEqual([]);
  scene.queue();
  await scene.pass(SECOND_MS);
  expect(scene.violations).toEqual(["durable"]);
  expect(scene.attempts).toEqual(["202"]);
});

it("finds nothing where an event is not in the store and was refused", async () => {
  const scene = new Scene();
  await scene.begin((answer) => answer({ status: 503, body: null }));
  scene.queue();
  await scene.pass(SECOND_MS);
  expect(scene.attempts).toEqual(["503"]);
  expect(scene.violations).toEqual([]);
});

it("finds nothing where the real Holdfast acknowledges, for it stores first", async () => {
  const scene = new Scene();
  scene.world.installation?.start();
  scene.world.webhooks.start();
  await scene.pass(0);
  scene.queue();
  await scene.pass(2 * SECOND_MS);
  expect(scene.attempts).toEqual(["202"]);
  expect(scene.violations).toEqual([]);
  expect(scene.world.database?.read("select count(*) as count from deliveries")).toEqual([{ count: 1 }]);
});

it("notes that nobody took the connection, or that its process died with it", async () => {
  const scene = new Scene();
  await scene.begin((answer) => answer(null));
  scene.queue();
  await scene.pass(SECOND_MS);
  scene.standIn.isThere = false;
  scene.queue();
  await scene.pass(SECOND_MS);
  expect(scene.attempts).toEqual(["failed to connect to host", "failed to connect to host"]);
});

it("waits ten seconds for an answer, and takes none that comes later", async () => {
  const scene = new Scene();
  const answers: Answer[] = [];
  await scene.begin((answer) => answers.push(answer));
  await scene.pass(0);
  scene.queue();
  await scene.pass(SECOND_MS);
  expect(answers).toHaveLength(2);
  await scene.pass(10 * SECOND_MS - 1);
  expect(scene.attempts).toEqual([]);
  await scene.pass(1);
  expect(scene.attempts).toEqual(["timed out"]);
  answers[1]?.({ status: 202, body: null });
  expect(scene.attempts).toEqual(["timed out"]);
  expect(scene.violations).toEqual([]);
});

it("sends nothing while GitHub is out, and all of it afterwards", async () => {
  const scene = new Scene();
  await scene.begin((answer) => answer({ status: 503, body: null }));
  await scene.pass(SECOND_MS);
  scene.world.githubRemote.breakDown(60 * SECOND_MS);
  scene.queue();
  await scene.pass(59 * SECOND_MS);
  expect(scene.attempts).toEqual([]);
  await scene.pass(2 * SECOND_MS);
  expect(scene.attempts).toEqual(["503"]);
});

it("tells another system's fleet of the events themselves", async () => {
  const scene = new Scene();
  const told: string[] = [];
  const fleet: Fleet = {
    onJobEvent: ({ action, jobId, repository, runnerName }) =>
      told.push(`${action} ${jobId === [...scene.world.github.state.jobs.keys()][0]} ${repository} ${runnerName}`),
    stop: () => {},
  };
  new Webhooks({ ...scene.world, installation: null, database: null, fleet }).start();
  scene.queue();
  await scene.pass(SECOND_MS);
  expect(told).toEqual([`queued true ${REPOSITORY} null`]);
});
