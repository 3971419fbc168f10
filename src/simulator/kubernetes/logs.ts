/** What containers have printed, as `pods/log` shows it. */
import { KubernetesRefusal } from "./errors.ts";
import { findObject, readWhole } from "./list.ts";
import type { Pod } from "./objects.ts";
import type { KubernetesRequest } from "./requests.ts";
import { RESOURCES } from "./resources.ts";
import type { KubernetesState } from "./state.ts";

/** @throws {KubernetesRefusal} BadRequest where it is not clear which container is meant, or it has not started. */
export function readLog(state: KubernetesState, request: KubernetesRequest): string {
  const pod = findObject(state, RESOURCES.pods, request) as Pod;
  const { options = {} } = request;
  const name = containerOf(pod, options.container);
  const statuses = [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])];
  const status = statuses.find((one) => one.name === name);
  if (status?.state.waiting !== undefined && status.lastState.terminated === undefined) {
    const { reason = "ContainerCreating" } = status.state.waiting;
    const why = `container "${name}" in pod "${pod.metadata.name}" is waiting to start: ${reason}`;
    throw new KubernetesRefusal("BadRequest", why);
  }
  const text = state.logs.get(logKey(pod.metadata.uid, name)) ?? "";
  return cut(tail(text, options.tailLines), options.limitBytes);
}

export function logKey(podUid: string, container: string): string {
  return `${podUid}/${container}`;
}

function containerOf({ metadata, spec }: Pod, asked: string | undefined): string {
  const main = spec.containers.map(({ name }) => name);
  const initial = (spec.initContainers ?? []).map(({ name }) => name);
  const [only] = main;
  if (asked === undefined || asked === "") {
    if (main.length === 1 && only !== undefined) return only;
    const others = initial.length === 0 ? "" : ` or one of the init containers: [${initial.join(" ")}]`;
    const why = `a container name must be specified for pod ${metadata.name}, choose one of: [${main.join(" ")}]${others}`;
    throw new KubernetesRefusal("BadRequest", why);
  }
  if (![...main, ...initial].includes(asked))
    throw new KubernetesRefusal("BadRequest", `container ${asked} is not valid for pod ${metadata.name}`);
  return asked;
}

function tail(text: string, tailLines: string | undefined): string {
  if (tailLines === undefined || text === "") return text;
  const lines = text.replace(/\n$/, "").split("\n");
  const count = readWhole(tailLines);
  return count === 0 ? "" : `${lines.slice(-count).join("\n")}\n`;
}

function cut(text: string, limitBytes: string | undefined): string {
  if (limitBytes === undefined) return text;
  return Buffer.from(text).subarray(0, readWhole(limitBytes)).toString("utf8");
}
