/** The watch only hints, and goes on after whatever happens to it. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { ENDED, launchOne, placeOf, RUNNING, useStage } from "./stage.ts";

const stage = useStage();

const PATIENCE_MS = 10_000;

let hints: EventTarget;
let hintCount: number;
let stopping: AbortController;
let watching: Promise<void>;

beforeEach(async () => {
  hints = new EventTarget();
  hintCount = 0;
  stopping = new AbortController();
  const onHint = (): void => {
    hintCount += 1;
    hints.dispatchEvent(new Event("hint"));
  };
  watching = stage.provider.hints?.watch(onHint, stopping.signal) ?? Promise.reject(new Error("it has no hints"));
  await open();
});
afterEach(async () => {
  stopping.abort();
  await watching;
});

async function open(): Promise<void> {
  const isOpen = (): boolean => stage.cluster.openWatchCount() === 1;
  await stage.cluster.waitFor("the watch is open", isOpen, PATIENCE_MS);
}

/** Until something was hinted at since. */
async function hinted(since: number): Promise<void> {
  while (hintCount <= since) await new Promise((resolve) => hints.addEventListener("hint", resolve, { once: true }));
}

async function changeOne(): Promise<void> {
  const since = hintCount;
  await launchOne(stage.provider);
  await hinted(since);
}

it("hints at what changes, and not at what says the same again", async () => {
  await changeOne();
  const [pod] = stage.cluster.pods();
  const place = { name: pod?.metadata.name ?? "", namespace: "runners" };
  let since = hintCount;
  stage.cluster.setPodStatus(place, RUNNING);
  await hinted(since);
  since = hintCount;
  stage.cluster.changePodMeta(place, { annotations: { touched: "yes" } });
  stage.cluster.setPodStatus(place, ENDED);
  await hinted(since);
  expect(hintCount).toBe(since + 1);
});

it("goes on after its connection was dropped", async () => {
  await changeOne();
  stage.cluster.dropWatches();
  await open();
  await changeOne();
});

it("begins anew, with a hint, where what it would go on from is forgotten", async () => {
  await changeOne();
  const listed = stage.cluster.calls()["list pods"] ?? 0;
  await stage.cluster.goOffline();
  await stage.cluster.comeBack();
  stage.cluster.forgetHistory();
  await open();
  await changeOne();
  expect(stage.cluster.calls()["list pods"] ?? 0).toBeGreaterThan(listed);
});

it("learns that a pod had ended when it went", async () => {
  const since = hintCount;
  const { providerId } = await launchOne(stage.provider);
  await hinted(since);
  stage.cluster.setPodStatus(placeOf(providerId), ENDED);
  await hinted(since + 1);
  stage.cluster.removePod(placeOf(providerId));
  await hinted(since + 2);
  expect((await stage.provider.list([providerId]))[0]).toMatchObject({ state: "gone" });
});
