/**
 * The incident `kubernetes-stamped-pod`, with the controllers, the adapter and the agents' API as they are, over HTTP against a
 * simulated cluster: 46 seconds into a job, an unrelated hand deletes the row of its pod. And the batch of the incident, one
 * pod of each shape, none of which has a row.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTokenReview } from "../../../src/adapters/kubernetes/token-review.ts";
import { type MachineId, parseMachineId } from "../../../src/domain/ids.ts";
import { providerIdOf } from "../../../src/domain/machine.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { createAgentApp } from "../../../src/http/agents/app.ts";
import { OpenPolls } from "../../../src/http/agents/polls.ts";
import type { PodStatus } from "../../../src/simulator/kubernetes/objects.ts";
import { loadMachine } from "../../../src/store/machines/load.ts";
import { type Agent, Yard } from "../../controllers/yard.ts";
import { poolName } from "../../domain/builders.ts";
import { AT, ENDED, NAMESPACE, placeOf, RUNNING, statusOf, useStage, WAITING } from "./stage.ts";

const stage = useStage();
const WORKING = { kind: "seen", hasListener: true, workerCount: 1 } as const;
let yard: Yard;

beforeEach(async () => {
  yard = await Yard.open();
  const provider = stage.another({ controllerId: "yard", clock: yard.clock });
  const reviewPodToken = openTokenReview(stage.access, yard.clock);
  const podAuthorities = [{ namespace: NAMESPACE, pools: [poolName()], reviewPodToken }];
  Object.assign(yard.context, { provider, abilities: provider });
  const app = createAgentApp({
    ...yard.context,
    pools: [],
    tokens: yard.tokens,
    polls: new OpenPolls(),
    podAuthorities,
  });
  Object.assign(yard, { app });
});
afterEach(() => yard.close());

const row = (id: MachineId) => loadMachine(yard.store.db, id);
const deletions = () => stage.cluster.calls()["delete pods"] ?? 0;

/** As the agent in the pod does it: by the token that the kubelet put there. */
async function checkIn(agent: Agent, providerId: string): Promise<void> {
  const token = stage.cluster.issueToken({ namespace: NAMESPACE, audiences: ["holdfast"], podName: agent.machineId });
  const response = await agent.post("check-in", {
    protocolVersion: 1,
    providerId,
    identity: { kind: "kubernetes", token },
    bootId: "boot",
    agentVersion: "0",
  });
  expect(response.status).toBe(200);
  agent.token = ((await response.json()) as { readonly token: string }).token;
}

async function deleteRows(id: MachineId): Promise<void> {
  for (const table of ["tickets", "machine_logs", "check_ins"] as const)
    await yard.store.db.deleteFrom(table).where("machine_id", "=", id).execute();
  await yard.store.db.deleteFrom("machines").where("id", "=", id).execute();
}

/** A job, its pod launched and running, its agent engaged with the ticket. */
async function runJob() {
  const jobId = await yard.queue();
  await yard.pass();
  const machine = await yard.onlyMachine();
  const providerId = providerIdOf(machine);
  if (providerId === null) throw new Error("its pod was not launched");
  const place = placeOf(providerId);
  stage.cluster.bindPod(place, "node-a");
  stage.cluster.setPodStatus(place, RUNNING);
  const agent = yard.agent(machine.id);
  await checkIn(agent, providerId);
  await agent.report();
  await yard.pass();
  const answer = await agent.poll();
  if (answer.kind !== "ticket") throw new Error(`the poll answered ${answer.kind}`);
  const held = { id: answer.ticket.id, step: "running" } as const;
  await agent.report({ phase: "engaged", ticket: held, sighting: WORKING });
  await yard.tell(jobId, { status: "in_progress" });
  return { agent, held, providerId, place };
}

describe("the 46-second case", () => {
  it("adopts the pod again whose row was deleted under its job, and ends it when the job has ended well", async () => {
    const { agent, held, providerId, place } = await runJob();
    yard.clock.advance(46 * SECOND_MS);
    await deleteRows(agent.machineId);
    yard.clock.advance(SECOND_MS);
    await yard.pass();
    expect(await row(agent.machineId)).toMatchObject({ origin: "adopted", state: { kind: "engaged", providerId } });
    await checkIn(agent, providerId);
    yard.clock.advance(HOUR_MS);
    await agent.report({ phase: "engaged", ticket: held, sighting: WORKING });
    await yard.pass();
    expect([deletions(), stage.cluster.pod(place)?.metadata.deletionTimestamp]).toEqual([0, undefined]);
    expect(await yard.onlyTicket()).toMatchObject({ id: held.id, state: { kind: "running" } });

    await agent.report({ phase: "leaving", ended: [{ id: held.id, end: { kind: "spent" } }] });
    await yard.pass();
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(deletions()).toBeGreaterThan(0);
    stage.cluster.setPodStatus(place, statusOf("Succeeded", ENDED_WELL));
    await yard.pass();
    if (stage.cluster.pod(place) !== undefined) stage.cluster.removePod(place);
    await yard.pass();
    expect((await row(agent.machineId))?.state).toMatchObject({ kind: "gone" });
  });
});

const ENDED_WELL = { terminated: { exitCode: 0, startedAt: AT, finishedAt: AT } };

describe("the batch of the incident", () => {
  const SHAPES: readonly (readonly [name: string, node: string | null, status: PodStatus])[] = [
    ["m-started0", "node-a", RUNNING],
    ["m-ended000", "node-a", ENDED],
    ["m-wedged00", "node-a", WAITING],
    ["m-nostatus", null, { phase: "Pending" }],
    ["m-again000", "node-a", statusOf("Running", { waiting: { reason: "Error" } }, ENDED_WELL)],
    ["m-unknown0", "node-lost", { ...RUNNING, phase: "Unknown" }],
  ];

  const plant = (name: string, node: string | null, status: PodStatus) =>
    stage.cluster.plantPod({
      metadata: {
        name,
        namespace: NAMESPACE,
        labels: { "holdfast/controller": "yard", "holdfast/pool": "linux", "holdfast/machine": name },
      },
      spec: { containers: [{ name: "runner", image: "runner" }], ...(node === null ? {} : { nodeName: node }) },
      status,
    });

  it("keeps one that starts after it was seen: another store may have given it a job", async () => {
    plant("m-started1", "node-a", WAITING);
    await yard.pass();
    stage.cluster.setPodStatus({ namespace: NAMESPACE, name: "m-started1" }, RUNNING);
    yard.clock.advance(HOUR_MS);
    await yard.pass();
    await yard.pass();
    expect(deletions()).toBe(0);
  });

  it("ends only what has ended, and what never ran once its boot deadline is past", async () => {
    for (const shape of SHAPES) plant(...shape);
    await yard.pass();
    const states = async () =>
      Object.fromEntries(
        await Promise.all(SHAPES.map(async ([name]) => [name, (await row(parseMachineId(name)))?.state.kind])),
      );
    expect(await states()).toEqual({
      "m-started0": "engaged",
      "m-ended000": "retiring",
      "m-wedged00": "retiring",
      "m-nostatus": "retiring",
      "m-again000": "engaged",
      "m-unknown0": "engaged",
    });
    yard.clock.advance(6 * MINUTE_MS);
    await yard.pass();
    await yard.pass();
    const ending = stage.cluster.pods().filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    const left = stage.cluster.pods().map(({ metadata }) => metadata.name);
    const ended = SHAPES.map(([name]) => name).filter(
      (name) => !left.includes(name) || ending.some(({ metadata }) => metadata.name === name),
    );
    expect(ended).toEqual(["m-ended000", "m-wedged00", "m-nostatus"]);
  });
});
