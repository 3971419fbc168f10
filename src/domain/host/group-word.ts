/**
 * Whether an Auto Scaling group has the machine in its service, by the state that the group leads it to. The machine's own
 * metadata tells it, free of any permission and quota (`autoscaling/target-lifecycle-state`; "Retrieve the target lifecycle
 * state through instance metadata", Auto Scaling user guide). Only a member in service takes tickets. Pure.
 */

export type Service =
  /** It belongs to no group: nobody puts it aside. */
  | "alone"
  /** A member that has not been told since it started, or since it slept. */
  | "untold"
  | "serving"
  /** Standby, detached, in the warm pool, or what we do not know: it may come into service, again or for the first time. */
  | "aside"
  | "ending";

/** What a member is told. */
export type ToldService = Exclude<Service, "alone" | "untold">;

const IN_SERVICE = "InService";
const ENDINGS: ReadonlySet<string> = new Set(["Terminated", "Warmed:Terminated"]);

/** @param target null where the metadata has none, as of a member that was launched before groups told any. */
export function serviceOf(target: string | null): ToldService {
  const state = target?.trim() ?? IN_SERVICE;
  if (state === IN_SERVICE) return "serving";
  return ENDINGS.has(state) ? "ending" : "aside";
}

/** It may have been put aside meanwhile: groups let machines of their warm pools sleep. */
export function serviceAfterSleep(service: Service): Service {
  return service === "serving" ? "untold" : service;
}

export function isInService(service: Service): boolean {
  return service === "alone" || service === "serving";
}

/** A ticket that has no job yet is given back. One who was not told anything gives nothing back. */
export function isOutOfService(service: Service): boolean {
  return service === "aside" || service === "ending";
}
