/**
 * An installation to be measured: the controller as a process of its own with its store in a file, EC2 and GitHub behind the
 * slow way, and an agent for each instance that runs.
 */
import { generateKeyPairSync } from "node:crypto";
import { type SimulatedEc2, startSimulatedEc2 } from "../../src/simulator/server/ec2/simulated-ec2.ts";
import { type House, openHouseAt, startGitHub, until } from "../../test/end-to-end/house.ts";
import { Agent, type AgentWorld } from "./agent.ts";
import { type Calls, openSlowWay, type SlowWay } from "./slow-way.ts";

export const POOL = "linux";
const MACHINES_MAX = 100;
const PATIENCE_MS = 120_000;
const ACCESS_KEY_ID = "AKIASIMULATED";

/** Booting is the image's affair and no call's: as short as it can be without agents that come before their launch is known. */
const TIMES = { pendingMs: [200, 200], shuttingDownMs: [100, 100], terminatedMs: [3_600_000, 3_600_000] } as const;

export interface FleetPlan {
  /** Keys of the pool. */
  readonly warm?: { readonly parked?: number; readonly registered?: number };
}

export interface Fleet {
  readonly house: House;
  readonly ec2: SimulatedEc2;
  /** When each ticket arrived on its machine, by `performance.now()`. */
  readonly ticketsAtMs: readonly number[];
  /** When each instance was asked to end. */
  readonly endedAtMs: readonly number[];
  calls(): { readonly github: Calls; readonly ec2: Calls };
  /** Of the controller's process, since it started. */
  cpuSeconds(): Promise<number>;
  /** Until everything that was asked is answered. */
  untilAnswered(): Promise<void>;
  /** Until the controller has so many machines in that state. */
  untilMachines(state: string, count: number): Promise<void>;
  /** One job from its webhook to the end of its machine: what is made once for a pool is there afterwards. */
  runOneJob(): Promise<void>;
  until(isTrue: () => boolean, what: string): Promise<void>;
  /** Says a command as an operator. */
  command(name: string, body: object): Promise<void>;
  close(): Promise<void>;
}

export async function openFleet(plan: FleetPlan): Promise<Fleet> {
  const keys = generateKeyPairSync("rsa", {
    modulusLength: 2_048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  const github = await startGitHub({ appPublicKey: keys.publicKey });
  const ec2 = await startSimulatedEc2({ accessKeyId: ACCESS_KEY_ID, seed: 1, ec2: { times: TIMES } });
  const toGitHub = await openSlowWay(github.apiUrl, nameGitHubCall);
  const toEc2 = await openSlowWay(ec2.endpoint, nameEc2Call);
  const { region, subnets, securityGroups, images } = ec2.options;
  const provider = {
    kind: "ec2",
    region,
    endpoint: toEc2.url,
    subnets: subnets.map(({ id }) => id),
    securityGroups: securityGroups.map(({ id }) => id),
    instanceTypes: ["c5.large", "m5.large"],
    image: images.find(({ architecture }) => architecture === "x86_64")?.id,
    identityCertificateFile: "./region.pem",
  };
  const runner = { directory: "/opt/actions-runner", user: "runner" };
  const house = await openHouseAt(github, {
    connections: { main: { apiUrl: toGitHub.url, app: { id: github.appId, privateKeyPem: keys.privateKey } } },
    pools: [{ name: POOL, machines: { max: MACHINES_MAX }, runner, provider, ...plan }],
    operators: [{ name: "bench", role: "operator", anonymous: true }],
    files: { "region.pem": ec2.identity.rsaCertificate },
    environment: { AWS_ACCESS_KEY_ID: ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: "simulated" },
  });
  return start({ house, ec2, toGitHub, toEc2 });
}

interface Parts {
  readonly house: House;
  readonly ec2: SimulatedEc2;
  readonly toGitHub: SlowWay;
  readonly toEc2: SlowWay;
}

async function start({ house, ec2, toGitHub, toEc2 }: Parts): Promise<Fleet> {
  const failures: unknown[] = [];
  const agents = new Map<string, Agent>();
  const ticketsAtMs: number[] = [];
  const endedAtMs: number[] = [];
  let endJobs = () => {};
  const newEnd = () =>
    new Promise<void>((resolve) => {
      endJobs = resolve;
    });
  const world: AgentWorld = {
    controllerUrl: house.url,
    startMetadata: (instanceId) => ec2.startMetadata(instanceId),
    onTicket: () => ticketsAtMs.push(performance.now()),
    jobsEnd: newEnd(),
    onFailure: (error) => failures.push(error),
  };
  ec2.onInstanceChange(({ id, phase }) => {
    if (phase.kind === "running" && !agents.has(id)) {
      const agent = new Agent(world, id);
      agents.set(id, agent);
      void agent.run();
    }
    if (phase.kind !== "shutting-down") return;
    endedAtMs.push(performance.now());
    agents.get(id)?.end();
  });
  await house.start();
  const untilTrue = (isTrue: () => boolean | Promise<boolean>, what: string) =>
    until(
      () => {
        if (failures.length > 0) throw failures[0];
        return isTrue();
      },
      PATIENCE_MS,
      () => what,
    );
  return {
    house,
    ec2,
    ticketsAtMs,
    endedAtMs,
    calls: () => ({ github: toGitHub.calls(), ec2: toEc2.calls() }),
    cpuSeconds: () => readCpuSeconds(house),
    untilAnswered: () => untilTrue(() => toGitHub.openCount() + toEc2.openCount() === 0, "calls are not answered"),
    untilMachines: (state, count) =>
      untilTrue(async () => (await countMachines(house, state)) === count, `there are not ${count} machines ${state}`),
    runOneJob: async () => {
      house.queue(["true"], "the first");
      await untilTrue(() => ticketsAtMs.length === 1, "the first job's machine has no ticket");
      endJobs();
      await untilTrue(async () => (await countMachines(house, "any")) === 0, "the first job's machine is there");
      ticketsAtMs.length = 0;
      endedAtMs.length = 0;
      world.jobsEnd = newEnd();
    },
    until: untilTrue,
    command: (name, body) => say(house, name, body),
    close: async () => {
      for (const agent of agents.values()) agent.end();
      await house.close();
      await Promise.all([toGitHub.close(), toEc2.close(), ec2.close()]);
    },
  };
}

async function readCpuSeconds(house: House): Promise<number> {
  const text = await (await fetch(`${house.url}/metrics`)).text();
  const [, seconds] = /^process_cpu_seconds_total ([\d.e+-]+)$/m.exec(text) ?? [];
  if (seconds === undefined) throw new Error("the controller's metrics tell no CPU time");
  return Number(seconds);
}

async function countMachines(house: House, state: string): Promise<number> {
  const { machines } = await house.get<{ machines: readonly { state: string }[] }>("/api/v1/machines");
  return state === "any" ? machines.length : machines.filter((machine) => machine.state === state).length;
}

async function say(house: House, name: string, body: object): Promise<void> {
  const response = await fetch(`${house.url}/api/v1/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-holdfast-command": "1" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${name} was answered with ${response.status}: ${await response.text()}`);
}

/** By what it does, whomever it is about. */
function nameGitHubCall(method: string, path: string): string {
  return `${method} ${path.replaceAll(/\/\d+/g, "/{id}").replace(/^\/repos\/[^/]+\/[^/]+/, "/repos/{repository}")}`;
}

/** A look at some instances is told from one at all of the pool: the latter is made every few seconds, whatever happens. */
function nameEc2Call(_method: string, _path: string, body: string): string {
  const parameters = new URLSearchParams(body);
  const action = parameters.get("Action") ?? "";
  if (action !== "DescribeInstances") return action;
  return parameters.has("InstanceId.1") ? `${action} (by id)` : `${action} (listing)`;
}
