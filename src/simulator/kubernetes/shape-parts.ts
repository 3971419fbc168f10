/** The pieces that pod shapes are put together from: containers' statuses as kubelets write them. */
import type { Condition, ContainerState, ContainerStatus, PodSpec, PodStatus, TerminatedState } from "./objects.ts";

/** As the product names them: the container that brings the agent, and the one that agent, runner and job live in. */
const BRINGER = "holdfast-agent";
const RUNNER = "runner";
/** A sidecar. */
export const DIND = "dind";

export const SHAPE_NODE = "node-a";
const IMAGES: Readonly<Record<string, string>> = {
  [BRINGER]: "runner:2.336.0",
  [RUNNER]: "runner:2.336.0",
  [DIND]: "docker:28-dind",
};
const STARTED_AT = "2026-05-04T04:01:00Z";
const FINISHED_AT = "2026-05-04T04:06:00Z";

export interface StatusExtras {
  readonly started?: boolean | null;
  readonly lastState?: ContainerState;
  readonly restartCount?: number;
}

export function statusOf(name: string, state: ContainerState, extras: StatusExtras = {}): ContainerStatus {
  const { lastState = {}, restartCount = 0 } = extras;
  const isRunning = state.running !== undefined;
  const hasRun = state.waiting === undefined;
  const image = IMAGES[name] ?? name;
  const started = Object.hasOwn(extras, "started") ? { started: extras.started ?? null } : { started: isRunning };
  return {
    name,
    image,
    imageID: hasRun ? `${image}@sha256:5f0c` : "",
    ...(hasRun ? { containerID: `containerd://${name}` } : {}),
    ready: isRunning && extras.started !== false,
    ...started,
    restartCount,
    state,
    lastState,
  };
}

export const running: ContainerState = { running: { startedAt: STARTED_AT } };

export function waiting(reason: string, message?: string): ContainerState {
  return { waiting: { reason, ...(message === undefined ? {} : { message }) } };
}

export function terminated(exitCode: number, reason?: string, extras: Partial<TerminatedState> = {}): ContainerState {
  const usual = exitCode === 0 ? "Completed" : "Error";
  const times = { startedAt: STARTED_AT, finishedAt: FINISHED_AT };
  return { terminated: { exitCode, reason: reason ?? usual, ...times, ...extras } };
}

export function condition(type: string, status: Condition["status"], reason?: string, message?: string): Condition {
  return {
    type,
    status,
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
    lastTransitionTime: STARTED_AT,
  };
}

export const scheduled = condition("PodScheduled", "True");

/** The container that brings the agent, the runner's, and no sidecar unless asked for. */
export function specOf(
  options: { readonly nodeName?: string; readonly hasSidecar?: boolean; readonly isAlone?: boolean } = {},
): PodSpec {
  const { nodeName, hasSidecar = false, isAlone = false } = options;
  const image = (name: string) => ({ name, image: IMAGES[name] ?? name });
  const sidecars = hasSidecar ? [{ ...image(DIND), restartPolicy: "Always" }] : [];
  return {
    ...(nodeName === undefined ? {} : { nodeName }),
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 30,
    serviceAccountName: "default",
    ...(isAlone ? {} : { initContainers: [image(BRINGER), ...sidecars] }),
    containers: [image(RUNNER)],
  };
}

/** On a node, with these states of the two containers. */
export function onNode(
  phase: PodStatus["phase"],
  bringer: ContainerState,
  runner: ContainerState,
  more: PodStatus & { readonly runnerExtras?: StatusExtras } = {},
): PodStatus {
  const { runnerExtras, ...status } = more;
  return {
    ...(phase === undefined ? {} : { phase }),
    conditions: [scheduled],
    startTime: STARTED_AT,
    hostIP: "10.0.0.1",
    initContainerStatuses: [statusOf(BRINGER, bringer)],
    containerStatuses: [statusOf(RUNNER, runner, runnerExtras)],
    ...status,
  };
}
