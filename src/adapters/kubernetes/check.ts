/**
 * Tries a pool's settings without starting anything: each permission by asking the API whether we have it, and the pod by a
 * dry run, which passes through everything that a real one does, admission and quota included.
 */

import { parseLaunchId, parseMachineId } from "../../domain/ids.ts";
import { DAY_MS } from "../../domain/units.ts";
import type { CheckFinding } from "../../ports/provider.ts";
import { ACCESS_RULES, type AccessRule } from "./access-rules.ts";
import type { KubernetesClients } from "./client.ts";
import { describeFailure, type KubernetesFailure, readFailure } from "./errors.ts";
import { buildPod, type PodOptions } from "./pod.ts";
import { findUntaken } from "./untaken.ts";

const AT = "pools[].provider";
const DAY_SECONDS = DAY_MS / 1_000;

export interface CheckContext {
  readonly clients: KubernetesClients;
  readonly options: PodOptions;
}

export async function checkSettings(context: CheckContext): Promise<readonly CheckFinding[]> {
  const findings: CheckFinding[] = [];
  try {
    for (const rule of ACCESS_RULES) if (!(await mayDo(context, rule))) findings.push(describeMissing(context, rule));
  } catch (error) {
    return [findingOf("asking the cluster what the credentials may", readFailure(error))];
  }
  return [...findings, ...(await tryPod(context)), ...warnOfSettings(context.options)];
}

function describeMissing({ options }: CheckContext, rule: AccessRule): CheckFinding {
  const { scope, apiGroup, resource, verb, without } = rule;
  const isCluster = scope === "cluster";
  const where = isCluster ? "in the cluster" : `in namespace ${options.settings.namespace}`;
  const line = JSON.stringify({ apiGroups: [apiGroup], resources: [resource], verbs: [verb] });
  return {
    severity: rule.isOptional === true ? "warning" : "error",
    path: AT,
    finding: `The credentials may not ${verb} ${resource} ${where}; without it ${without}.`,
    mend: `Add to the ${isCluster ? "ClusterRole" : "Role"}: ${line}. \`holdfast check --rbac\` prints all of it.`,
  };
}

async function mayDo({ clients, options }: CheckContext, { scope, apiGroup, resource, verb }: AccessRule) {
  const [name = "", subresource] = resource.split("/");
  const review = await clients.authorization.createSelfSubjectAccessReview({
    body: {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: {
        resourceAttributes: {
          group: apiGroup,
          resource: name,
          verb,
          ...(subresource === undefined ? {} : { subresource }),
          ...(scope === "cluster" ? {} : { namespace: options.settings.namespace }),
        },
      },
    },
  });
  return review.status?.allowed === true;
}

/** A machine that no pool will ever have: the name must be free. */
const TRIAL = { machineId: parseMachineId("m-holdfastcheck"), launchId: parseLaunchId("l-holdfastcheck") };

async function tryPod({ clients, options }: CheckContext): Promise<readonly CheckFinding[]> {
  const { namespace, template } = options.settings;
  const body = buildPod(options, { ...TRIAL, settingsHash: "check", avoidedNodes: [] });
  try {
    const pod = await clients.core.createNamespacedPod({ namespace, body, dryRun: "All" });
    return findUntaken(template.spec ?? {}, pod.spec ?? {}).map((path) => ({
      severity: "warning",
      path: `${AT}.template.spec.${path}`,
      finding: "The cluster does not know this field, and makes pods without it.",
      mend: "Correct its name, or remove it.",
    }));
  } catch (error) {
    const failure = readFailure(error);
    // Told by the question for the permission, with the rule that is missing.
    return failure.trouble === "denied" ? [] : [findingOf("trying a pod as a dry run", failure)];
  }
}

/** What may pass is a warning: it must not keep the controller from caring for the machines that are there. */
function findingOf(attempted: string, failure: KubernetesFailure): CheckFinding {
  const said = describeFailure(failure);
  switch (failure.trouble) {
    case "throttled":
    case "unknown":
    case "conflict":
    case "expired":
      return {
        severity: "warning",
        path: AT,
        finding: `The cluster was not to be reached, ${attempted}: ${said}.`,
        mend: "Try again; check `credentials` and the network.",
      };
    case "quota":
      return {
        severity: "warning",
        path: AT,
        finding: `The namespace's quota has no room for one more pod: ${said}.`,
        mend: "Raise the quota, or lower `machines.max`.",
      };
    case "denied":
      return {
        severity: "error",
        path: `${AT}.credentials`,
        finding: `The cluster refused ${attempted}: ${said}.`,
        mend: "Correct the credentials.",
      };
    default:
      return {
        severity: "error",
        path: AT,
        finding: `The cluster refused ${attempted}: ${said}.`,
        mend: "Correct what the message names.",
      };
  }
}

function warnOfSettings({ settings }: PodOptions): readonly CheckFinding[] {
  const findings: CheckFinding[] = [];
  if (settings.longestJobSeconds > DAY_SECONDS)
    findings.push({
      severity: "warning",
      path: `${AT}.longestJob`,
      finding: "A drain of a node waits for a job for more than a day.",
      mend: "Shorten it to the longest job that there is.",
    });
  return findings;
}
