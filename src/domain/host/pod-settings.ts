/**
 * What the agent in a pod goes by: all of it in its container's environment, and nothing of it a secret. What the machine
 * proves its identity with is a file that the kubelet writes anew before it runs out (a projected token).
 *
 * The pod's own parts (name, uid, namespace) come by the downward API: nobody knows the uid before the pod is made.
 */
import type { ControllerId, MachineId, PoolName } from "../ids.ts";

/** A volume of the pod's own (`emptyDir`), writable for the runner's user: the agent's files and all that it keeps. */
export const POD_HOME = "/holdfast";
/** Every container has it, on tmpfs. */
export const POD_VOLATILE = "/dev/shm/holdfast";
export const POD_TOKEN_FOLDER = "/var/run/secrets/holdfast";
export const POD_TOKEN_FILE = `${POD_TOKEN_FOLDER}/token`;
/** Where GitHub's image has its runner. */
export const POD_RUNNER_DIRECTORY = "/home/runner";

export const POD_VARIABLES = {
  controllerUrl: "HOLDFAST_CONTROLLER_URL",
  controllerId: "HOLDFAST_CONTROLLER_ID",
  machineId: "HOLDFAST_MACHINE_ID",
  pool: "HOLDFAST_POOL",
  podName: "HOLDFAST_POD_NAME",
  podUid: "HOLDFAST_POD_UID",
  podNamespace: "HOLDFAST_POD_NAMESPACE",
  runnerDirectory: "HOLDFAST_RUNNER_DIRECTORY",
  /** A JSON object of texts, added to the runner's environment. */
  runnerEnvironment: "HOLDFAST_RUNNER_ENVIRONMENT",
  bundleUrl: "HOLDFAST_BUNDLE_URL",
  bundleSha256: "HOLDFAST_BUNDLE_SHA256",
  /** The file of the bundle that is run. */
  bundleEntry: "HOLDFAST_BUNDLE_ENTRY",
} as const;

/** Set by process 1 for an agent that it starts after it was asked to end: nobody else tells that one. */
export const END_ASKED_VARIABLE = "HOLDFAST_END_ASKED";

/** What differs from pool to pool and from pod to pod. */
export interface PodSettings {
  readonly controllerUrl: string;
  readonly controllerId: ControllerId;
  readonly machineId: MachineId;
  readonly pool: PoolName;
  readonly runnerDirectory: string;
  readonly runnerEnvironment: Readonly<Record<string, string>>;
  readonly bundle: { readonly url: string; readonly sha256: string; readonly entry: string };
}

/** One variable of a container, as a pod's spec has it. */
export type PodVariable =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly valueFrom: { readonly fieldRef: { readonly fieldPath: string } } };

/** For the container that fetches the agent and for the one that runs it. */
export function podVariables(settings: PodSettings): readonly PodVariable[] {
  const { bundle } = settings;
  const literal = (name: string, value: string): PodVariable => ({ name, value: withoutReferences(value) });
  const field = (name: string, fieldPath: string): PodVariable => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  return [
    literal(POD_VARIABLES.controllerUrl, settings.controllerUrl),
    literal(POD_VARIABLES.controllerId, settings.controllerId),
    literal(POD_VARIABLES.machineId, settings.machineId),
    literal(POD_VARIABLES.pool, settings.pool),
    field(POD_VARIABLES.podName, "metadata.name"),
    field(POD_VARIABLES.podUid, "metadata.uid"),
    field(POD_VARIABLES.podNamespace, "metadata.namespace"),
    literal(POD_VARIABLES.runnerDirectory, settings.runnerDirectory),
    literal(POD_VARIABLES.runnerEnvironment, JSON.stringify(settings.runnerEnvironment)),
    literal(POD_VARIABLES.bundleUrl, bundle.url),
    literal(POD_VARIABLES.bundleSha256, bundle.sha256),
    literal(POD_VARIABLES.bundleEntry, bundle.entry),
  ];
}

/** In a pod's spec `$(NAME)` stands for another variable, and `$$` for a dollar. */
function withoutReferences(value: string): string {
  return value.replaceAll("$", "$$$$");
}
