/** The group's lifecycle hooks, as the API has them. */
import { DescribeLifecycleHooksCommand, type LifecycleHook } from "@aws-sdk/client-auto-scaling";
import { SECOND_MS } from "../../domain/units.ts";
import type { AsgClients } from "./clients.ts";
import { toGroupError } from "./errors.ts";
import type { HookSide } from "./lifecycle.ts";

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
