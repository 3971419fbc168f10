/** What a process remembers of pods: readings and the watch's word reach it in any order. */
import { expect, it } from "vitest";
import { Sights } from "../../../src/adapters/kubernetes/sights.ts";
import type { ContainerShape, PodShape } from "../../../src/domain/pod/shape.ts";
import { handClock } from "./stage.ts";

const ENDED: ContainerShape = { kind: "terminated", exitCode: 0, reason: "Completed" };
const RUNNING: ContainerShape = { kind: "running", hasRunBefore: false };

function judged(agent: ContainerShape, resourceVersion: string) {
  const shape: PodShape = {
    phase: "Running",
    reason: null,
    isScheduled: true,
    schedulingTrouble: null,
    node: "ready",
    initContainers: [],
    agent,
    deletion: "within-grace",
    finalizers: [],
    disruption: null,
  };
  return { resourceVersion, nodeName: "node-a", shape };
}

it("keeps that a container has ended, though a reading from before comes in after it", () => {
  const sights = new Sights(handClock());
  sights.noteJudged("uid", judged(ENDED, "34"));
  sights.noteJudged("uid", judged(RUNNING, "32"));
  expect(sights.last("uid")?.shape.agent).toEqual(ENDED);
});

it("takes whatever is read last of one that has not ended", () => {
  const sights = new Sights(handClock());
  sights.noteJudged("uid", judged(RUNNING, "32"));
  sights.noteJudged("uid", judged(ENDED, "34"));
  expect(sights.judged("uid")?.resourceVersion).toBe("34");
});
