/** Instances by their ids, as a caller finds them: a fresh one not yet, one that ended long ago no more. */
import { Ec2Refusal } from "./errors.ts";
import { isInstanceId } from "./ids.ts";
import type { Ec2State, Instance } from "./state.ts";

/** In one call. */
const INSTANCE_ID_COUNT_MAX = 1_000;

/**
 * All of them or none: one id that is not found fails the call as a whole.
 * @throws {Ec2Refusal} InvalidInstanceID.Malformed, InvalidInstanceID.NotFound
 */
export function demandInstances(state: Ec2State, ids: readonly string[], nowMs: number): Instance[] {
  const malformed = ids.find((id) => !isInstanceId(id));
  if (malformed !== undefined) throw new Ec2Refusal("InvalidInstanceID.Malformed", `Invalid id: "${malformed}"`);
  if (ids.length > INSTANCE_ID_COUNT_MAX)
    throw new Ec2Refusal("InvalidParameterValue", `The maximum number of instance IDs is ${INSTANCE_ID_COUNT_MAX}`);
  const found = new Map<string, Instance>();
  const missing: string[] = [];
  for (const id of ids) {
    const instance = state.known.get(id);
    if (instance === undefined || !isFound(instance, nowMs)) missing.push(id);
    else found.set(id, instance);
  }
  if (missing.length === 0) return [...found.values()];
  const subject = missing.length === 1 ? "ID" : "IDs";
  const verb = missing.length === 1 ? "does" : "do";
  throw new Ec2Refusal(
    "InvalidInstanceID.NotFound",
    `The instance ${subject} '${missing.join(", ")}' ${verb} not exist`,
  );
}

export function demandInstance(state: Ec2State, id: string, nowMs: number): Instance {
  const [instance] = demandInstances(state, [id], nowMs);
  if (instance === undefined)
    throw new Ec2Refusal("InvalidInstanceID.NotFound", `The instance ID '${id}' does not exist`);
  return instance;
}

function isFound({ foundFromMs, hiddenFrom }: Instance, nowMs: number): boolean {
  return nowMs >= foundFromMs && hiddenFrom !== "everybody";
}

/** Whether a listing of everything shows it. */
export function isListed(instance: Instance, nowMs: number): boolean {
  return nowMs >= instance.listedFromMs && isFound(instance, nowMs) && instance.hiddenFrom === "nobody";
}
