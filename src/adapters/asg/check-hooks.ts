/** Whether the group waits for us, for how long, and what it does when it has waited for too long. */
import { SECOND_MS } from "../../domain/units.ts";
import type { CheckFinding } from "../../ports/provider.ts";
import { AT, warn } from "../aws/findings.ts";
import type { Subject } from "./check-subject.ts";
import { isRetaining } from "./group.ts";
import { GLOBAL_MAX_SECONDS, globalSecondsOf, HEARTBEATS_MAX, type Hook, readHooks } from "./hooks.ts";

/** It gives the full 48 h, and a controller half an hour to be started again. */
const HEARTBEAT_RECOMMENDED_SECONDS = 1_800;

export async function lookAtHooks(subject: Subject): Promise<readonly CheckFinding[]> {
  const { clients, name } = subject;
  const hooks = await readHooks(clients, name);
  const ending = hooks.filter(({ side }) => side === "terminate");
  const coming = hooks.filter(({ side }) => side === "launch");
  return [
    ...(ending.length === 0 ? [tellOfNone(name)] : lookAtRetention(subject, ending)),
    ...ending.flatMap((hook) => lookAtLength(subject, hook)),
    ...coming.map((hook) => tellOfLaunchHook(name, hook)),
  ];
}

function tellOfNone(name: string): CheckFinding {
  return warn(
    `${AT}.group`,
    `Group ${name} has no hook for the end of its machines: what AWS ends there (scale-in, rebalancing, refresh, lifetime, health) ends with the job on it.`,
    putHook(name, "holdfast"),
  );
}

function putHook(name: string, hook: string): string {
  return `\`aws autoscaling put-lifecycle-hook --auto-scaling-group-name ${name} --lifecycle-hook-name ${hook} --lifecycle-transition autoscaling:EC2_INSTANCE_TERMINATING --heartbeat-timeout ${HEARTBEAT_RECOMMENDED_SECONDS} --default-result ABANDON\``;
}

/** However often it is held: min(48 h, 100 times the heartbeat timeout). */
function lookAtLength({ name, options }: Subject, hook: Hook): readonly CheckFinding[] {
  const { longestJobSeconds } = options.settings;
  const heartbeatSeconds = hook.heartbeatMs / SECOND_MS;
  const globalSeconds = hook.globalMs / SECOND_MS;
  if (globalSeconds >= longestJobSeconds) return [];
  const arithmetic = `min(48 h, ${HEARTBEATS_MAX} × ${heartbeatSeconds} s) = ${globalSecondsOf(heartbeatSeconds)} s`;
  const finding = `Hook ${hook.name} of group ${name} waits for ${arithmetic} at most, and the longest job may take ${longestJobSeconds} s (\`longestJob\`): a job that takes longer ends with its machine when AWS wants that.`;
  const least = Math.ceil(longestJobSeconds / HEARTBEATS_MAX);
  const mend =
    longestJobSeconds > GLOBAL_MAX_SECONDS
      ? "No hook waits for longer than 48 h. Let jobs end by then (`timeout-minutes`), or run the longer ones in a pool of `kind: ec2`."
      : `${putHook(name, hook.name)}: from ${least} s on it waits long enough.`;
  return [warn(`${AT}.longestJob`, finding, mend)];
}

/** What becomes of a job while no controller speaks. */
function lookAtRetention({ group, name }: Subject, hooks: readonly Hook[]): readonly CheckFinding[] {
  const shortestSeconds = Math.min(...hooks.map(({ heartbeatMs }) => heartbeatMs)) / SECOND_MS;
  const continuing = hooks.filter(({ defaultResult }) => defaultResult === "CONTINUE");
  if (!isRetaining(group))
    return [
      warn(
        `${AT}.group`,
        `Group ${name} ends a machine whose hook has heard nothing for ${shortestSeconds} s: a controller that is down for longer than that may lose the jobs on machines that AWS wants to end.`,
        `Keep such machines instead: \`aws autoscaling update-auto-scaling-group --auto-scaling-group-name ${name} --instance-lifecycle-policy RetentionTriggers={TerminateHookAbandon=retain}\`. Holdfast ends those that are kept once they are idle.`,
      ),
    ];
  // Only what is abandoned is retained.
  return continuing.map((hook) =>
    warn(
      `${AT}.group`,
      `Hook ${hook.name} of group ${name} lets a machine go when it has heard nothing for ${hook.heartbeatMs / SECOND_MS} s (default result CONTINUE), so the group's policy to retain machines does not keep it.`,
      putHook(name, hook.name),
    ),
  );
}

function tellOfLaunchHook(name: string, { name: hook, heartbeatMs, defaultResult }: Hook): CheckFinding {
  const otherwise = defaultResult === "ABANDON" ? "ends it" : "lets it into service";
  return warn(
    `${AT}.group`,
    `Hook ${hook} of group ${name} holds each new machine until somebody completes it, and ${otherwise} after ${heartbeatMs / SECOND_MS} s: Holdfast does not complete it, and gives the machine no job before.`,
    `Keep what completes it, or remove it: \`aws autoscaling delete-lifecycle-hook --auto-scaling-group-name ${name} --lifecycle-hook-name ${hook}\`.`,
  );
}
