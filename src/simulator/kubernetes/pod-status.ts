/** A pod's status, written from what its kubelet knows. */
import { wireTime } from "./instants.ts";
import type { Condition, ContainerState, ContainerStatus, Pod, PodPhase, PodStatus } from "./objects.ts";
import { type ContainerLife, hasFailedToInitialise, isInitialised, isRunning, type PodLife } from "./pod-life.ts";
import { type KubernetesState, podsOf } from "./state.ts";
import { put } from "./store.ts";

/** The pod's object; undefined where it is gone, or another one has its name. */
export function podOfLife(state: KubernetesState, { namespace, name, podUid }: PodLife): Pod | undefined {
  const pod = podsOf(state).get(`${namespace}/${name}`);
  return pod?.metadata.uid === podUid ? pod : undefined;
}

export function writeStatus(state: KubernetesState, life: PodLife, nowMs: number): void {
  const pod = podOfLife(state, life);
  if (pod === undefined || life.acceptedAtMs === null) return;
  const status: PodStatus = {
    ...pod.status,
    ...(life.end ?? {}),
    phase: phaseOf(life),
    conditions: joinConditions(pod.status.conditions ?? [], conditionsOf(life), nowMs),
    startTime: wireTime(life.acceptedAtMs),
    ...statusesOf("initContainerStatuses", life, ({ role }) => role !== "main"),
    ...statusesOf("containerStatuses", life, ({ role }) => role === "main"),
  };
  put(state, "pods", { ...pod, status }, nowMs);
}

function statusesOf(member: string, life: PodLife, isWanted: (container: ContainerLife) => boolean): object {
  const containers = life.containers.filter(isWanted);
  return containers.length === 0 ? {} : { [member]: containers.map((container) => statusOf(life, container)) };
}

function phaseOf(life: PodLife): PodPhase {
  const main = life.containers.filter(({ role }) => role === "main");
  const exitCodes = main.map(({ phase }) => (phase.kind === "terminated" ? phase.exitCode : null));
  if (life.stage === "over") {
    const isWell = life.end === null && exitCodes.every((code) => code === 0);
    return isWell ? "Succeeded" : "Failed";
  }
  const hasBegun = main.some(({ phase }) => phase.kind === "running" || phase.kind === "terminated");
  return hasBegun ? "Running" : "Pending";
}

type Said = Pick<Condition, "type" | "status">;

function conditionsOf(life: PodLife): readonly Said[] {
  const main = life.containers.filter(({ role }) => role === "main");
  const isReady = life.stage !== "over" && main.every(isRunning);
  const said = (type: string, holds: boolean): Said => ({ type, status: holds ? "True" : "False" });
  return [
    said("PodReadyToStartContainers", life.stage !== "over"),
    said("Initialized", isInitialised(life)),
    said("Ready", isReady),
    said("ContainersReady", isReady),
    said("PodScheduled", true),
  ];
}

/** A condition that does not change keeps its time; those of others stay. */
export function joinConditions(
  current: readonly Condition[],
  said: readonly Condition[],
  nowMs: number,
): readonly Condition[] {
  const types = new Set(said.map(({ type }) => type));
  const fresh = said.map((one) => {
    const before = current.find(({ type, status }) => type === one.type && status === one.status);
    return { ...one, lastTransitionTime: before?.lastTransitionTime ?? wireTime(nowMs) };
  });
  return [...fresh, ...current.filter(({ type }) => !types.has(type))];
}

function statusOf(life: PodLife, container: ContainerLife): ContainerStatus {
  const { name, image, phase } = container;
  const hasRun = phase.kind === "running" || (phase.kind === "terminated" && phase.startedAtMs !== null);
  return {
    name,
    image,
    imageID: hasRun ? `${image}@sha256:5f0c` : "",
    ...(hasRun ? { containerID: `containerd://${life.podUid}/${name}` } : {}),
    ready:
      phase.kind === "running" || (container.role === "init" && phase.kind === "terminated" && phase.exitCode === 0),
    started: phase.kind === "running",
    restartCount: 0,
    state: stateOf(life, container),
    lastState: {},
  };
}

function stateOf(life: PodLife, { role, image, phase }: ContainerLife): ContainerState {
  const isBehind = role === "main" && life.containers.some((one) => one.role !== "main") && !isInitialised(life);
  switch (phase.kind) {
    case "waiting":
    case "pulling":
    case "starting":
      return { waiting: { reason: isBehind || hasFailedToInitialise(life) ? "PodInitializing" : waitingReason(role) } };
    case "pull-failed":
      return { waiting: { reason: "ErrImagePull", message: `failed to pull and unpack image "${image}": not found` } };
    case "backing-off":
      return { waiting: { reason: "ImagePullBackOff", message: `Back-off pulling image "${image}"` } };
    case "running":
      return { running: { startedAt: wireTime(phase.sinceMs) } };
    case "terminated": {
      const { exitCode, reason, startedAtMs, atMs } = phase;
      return {
        terminated: { exitCode, reason, startedAt: wireTime(startedAtMs ?? atMs), finishedAt: wireTime(atMs) },
      };
    }
  }
}

function waitingReason(role: ContainerLife["role"]): string {
  return role === "main" ? "ContainerCreating" : "PodInitializing";
}
