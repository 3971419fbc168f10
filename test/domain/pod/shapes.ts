/** Shapes of pods for tests: a pod whose agent runs on a ready node, and what differs. */
import type { ContainerShape, PodShape } from "../../../src/domain/pod/shape.ts";

export const RUNNING: ContainerShape = { kind: "running", hasRunBefore: false };

export function waiting(reason: string | null = "PodInitializing", message: string | null = null): ContainerShape {
  return { kind: "waiting", reason, message, hasRunBefore: false };
}

export function terminated(exitCode = 0, reason: string | null = "Completed"): ContainerShape {
  return { kind: "terminated", exitCode, reason };
}

export function podShape(changes: Partial<PodShape> = {}): PodShape {
  return {
    phase: "Running",
    reason: null,
    isScheduled: true,
    schedulingTrouble: null,
    node: "ready",
    initContainers: [terminated()],
    agent: RUNNING,
    deletion: "none",
    finalizers: [],
    disruption: null,
    ...changes,
  };
}
