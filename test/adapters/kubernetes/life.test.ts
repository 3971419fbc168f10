/** A pod's life where a scheduler and kubelets are at work: what is shown at each step, and that its end leaves nothing. */
import { expect, it } from "vitest";
import { launchOne, permitFor, placeOf, useStage } from "./stage.ts";

const PATIENCE_MS = 20_000;
const stage = useStage({
  hasKubelets: true,
  times: {
    schedulingMs: [1, 5],
    acceptingMs: [1, 5],
    pullMs: [1, 5],
    startingMs: [1, 5],
    finishingMs: [1, 5],
  },
  // The init container fetches the agent, and ends; the runner's container ends when it is told to.
  courses: {
    "holdfast-agent": { runsMs: 5, exitCode: 0, endsAfterTermMs: 0, termExitCode: 143 },
    runner: { runsMs: null, exitCode: 0, endsAfterTermMs: 5, termExitCode: 0 },
  },
});

it("goes from never run to running to gone", async () => {
  const { providerId } = await launchOne(stage.provider);
  const place = placeOf(providerId);
  const read = async () => (await stage.provider.list([providerId]))[0];
  await stage.cluster.waitFor("it runs", () => isRunning(stage.cluster.pod(place)), PATIENCE_MS);
  expect(await read()).toMatchObject({ state: "running", hasNeverRun: false, isAlarm: false, why: null });
  await stage.provider.terminate(permitFor(providerId, stage.clock));
  await stage.cluster.waitFor("it is gone", () => stage.cluster.pod(place) === undefined, PATIENCE_MS);
  expect(["gone", "not-found"]).toContain((await read())?.state);
  expect(await stage.provider.list("all")).toEqual([]);
});

it("is never run, with the scheduler's own reason, where no node has room", async () => {
  const provider = stage.another({ settings: { nodeSelector: { gpu: "yes" } } });
  const { providerId } = await launchOne(provider);
  const isTold = () =>
    stage.cluster.pod(placeOf(providerId))?.status.conditions?.some(({ status }) => status === "False");
  await stage.cluster.waitFor("the scheduler has said so", isTold, PATIENCE_MS);
  expect((await provider.list([providerId]))[0]).toMatchObject({
    state: "starting",
    hasNeverRun: true,
    why: expect.stringMatching(/^no node for it: 0\/2 nodes are available/) as unknown,
  });
});

function isRunning(pod: ReturnType<typeof stage.cluster.pod>): boolean {
  return pod?.status.containerStatuses?.some(({ name, state }) => name === "runner" && state?.running) === true;
}
