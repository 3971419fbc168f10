/**
 * Tries a pool's settings at its group: reads what there is, and changes nothing. What AWS or others may do to the group's
 * machines behind our back is told with what to do about it.
 *
 * What only the machine itself can tell is not told here: whether a runner of its own runs there under its own service
 * script, which no signal drains. The installer looks for that.
 */
import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import { ProviderError } from "../../domain/errors.ts";
import type { CheckFinding } from "../../ports/provider.ts";
import { AT, fail, warn } from "../aws/findings.ts";
import { tryCalls } from "./check-calls.ts";
import { lookAtHooks } from "./check-hooks.ts";
import { lookAtKillers, lookAtRefreshes } from "./check-killers.ts";
import { lookAtMembersOwners, lookAtOwner, lookAtRole } from "./check-owners.ts";
import { lookAtScalingPolicies, lookAtSchedules, lookAtSizes } from "./check-sizes.ts";
import type { CheckContext, Subject } from "./check-subject.ts";
import { describeGroupFailure, type GroupFailure, readGroupFailure } from "./errors.ts";
import { describeGroup } from "./group.ts";

const LOOKS: readonly (readonly [what: string, look: (subject: Subject) => Promise<readonly CheckFinding[]>])[] = [
  ["its sizes", lookAtSizes],
  ["its scaling policies", lookAtScalingPolicies],
  ["its scheduled actions", lookAtSchedules],
  ["its lifecycle hooks", lookAtHooks],
  ["its settings", lookAtKillers],
  ["its instance refreshes", lookAtRefreshes],
  ["whose it is", lookAtOwner],
  ["whose its members are", lookAtMembersOwners],
  ["its launch template", lookAtRole],
  ["one of its members", tryCalls],
];

/** Independent of each other, so that one run shows all that is wrong; one that cannot be read keeps no other from it. */
export async function checkGroup(context: CheckContext): Promise<readonly CheckFinding[]> {
  const { group: name, region } = context.options.settings;
  let group: AutoScalingGroup | null;
  try {
    group = await describeGroup(context.clients, name);
  } catch (error) {
    return [unreadable(`group ${name}`, error, { severityIfDenied: "error", isDecisive: true })];
  }
  if (group === null)
    return [fail(`${AT}.group`, `${region} has no Auto Scaling group ${name}.`, "Correct `group` or `region`.")];
  const subject: Subject = { ...context, group, name };
  const looks = LOOKS.map(async ([what, look]) => {
    try {
      return await look(subject);
    } catch (error) {
      return [unreadable(`${what} (group ${name})`, error, { isDecisive: look === lookAtMembersOwners })];
    }
  });
  return (await Promise.all(looks)).flat();
}

interface Reading {
  /** A warning where it is left out. */
  readonly severityIfDenied?: CheckFinding["severity"];
  /** Whether the pool may be used hangs on it. */
  readonly isDecisive: boolean;
}

/** What may pass is a warning: whoever starts the controller is not told that its configuration is wrong. */
function unreadable(what: string, error: unknown, reading: Reading): CheckFinding {
  const failure = failureOf(error);
  const said = `AWS refused reading ${what}: ${describeGroupFailure(failure)}.`;
  if (failure.trouble === "denied")
    return {
      severity: reading.severityIfDenied ?? "warning",
      path: AT,
      finding: said,
      mend: "Give the credentials the policy that `holdfast check --iam` prints.",
    };
  const warning = warn(AT, said, "Try again; check `region`, the endpoints and the network.");
  return reading.isDecisive ? { ...warning, isOpenQuestion: true } : warning;
}

function failureOf(error: unknown): GroupFailure {
  return readGroupFailure(error instanceof ProviderError && error.cause instanceof Error ? error.cause : error);
}
