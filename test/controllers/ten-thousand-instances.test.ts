/**
 * What a fleet costs at EC2: the controllers over a real store, the real adapter with the official client, and a simulated EC2
 * behind real HTTP that counts the calls. Nothing is timed.
 */
import { setImmediate } from "node:timers/promises";
import { EC2Client, RunInstancesCommand } from "@aws-sdk/client-ec2";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createEc2Provider } from "../../src/adapters/ec2/provider.ts";
import { attend } from "../../src/controllers/attend.ts";
import { observe } from "../../src/controllers/observe.ts";
import { retire } from "../../src/controllers/retire.ts";
import { type MachineId, parseMachineId, parseProviderId } from "../../src/domain/ids.ts";
import { SECOND_MS } from "../../src/domain/units.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { type SimulatedEc2, startSimulatedEc2 } from "../../src/simulator/server/ec2/simulated-ec2.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { inTransaction } from "../../src/store/transaction.ts";
import { CREDENTIALS, optionsAt, settingsAt } from "../adapters/ec2/stage.ts";
import { incarnation, machine } from "../domain/builders.ts";
import { Yard } from "./yard.ts";

const INSTANCES = 10_000;
/** By EC2's reference. */
const PAGE_SIZE = 1_000;
const SUBNET = { id: "subnet-0000000a", zone: "eu-west-1a", vpcId: "vpc-0a1b2c3d4e5f60718", addressCount: 65_000 };

let ec2: SimulatedEc2;
let yard: Yard;

beforeEach(async () => {
  const times = { pendingMs: [0, 0], shuttingDownMs: [0, 0] } as const;
  ec2 = await startSimulatedEc2({ seed: 1, ec2: { rates: null, subnets: [SUBNET], times } });
  yard = await Yard.open({ machineCountMax: INSTANCES, warmParkedCount: INSTANCES });
  const { region, images } = ec2.options;
  const place = { subnets: [SUBNET.id], securityGroups: [], image: images[0]?.id ?? "" };
  const settings = { ...settingsAt(ec2.endpoint, place), region };
  // What waits for the others of its moment waits for them, and not for the test's clock. A turn of the event loop stands for a
  // millisecond: the others need few, however slow the machine is, and none passes while it stands still.
  const clock: Clock = {
    nowMs: () => yard.clock.nowMs(),
    monotonicMs: () => yard.clock.monotonicMs(),
    sleep: async (durationMs) => {
      for (let turnCount = 0; turnCount < durationMs; turnCount += 1) await setImmediate();
    },
  };
  const provider = createEc2Provider(optionsAt(settings, clock, yard.context.controllerId));
  Object.assign(yard.context, { provider, abilities: provider });
});
afterEach(async () => {
  await yard.close();
  await ec2.close();
});

/** Instances of the pool that run, each with the row of a parked machine. */
async function fill(count: number): Promise<readonly { readonly machineId: MachineId; readonly instanceId: string }[]> {
  const { region } = ec2.options;
  const client = new EC2Client({ region, endpoint: ec2.endpoint, credentials: CREDENTIALS });
  const Tags = [
    { Key: "holdfast:controller", Value: yard.context.controllerId },
    { Key: "holdfast:pool", Value: yard.context.pool.name },
    { Key: "holdfast:launch", Value: "l-00000001" },
  ];
  for (let first = 0; first < count; first += PAGE_SIZE)
    await client.send(
      new RunInstancesCommand({
        ImageId: ec2.options.images[0]?.id,
        InstanceType: "c5.large",
        SubnetId: SUBNET.id,
        MinCount: 1,
        MaxCount: Math.min(PAGE_SIZE, count - first),
        TagSpecifications: [{ ResourceType: "instance", Tags }],
      }),
    );
  client.destroy();
  const rows = ec2.instances().map(({ id }, index) =>
    machine({
      id: parseMachineId(`m-${String(index).padStart(8, "0")}`),
      state: { kind: "parked", providerId: parseProviderId(id), sinceMs: yard.clock.nowMs() },
    }),
  );
  await inTransaction(yard.store, async (tx) => {
    for (const row of rows) await insertMachine(tx, row);
  });
  return rows.map(({ id }, index) => ({ machineId: id, instanceId: ec2.instances()[index]?.id ?? "" }));
}

async function callsOf(act: () => Promise<void>): Promise<Readonly<Record<string, number>>> {
  const before: Readonly<Record<string, number>> = { ...ec2.calls() };
  await act();
  const made = Object.entries(ec2.calls()).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  return Object.fromEntries(made.filter(([, count]) => count > 0));
}

it("10,000 instances: a pass makes no call per instance, only the pages of the listing", async () => {
  await fill(INSTANCES);
  const pass = async () => {
    await observe(yard.context);
    await retire(yard.context);
  };
  expect(await callsOf(pass)).toEqual({ DescribeInstances: INSTANCES / PAGE_SIZE });
  expect(yard.context.memory.observed.size).toBe(INSTANCES);
  expect(yard.context.memory.guards.listing).toMatchObject({ isWhole: true, listedCount: INSTANCES });
  yard.clock.advance(SECOND_MS);
  expect(await callsOf(pass)).toEqual({ DescribeInstances: INSTANCES / PAGE_SIZE });
}, 180_000);

it("500 machines that end together cost some calls, and not one for each", async () => {
  const machines = await fill(500);
  await observe(yard.context);
  yard.isShuttingDown = true;
  await retire(yard.context);
  for (const { machineId, instanceId } of machines) {
    const agent = yard.agent(machineId, incarnation());
    agent.providerId = instanceId;
    await agent.checkIn();
    agent.sequence = 1;
    await agent.report({ phase: "leaving" });
  }
  await attend(yard.context);
  const { TerminateInstances = 0, DescribeInstances = 0, ...others } = await callsOf(() => retire(yard.context));
  expect(ec2.instances().filter(({ phase }) => phase.kind === "running")).toEqual([]);
  expect(others).toEqual({});
  expect(TerminateInstances).toBeGreaterThanOrEqual(3);
  // Three where all that are worked on at a time join their batch; an answer that comes late opens another.
  expect(TerminateInstances).toBeLessThanOrEqual(25);
  expect(DescribeInstances).toBeLessThanOrEqual(25);
}, 180_000);
