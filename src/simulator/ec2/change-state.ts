/** TerminateInstances, StopInstances, StartInstances: what a call does to instances that are there. */
import { demandScope } from "./access.ts";
import type { Ec2Answer, InstancesRequest, StopInstancesRequest } from "./api.ts";
import { demandGiven, Ec2Refusal, endDryRun } from "./errors.ts";
import { demandInstances } from "./find.ts";
import { beginAgain, beginEnding, beginStopping, isUp, REASONS } from "./life.ts";
import { spend } from "./rates.ts";
import { findRoom, findType, takeRoom } from "./room.ts";
import { showState } from "./show-instance.ts";
import type { Ec2State, Instance, InstancePhase } from "./state.ts";

/** The states before and after, of each. */
function showChanges(name: string, changes: readonly Change[]): Ec2Answer {
  return {
    [name]: changes.map(({ instance, before, after }) => ({
      InstanceId: instance.id,
      CurrentState: showState(after),
      PreviousState: showState(before),
    })),
  };
}

interface Change {
  readonly instance: Instance;
  readonly before: InstancePhase;
  readonly after: InstancePhase;
}

/**
 * Ended instances are ended once more without complaint. A protected one fails the call, and keeps the other instances of its
 * zone from their end; those of other zones end although the call fails.
 */
export function terminateInstances(state: Ec2State, request: InstancesRequest, nowMs: number): Ec2Answer {
  const instances = readInstances(state, "TerminateInstances", request, nowMs);
  const isProtected = (one: Instance) => one.isTerminationProtected && one.phase.kind !== "terminated";
  const shielded = instances.filter(isProtected);
  endDryRun(request);
  spend(state, "endedInstances", instances.length, nowMs);
  const zones = new Set(shielded.map(({ zone }) => zone));
  const changes = instances.filter(({ zone }) => !zones.has(zone)).map((instance) => terminate(state, instance, nowMs));
  const [first] = shielded;
  if (first !== undefined)
    throw new Ec2Refusal(
      "OperationNotPermitted",
      `The instance '${first.id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`,
    );
  return showChanges("TerminatingInstances", changes);
}

function terminate(state: Ec2State, instance: Instance, nowMs: number): Change {
  const before = instance.phase;
  if (before.kind === "terminated") return { instance, before, after: before };
  const after = { kind: "shutting-down", sinceMs: nowMs } as const;
  if (!isIgnored(state, instance)) beginEnding(state, instance, REASONS.userEnded, nowMs);
  return { instance, before, after };
}

/** The call succeeds, and the instance stays as it is. */
function isIgnored({ options, givenNumbers }: Ec2State, instance: Instance): boolean {
  if (instance.ignoredEndingCount > 0) {
    instance.ignoredEndingCount -= 1;
    return true;
  }
  const count = (givenNumbers.get("ending") ?? 0) + 1;
  givenNumbers.set("ending", count);
  return options.chance.fork(`ending/${count}`).happens(options.ignoredEndingShare);
}

export function stopInstances(state: Ec2State, request: StopInstancesRequest, nowMs: number): Ec2Answer {
  const instances = readInstances(state, "StopInstances", request, nowMs);
  for (const instance of instances) demandStoppable(instance);
  endDryRun(request);
  const changes = instances.map((instance) => {
    const before = instance.phase;
    if (!isUp(instance)) return { instance, before, after: before };
    beginStopping(state, instance, REASONS.userEnded, nowMs);
    return { instance, before, after: instance.phase };
  });
  return showChanges("StoppingInstances", changes);
}

function demandStoppable({ id, phase, isStopProtected, market, settings }: Instance): void {
  if (isStopProtected)
    throw new Ec2Refusal(
      "OperationNotPermitted",
      `The instance '${id}' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.`,
    );
  if (market === "spot" && settings.isOneTime)
    throw new Ec2Refusal(
      "UnsupportedOperation",
      `You can't stop the Spot Instance '${id}' because it is associated with a one-time Spot Instance request. You can only stop Spot Instances associated with persistent Spot Instance requests.`,
    );
  if (phase.kind === "pending" || phase.kind === "shutting-down" || phase.kind === "terminated")
    throw new Ec2Refusal(
      "IncorrectInstanceState",
      `This instance '${id}' is not in a state from which it can be stopped.`,
    );
}

/** There must be room for them again; one for which there is none fails the call. */
export function startStoppedInstances(state: Ec2State, request: InstancesRequest, nowMs: number): Ec2Answer {
  const instances = readInstances(state, "StartInstances", request, nowMs);
  const wrong = instances.find(
    ({ phase }) => phase.kind !== "stopped" && phase.kind !== "running" && phase.kind !== "pending",
  );
  if (wrong !== undefined)
    throw new Ec2Refusal(
      "IncorrectInstanceState",
      `The instance '${wrong.id}' is not in a state from which it can be started.`,
    );
  endDryRun(request);
  spend(state, "restartedInstances", instances.length, nowMs);
  const stopped = instances.filter(({ phase }) => phase.kind === "stopped");
  for (const instance of stopped) demandRoom(state, instance, stopped);
  const changes = instances.map((instance) => {
    const before = instance.phase;
    if (before.kind === "stopped") {
      takeRoom(state, instance);
      beginAgain(state, instance, nowMs);
    }
    return { instance, before, after: instance.phase };
  });
  return showChanges("StartingInstances", changes);
}

function demandRoom(state: Ec2State, { type: name, zone, market }: Instance, stopped: readonly Instance[]): void {
  const type = findType(state.options, name);
  if (type === undefined) return;
  const count = stopped.filter((one) => one.type === name && one.zone === zone && one.market === market).length;
  const room = findRoom(state, { type, zone, market, count, maxPrice: null });
  if (room.kind === "short")
    throw new Ec2Refusal(
      room.code === "UnfulfillableCapacity" ? "InsufficientInstanceCapacity" : room.code,
      room.message,
    );
}

function readInstances(
  state: Ec2State,
  action: "TerminateInstances" | "StopInstances" | "StartInstances",
  request: InstancesRequest,
  nowMs: number,
): Instance[] {
  const ids = demandGiven(request.InstanceIds, "InstanceId");
  demandScope(state, action, ids);
  return demandInstances(state, ids, nowMs);
}
