/**
 * A whole pod, from its init container to its end, with a job in it: the scripts of its spec, the agent as the controller
 * serves it, and the runner's stand-in, as the user of GitHub's image in namespaces of their own.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FETCH_BUNDLE } from "../../src/adapters/kubernetes/fetch-bundle.ts";
import { PROCESS_ONE } from "../../src/adapters/kubernetes/process-one.ts";
import { agentBundle } from "../../src/app/agent-bundle.ts";
import { POD_RUNNER_DIRECTORY } from "../../src/domain/host/pod-settings.ts";
import { parseControllerId, parseMachineId, parsePoolName } from "../../src/domain/ids.ts";
import { podProviderId } from "../../src/domain/pod/provider-id.ts";
import { type SimulatedGitHub, startSimulatedGitHub } from "../../src/simulator/server/simulated-github.ts";
import { eventually } from "./agent-yard.ts";
import { DEADLINE_MS, FakeController, ticketOf } from "./fake-controller.ts";
import { podEnvironment } from "./pod-environment.ts";
import { type Container, childrenOf, commandOf, PodStage, whyNoContainers } from "./pod-stage.ts";

const why = whyNoContainers();
const TOKEN = "a-projected-token";
const PLACE = {
  namespace: "ci-runners",
  podName: "m-abcdefgh01",
  podUid: "0d6f2c1a-7b9e-4c55-9f3d-2a1b3c4d5e6f",
};
const bundle = agentBundle();

let github: SimulatedGitHub;
let controller: FakeController;
let files: Server;
let pod: PodStage;

beforeEach(async () => {
  if (why !== null) return;
  github = await startSimulatedGitHub({ repositories: ["acme/widgets"], longPollMs: 1_000 });
  controller = new FakeController(TOKEN);
  await controller.start();
  files = createServer((_request, response) => response.end(bundle.bytes));
  await new Promise<void>((resolve) => files.listen(0, "127.0.0.1", resolve));
  pod = new PodStage();
});
afterEach(async () => {
  if (why !== null) return;
  await pod.clear();
  await controller.stop();
  await new Promise((resolve) => files.close(resolve));
  await github.close();
});

function environment(): Record<string, string> {
  const settings = {
    controllerUrl: controller.url,
    controllerId: parseControllerId("main"),
    machineId: parseMachineId(PLACE.podName),
    pool: parsePoolName("linux"),
    runnerDirectory: POD_RUNNER_DIRECTORY,
    runnerEnvironment: { FROM_POOL: "yes" },
    bundle: { ...bundle, url: `http://127.0.0.1:${(files.address() as AddressInfo).port}/bundle.tar.gz` },
  };
  return { ...podEnvironment(settings, PLACE), FROM_TEMPLATE: "yes" };
}

async function startPod(): Promise<Container> {
  pod.writeToken(TOKEN);
  const init = pod.run(FETCH_BUNDLE, environment());
  expect([await init.exited, init.output()]).toEqual([0, "holdfast: the agent is there\n"]);
  const container = pod.run(PROCESS_ONE, environment());
  await controller.waitFor("a parked agent", () => controller.last()?.phase === "parked");
  return container;
}

function signalFirst(container: Container, name: NodeJS.Signals): void {
  const first = container.firstPid();
  if (first === null) throw new Error("the container is not there");
  process.kill(first, name);
}

function agentOf(container: Container): number {
  const [agent] = childrenOf(container.firstPid() ?? 0).filter((pid) => commandOf(pid).includes(bundle.entry));
  if (agent === undefined) throw new Error("the agent is not there");
  return agent;
}

// Skipped: a container is made of namespaces and mounts, which not everybody may make.
describe.skipIf(why !== null)(`a pod${why === null ? "" : ` (skipped: ${why})`}`, () => {
  it("checks in by its token, runs a job through the death of its agent, and a deletion waits for it", async () => {
    const container = await startPod();
    const providerId = podProviderId(PLACE);
    expect(controller.checkIns.at(-1)).toMatchObject({
      machineId: PLACE.podName,
      providerId,
      identity: { kind: "kubernetes", token: TOKEN },
      bootId: expect.stringMatching(new RegExp(`^${PLACE.podUid}/`)),
    });

    const { encodedJitConfig } = github.registerRunner({
      scope: { kind: "organization", organization: "acme" },
      name: "pod-runner",
      labels: ["self-hosted"],
      groupId: 1,
      isEphemeral: true,
    });
    const ticket = ticketOf(encodedJitConfig);
    const steps = [
      "id -u > /holdfast/user",
      "env > /holdfast/environment",
      "while [ ! -e /holdfast/go-on ]; do sleep 0.05; done",
    ];
    const jobId = github.queueJob({ repository: "acme/widgets", labels: ["self-hosted"], steps });
    controller.offer(ticket);
    await controller.waitFor("a running ticket", () => controller.last()?.ticket?.step === "running");
    await eventually("the job's first steps", () => existsSync(join(pod.home, "environment")));

    const [before] = controller.reports.slice(-1);
    process.kill(agentOf(container), "SIGKILL");
    await controller.waitFor("the next agent", () => {
      const [latest] = controller.reports.slice(-1);
      return latest?.incarnation !== before?.incarnation && latest?.report.ticket?.step === "running";
    });

    signalFirst(container, "SIGTERM");
    await controller.waitFor("a leaving agent", () => controller.last()?.phase === "leaving");
    expect(controller.last()?.ticket?.id).toBe(ticket.id);
    writeFileSync(join(pod.home, "go-on"), "");
    const job = await github.waitForJob(jobId, (one) => one.status === "completed", DEADLINE_MS);
    expect(job).toMatchObject({ conclusion: "success" });
    expect(await container.exited).toBe(0);
    expect(controller.endOf(ticket.id)).toEqual({ kind: "spent" });

    expect(readFileSync(join(pod.home, "user"), "utf8")).toBe("1001\n");
    const seen = readFileSync(join(pod.home, "environment"), "utf8");
    expect(seen).toMatch(/^FROM_TEMPLATE=yes$/m);
    expect(seen).toMatch(/^FROM_POOL=yes$/m);
    expect(seen.match(/^HOLDFAST_\w+/gm)).toEqual(["HOLDFAST_MACHINE"]);
    expect(container.output()).toContain('"message":"agent starts"');
    expect(container.output()).toContain("the agent ended with 137, starting it again");
    expect(container.output()).toContain('"message":"all is over: the agent ends"');
    for (const secret of [TOKEN, encodedJitConfig]) expect(container.output()).not.toContain(secret);
  });

  it("that is asked to end while its agent is down ends as well: the next agent is told so", async () => {
    const container = await startPod();
    process.kill(agentOf(container), "SIGKILL");
    await eventually("the pause before the next agent", () => container.output().includes("starting it again"));
    signalFirst(container, "SIGTERM");
    expect(await container.exited).toBe(0);
    expect(controller.last()).toMatchObject({ phase: "leaving", ticket: null });
  });

  it("that holds nothing ends soon after it is asked to", async () => {
    const container = await startPod();
    signalFirst(container, "SIGTERM");
    expect(await container.exited).toBe(0);
    expect(controller.last()).toMatchObject({ phase: "leaving", ticket: null });
  });
});
