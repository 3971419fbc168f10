/**
 * What makes AWS end machines of the group by reasons of its own, whatever runs there. Each is held by the hook, where there
 * is one, for as long as that waits; none is worth a job.
 */
import {
  type AutoScalingGroup,
  DescribeInstanceRefreshesCommand,
  type InstanceRefresh,
} from "@aws-sdk/client-auto-scaling";
import { DAY_MS, SECOND_MS } from "../../domain/units.ts";
import type { CheckFinding } from "../../ports/provider.ts";
import { AT, warn } from "../aws/findings.ts";
import { listed } from "./check-sizes.ts";
import type { Subject } from "./check-subject.ts";

interface Killer {
  /** @returns what is wrong, in words; null: nothing. */
  find(group: AutoScalingGroup, name: string): string | null;
  mend(name: string, group: AutoScalingGroup): string;
}

function update(name: string, change: string): string {
  return `\`aws autoscaling update-auto-scaling-group --auto-scaling-group-name ${name} ${change}\``;
}

function processes({ SuspendedProcesses: suspended = [] }: AutoScalingGroup): ReadonlySet<string> {
  return new Set(suspended.flatMap(({ ProcessName }) => ProcessName ?? []));
}

const KILLERS: readonly Killer[] = [
  {
    find: (group, name) =>
      (group.AvailabilityZones ?? []).length <= 1 || processes(group).has("AZRebalance")
        ? null
        : `Group ${name} is rebalanced: AWS ends a machine to have as many in each zone.`,
    mend: (name) =>
      `\`aws autoscaling suspend-processes --auto-scaling-group-name ${name} --scaling-processes AZRebalance\``,
  },
  {
    find: ({ CapacityRebalance: isOn }, name) =>
      isOn === true
        ? `Group ${name} has Capacity Rebalancing on: AWS ends a healthy spot machine when it thinks that it could be taken back.`
        : null,
    mend: (name) => update(name, "--no-capacity-rebalance"),
  },
  {
    find: ({ HealthCheckType: types = "EC2" }, name) => {
      const others = types.split(",").filter((type) => type !== "EC2" && type !== "");
      return others.length === 0
        ? null
        : `Group ${name} replaces machines that fail the check of ${others.join(" and ")}, which knows of no job; protection does not keep it from that.`;
    },
    mend: (name) => update(name, "--health-check-type EC2"),
  },
  {
    find: ({ HealthCheckGracePeriod: seconds = 0 }, name) =>
      seconds > 0
        ? null
        : `Group ${name} has no grace period: a machine that fails a health check while it starts is replaced at once.`,
    mend: (name) => update(name, "--health-check-grace-period 300"),
  },
  {
    find: ({ NewInstancesProtectedFromScaleIn: isProtected }, name) =>
      isProtected === true
        ? null
        : `Group ${name} does not protect new machines from scale-in: whoever lowers its size chooses them without a look at their jobs.`,
    mend: (name) => update(name, "--new-instances-protected-from-scale-in"),
  },
  {
    find: (group, name) => {
      const ids = unprotectedOf(group);
      return ids.length === 0
        ? null
        : `${ids.length} of the ${group.Instances?.length ?? 0} members of group ${name} are not protected from scale-in: ${listed(ids)}. Of a group that it sizes, Holdfast protects each within seconds where its credentials may (\`autoscaling:SetInstanceProtection\`).`;
    },
    mend: (name, group) =>
      `\`aws autoscaling set-instance-protection --auto-scaling-group-name ${name} --protected-from-scale-in --instance-ids ${unprotectedOf(group).join(" ")}\``,
  },
  {
    find: ({ MaxInstanceLifetime: seconds = 0 }, name) =>
      seconds === 0
        ? null
        : `Group ${name} replaces each machine after ${Math.round((seconds * SECOND_MS) / DAY_MS)} days, busy or not.`,
    mend: (name) =>
      `${update(name, "--max-instance-lifetime 0")}; \`machines.maxAge\` replaces machines that have no job.`,
  },
  {
    find: ({ WarmPoolConfiguration: pool }, name) =>
      pool?.InstanceReusePolicy?.ReuseOnScaleIn === true
        ? `Group ${name} puts machines back into its warm pool: one that ran jobs comes back with what they left there.`
        : null,
    mend: (name) =>
      `\`aws autoscaling put-warm-pool --auto-scaling-group-name ${name} --instance-reuse-policy ReuseOnScaleIn=false\``,
  },
  {
    find: (group, name) => {
      const still = ["Launch", "Terminate"].filter((process) => processes(group).has(process));
      return still.length === 0
        ? null
        : `Group ${name} has its process ${still.join(" and ")} suspended: it does not do what Holdfast asks of it.`;
    },
    mend: (name) =>
      `\`aws autoscaling resume-processes --auto-scaling-group-name ${name} --scaling-processes Launch Terminate\``,
  },
];

function unprotectedOf({ Instances: instances = [] }: AutoScalingGroup): readonly string[] {
  return instances
    .filter((one) => one.LifecycleState === "InService" && one.ProtectedFromScaleIn !== true)
    .flatMap(({ InstanceId }) => InstanceId ?? []);
}

export async function lookAtKillers({ group, name }: Subject): Promise<readonly CheckFinding[]> {
  return KILLERS.flatMap((killer) => {
    const finding = killer.find(group, name);
    return finding === null ? [] : [warn(`${AT}.group`, finding, killer.mend(name, group))];
  });
}

/** Those that a refresh goes through before it is over. */
const REFRESHING = /^(?:Pending|InProgress|Cancelling|RollbackInProgress|Baking)$/;

export async function lookAtRefreshes({ clients, name }: Subject): Promise<readonly CheckFinding[]> {
  const input = { AutoScalingGroupName: name };
  const { InstanceRefreshes: refreshes = [] } = await clients.groups.read.send(
    new DescribeInstanceRefreshesCommand(input),
  );
  const running = refreshes.find(({ Status: status = "" }) => REFRESHING.test(status));
  return running === undefined ? [] : [tellOfRefresh(name, running)];
}

function tellOfRefresh(name: string, { Status: status, Preferences: preferences }: InstanceRefresh): CheckFinding {
  const ofProtected = preferences?.ScaleInProtectedInstances ?? "Wait";
  const meaning =
    ofProtected === "Refresh" ? "protected ones too" : "protected ones make it wait, and fail after an hour";
  return warn(
    `${AT}.group`,
    `Group ${name} is being refreshed (${status}): AWS replaces its machines, busy or not; ${meaning}.`,
    `Wait for its end, or \`aws autoscaling cancel-instance-refresh --auto-scaling-group-name ${name}\`.`,
  );
}
