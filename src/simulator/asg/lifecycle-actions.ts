/** Lifecycle hooks, and what is said to those that hold a member. */
import { SECOND_MS } from "../../domain/units.ts";
import type { AsgAnswer, CompleteRequest, DeleteHookRequest, HeartbeatRequest, PutHookRequest } from "./api.ts";
import { AsgRefusal, demand, demandGiven } from "./errors.ts";
import { demandGroup } from "./find.ts";
import { release, renewHold } from "./hooks.ts";
import { type Place, touch } from "./move.ts";
import type { AsgState, Hook, LifecycleAction, Member } from "./state.ts";
import { afterComingHold, afterDepartingHold } from "./step.ts";

const HOOK_COUNT_MAX = 50;
const TIMEOUT_SECONDS_MIN = 30;
const TIMEOUT_SECONDS_MAX = 7_200;
const TIMEOUT_SECONDS = 3_600;

export function completeLifecycleAction(state: AsgState, request: CompleteRequest, nowMs: number): AsgAnswer {
  const result = demandGiven(request.LifecycleActionResult, "lifecycleActionResult");
  demand(result === "CONTINUE" || result === "ABANDON", `Invalid lifecycle action result ${result}.`);
  const { place, member, action } = demandAction(state, request, nowMs);
  const left = release(place, member, action, result);
  if (member.state.includes("Terminating")) afterDepartingHold(place, member, left);
  else afterComingHold(place, member, left);
  return {};
}

/** Its length is the hook's, whoever calls; the global timeout ends it all the same. */
export function recordHeartbeat(state: AsgState, request: HeartbeatRequest, nowMs: number): AsgAnswer {
  const { place, action } = demandAction(state, request, nowMs);
  renewHold(place, action);
  return {};
}

interface Found {
  readonly place: Place;
  readonly member: Member;
  readonly action: LifecycleAction;
}

/** By the action's token or by the instance. */
function demandAction(state: AsgState, request: HeartbeatRequest, nowMs: number): Found {
  const place = demandGroup(state, request.AutoScalingGroupName, nowMs);
  const name = demandGiven(request.LifecycleHookName, "lifecycleHookName");
  const { LifecycleActionToken: token, InstanceId: instanceId } = request;
  demand(place.group.hooks.has(name), `No Lifecycle Hook found with name ${name}`);
  demand(
    token !== undefined || instanceId !== undefined,
    "Either the lifecycle action token or the instance ID must be specified.",
  );
  for (const member of place.group.members.values()) {
    if (instanceId !== undefined && member.instanceId !== instanceId) continue;
    const action = member.actions.find((one) => one.hook.name === name && (token === undefined || one.token === token));
    if (action !== undefined) return { place, member, action };
  }
  const who = instanceId === undefined ? `with token ${token}` : `with instance ID ${instanceId}`;
  throw new AsgRefusal("ValidationError", `No active Lifecycle Action found ${who}`);
}

/** One of that name is replaced; who is held already stays held as it was. */
export function putLifecycleHook(state: AsgState, request: PutHookRequest, nowMs: number): AsgAnswer {
  const { group } = demandGroup(state, request.AutoScalingGroupName, nowMs);
  const name = demandGiven(request.LifecycleHookName, "lifecycleHookName");
  const former = group.hooks.get(name);
  group.hooks.set(name, readHook(name, request, former));
  if (former === undefined && group.hooks.size > HOOK_COUNT_MAX) {
    group.hooks.delete(name);
    throw new AsgRefusal("LimitExceeded", `A group may have ${HOOK_COUNT_MAX} lifecycle hooks.`);
  }
  touch(group);
  return {};
}

function readHook(name: string, request: PutHookRequest, former: Hook | undefined): Hook {
  const [, word] = /^autoscaling:EC2_INSTANCE_(LAUNCHING|TERMINATING)$/.exec(request.LifecycleTransition ?? "") ?? [];
  demand(word !== undefined || former !== undefined, "LifecycleTransition must be given for a new lifecycle hook.");
  const given = word === "LAUNCHING" ? "launching" : "terminating";
  const formerSeconds = former === undefined ? TIMEOUT_SECONDS : former.heartbeatTimeoutMs / SECOND_MS;
  const { HeartbeatTimeout: seconds = formerSeconds, DefaultResult: result = former?.defaultResult ?? "ABANDON" } =
    request;
  demand(
    seconds >= TIMEOUT_SECONDS_MIN && seconds <= TIMEOUT_SECONDS_MAX,
    `HeartbeatTimeout must be between ${TIMEOUT_SECONDS_MIN} and ${TIMEOUT_SECONDS_MAX} seconds.`,
  );
  demand(result === "CONTINUE" || result === "ABANDON", `Invalid default result ${result}.`);
  const transition = word === undefined && former !== undefined ? former.transition : given;
  return { name, transition, heartbeatTimeoutMs: seconds * SECOND_MS, defaultResult: result };
}

/** Whom it holds is let go, as by CONTINUE. */
export function deleteLifecycleHook(state: AsgState, request: DeleteHookRequest, nowMs: number): AsgAnswer {
  const place = demandGroup(state, request.AutoScalingGroupName, nowMs);
  const name = demandGiven(request.LifecycleHookName, "lifecycleHookName");
  demand(place.group.hooks.delete(name), `No Lifecycle Hook found with name ${name}`);
  for (const member of [...place.group.members.values()])
    for (const action of member.actions.filter(({ hook }) => hook.name === name)) {
      const left = release(place, member, action, "CONTINUE");
      if (member.state.includes("Terminating")) afterDepartingHold(place, member, left);
      else afterComingHold(place, member, left);
    }
  touch(place.group);
  return {};
}
