/** Distils what is judged from a pod's object. */
import type { V1ContainerStatus, V1Pod } from "@kubernetes/client-node";
import type { ContainerShape, NodeShape, PodShape } from "../../domain/pod/shape.ts";
import { RUNNER_CONTAINER } from "./template.ts";

const TEXT_LENGTH_MAX = 300;

export interface Surroundings {
  readonly node: NodeShape;
  readonly isDeletionOverdue: boolean;
}

export function readShape({ metadata, spec, status }: V1Pod, { node, isDeletionOverdue }: Surroundings): PodShape {
  const conditions = status?.conditions ?? [];
  const scheduled = conditions.find(({ type }) => type === "PodScheduled");
  const disruption = conditions.find(({ type, status: is }) => type === "DisruptionTarget" && is === "True");
  const agent = status?.containerStatuses?.find(({ name }) => name === RUNNER_CONTAINER);
  // One with a restart policy of its own is a sidecar that starts before the others, and runs beside them.
  const sidecars = new Set((spec?.initContainers ?? []).flatMap((one) => (one.restartPolicy ? [one.name] : [])));
  const inits = (status?.initContainerStatuses ?? []).filter(({ name }) => !sidecars.has(name));
  return {
    phase: status?.phase ?? null,
    reason: textOf(status?.reason),
    isScheduled: (spec?.nodeName ?? "") !== "",
    schedulingTrouble: scheduled?.status === "False" ? textOf(scheduled.message ?? scheduled.reason) : null,
    node,
    initContainers: inits.map(readContainer),
    agent: agent === undefined ? null : readContainer(agent),
    deletion: metadata?.deletionTimestamp === undefined ? "none" : isDeletionOverdue ? "overdue" : "within-grace",
    finalizers: metadata?.finalizers ?? [],
    disruption: disruption === undefined ? null : (textOf(disruption.reason) ?? "no reason given"),
  };
}

function readContainer({ state, lastState }: V1ContainerStatus): ContainerShape {
  const hasRunBefore = (lastState?.terminated ?? null) !== null;
  const { terminated = null, running = null, waiting = null } = state ?? {};
  if (terminated !== null)
    return { kind: "terminated", exitCode: terminated.exitCode, reason: textOf(terminated.reason) };
  if (running !== null) return { kind: "running", hasRunBefore };
  if (waiting === null) return { kind: "unrecognised" };
  return { kind: "waiting", reason: textOf(waiting.reason), message: textOf(waiting.message), hasRunBefore };
}

function textOf(text: string | undefined): string | null {
  return text === undefined || text === "" ? null : text.slice(0, TEXT_LENGTH_MAX);
}
