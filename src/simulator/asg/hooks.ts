/**
 * Lifecycle hooks: what holds a member in a `:Wait` state, for how long, and what lets it go.
 *
 * CONTINUE of one hook waits for the others. ABANDON, said or by a deadline whose default it is, ends all of them.
 */
import { HOUR_MS } from "../../domain/units.ts";
import { newUuid } from "./ids.ts";
import { type Place, touch } from "./move.ts";
import type { HookResult, LifecycleAction, Member, Transition } from "./state.ts";

const GLOBAL_MS_MAX = 48 * HOUR_MS;
const GLOBAL_FACTOR = 100;

/** However often a hook's hold is renewed, it ends after that. */
export function globalTimeoutMs(heartbeatTimeoutMs: number): number {
  return Math.min(GLOBAL_MS_MAX, GLOBAL_FACTOR * heartbeatTimeoutMs);
}

/** @returns whether there is a hook that holds it. */
export function takeHold({ state, group, nowMs }: Place, member: Member, transition: Transition): boolean {
  const hooks = [...group.hooks.values()].filter((hook) => hook.transition === transition);
  member.expiredBy = null;
  member.actions = hooks.map((hook) => {
    const globalDeadlineMs = nowMs + globalTimeoutMs(hook.heartbeatTimeoutMs);
    return {
      hook,
      token: newUuid(state, "action"),
      globalDeadlineMs,
      deadlineMs: Math.min(nowMs + hook.heartbeatTimeoutMs, globalDeadlineMs),
    };
  });
  return hooks.length > 0;
}

/** When the first of its hooks runs out; null: none holds it. */
export function holdDeadlineMs({ actions }: Member): number | null {
  return actions.length === 0 ? null : Math.min(...actions.map(({ deadlineMs }) => deadlineMs));
}

export function renewHold({ nowMs }: Place, action: LifecycleAction): void {
  action.deadlineMs = Math.min(nowMs + action.hook.heartbeatTimeoutMs, action.globalDeadlineMs);
}

export type Release = "held" | "continued" | "abandoned";

/** What becomes of the member by the word for one of its actions. */
export function release({ group }: Place, member: Member, action: LifecycleAction, result: HookResult): Release {
  touch(group);
  member.actions = result === "ABANDON" ? [] : member.actions.filter((one) => one !== action);
  if (result === "ABANDON") return "abandoned";
  return member.actions.length === 0 ? "continued" : "held";
}

/** What becomes of it by the hooks that have run out, each by its default result. */
export function releaseOverdue(place: Place, member: Member): Release {
  for (const action of [...member.actions].sort((one, other) => one.deadlineMs - other.deadlineMs)) {
    if (action.deadlineMs > place.nowMs) continue;
    const { hook, deadlineMs, globalDeadlineMs } = action;
    member.expiredBy = { hook, deadline: deadlineMs >= globalDeadlineMs ? "global limit" : "heartbeat" };
    const left = release(place, member, action, hook.defaultResult);
    if (left !== "held") return left;
  }
  return "held";
}
