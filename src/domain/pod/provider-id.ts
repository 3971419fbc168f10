/**
 * What a pod is called by its provider id: `<namespace>:<pod name>:<uid>`. A name alone may come back with another pod behind
 * it; the uid never does. Neither part can hold a colon, so the three are told apart without doubt.
 *
 * The shapes are the API server's: a namespace is a DNS label, a name that we give a pod is one too (it becomes the
 * hostname), and a uid is the UUID that the server draws.
 */
import { type MachineId, type ProviderId, parseProviderId } from "../ids.ts";

export interface PodPlace {
  readonly namespace: string;
  readonly podName: string;
  readonly podUid: string;
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const UID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @throws {RangeError} for parts that the API server would not have given out. */
export function podProviderId({ namespace, podName, podUid }: PodPlace): ProviderId {
  if (!LABEL.test(namespace)) throw new RangeError(`not a namespace: ${JSON.stringify(namespace.slice(0, 80))}`);
  if (!LABEL.test(podName)) throw new RangeError(`not a pod's name: ${JSON.stringify(podName.slice(0, 80))}`);
  if (!UID.test(podUid)) throw new RangeError(`not a pod's uid: ${JSON.stringify(podUid.slice(0, 80))}`);
  return parseProviderId(`${namespace}:${podName}:${podUid}`);
}

/** @returns null for an id that is no pod's. */
export function parsePodProviderId(providerId: string): PodPlace | null {
  const [namespace = "", podName = "", podUid = "", ...rest] = providerId.split(":");
  const isPod = rest.length === 0 && LABEL.test(namespace) && LABEL.test(podName) && UID.test(podUid);
  return isPod ? { namespace, podName, podUid } : null;
}

/** The name of a machine's pod: the machine's own id, so that a launch that is repeated meets the pod it made. */
export function podNameOf(machineId: MachineId): string {
  return machineId;
}
