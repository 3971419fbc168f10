/** The group's lifecycle hooks, which people change seldom: read once, and again after a while or when they did not fit. */
import { DescribeLifecycleHooksCommand, type LifecycleHook } from "@aws-sdk/client-auto-scaling";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import type { AsgClients } from "./clients.ts";
import { toGroupError } from "./errors.ts";
import type { HookSide } from "./lifecycle.ts";

const READ_AGAIN_MS = MINUTE_MS;

/** The API's own limits ("Considerations and limitations for lifecycle hooks", Auto Scaling user guide). */
const HEARTBEAT_DEFAULT_SECONDS = 3_600;
export const GLOBAL_MAX_SECONDS = 172_800;
export const HEARTBEATS_MAX = 100;

export interface Hook {
  readonly name: string;
  readonly side: Exclude<HookSide, "either">;
  /** So long it waits without a word. */
  readonly heartbeatMs: number;
  /** So long it waits however often it hears one. */
  readonly globalMs: number;
  /** What it does when it has waited for too long. */
  readonly defaultResult: "CONTINUE" | "ABANDON";
}

/** min(48 h, 100 times the heartbeat timeout). */
export function globalSecondsOf(heartbeatSeconds: number): number {
  return Math.min(GLOBAL_MAX_SECONDS, HEARTBEATS_MAX * heartbeatSeconds);
}

export async function readHooks({ groups }: AsgClients, group: string): Promise<readonly Hook[]> {
  try {
    const input = { AutoScalingGroupName: group };
    const { LifecycleHooks: hooks = [] } = await groups.read.send(new DescribeLifecycleHooksCommand(input));
    return hooks.flatMap((hook) => hookOf(hook) ?? []);
  } catch (error) {
    throw toGroupError(error, `reading the lifecycle hooks of group ${group}`);
  }
}

function hookOf(hook: LifecycleHook): Hook | null {
  const { LifecycleHookName: name, LifecycleTransition: transition } = hook;
  if (name === undefined) return null;
  const heartbeatSeconds = hook.HeartbeatTimeout ?? HEARTBEAT_DEFAULT_SECONDS;
  return {
    name,
    side: transition === "autoscaling:EC2_INSTANCE_LAUNCHING" ? "launch" : "terminate",
    heartbeatMs: heartbeatSeconds * SECOND_MS,
    globalMs: (hook.GlobalTimeout ?? globalSecondsOf(heartbeatSeconds)) * SECOND_MS,
    defaultResult: hook.DefaultResult === "CONTINUE" ? "CONTINUE" : "ABANDON",
  };
}

export class Hooks {
  readonly #clients: AsgClients;
  readonly #group: string;
  readonly #clock: Clock;
  #known: { readonly hooks: readonly Hook[]; readonly readAtMs: number; readonly untilMonotonicMs: number } | null =
    null;

  constructor(clients: AsgClients, group: string, clock: Clock) {
    this.#clients = clients;
    this.#group = group;
    this.#clock = clock;
  }

  /**
   * Old ones are better than none: a hook that could not be read again is still to be held.
   * @param sinceMs when the wait began that they are asked for: one that was added before it waits as well, and is not among
   *   those that were read before.
   */
  async of(side: HookSide, sinceMs = 0): Promise<readonly Hook[]> {
    const nowMs = this.#clock.monotonicMs();
    let known = this.#known;
    if (known === null || nowMs >= known.untilMonotonicMs || known.readAtMs < sinceMs) {
      const before = known;
      const readAtMs = this.#clock.nowMs();
      const untilMonotonicMs = nowMs + READ_AGAIN_MS;
      const read = readHooks(this.#clients, this.#group).then((hooks) => ({ hooks, readAtMs, untilMonotonicMs }));
      known = await read.catch((error: unknown) => {
        if (before === null) throw error;
        return { ...before, untilMonotonicMs };
      });
      this.#known = known;
    }
    return known.hooks.filter((hook) => side === "either" || hook.side === side);
  }

  /** Else nobody was held by them. */
  wereRead(): boolean {
    return this.#known !== null;
  }

  /** Reads them again, because they do not fit what the group does. */
  async again(side: HookSide): Promise<readonly Hook[]> {
    this.#known = null;
    return this.of(side);
  }
}
