/** Whether the group that a pool's runners join is there. A repository has no groups. */
import { GitHubError } from "../../domain/errors.ts";
import type { RunnerGroupAccess } from "../../ports/github-access.ts";
import { type Finding, failure, listOf, ok } from "./finding.ts";
import {
  type ConnectionSubject,
  describeScope,
  isSameName,
  type PoolSubject,
  poolPlace,
  type Told,
} from "./subject.ts";

const DEFAULT_GROUP = "Default";

/** @throws {GitHubError} where the groups cannot be read and the pool names another than the usual one. */
export async function lookAtRunnerGroup(
  subject: ConnectionSubject,
  pool: PoolSubject,
  told: Told,
): Promise<readonly Finding[]> {
  const { scope } = pool.policy;
  if (scope.kind === "repositories") return [];
  try {
    return [judgeRunnerGroup(await subject.connection.access.listRunnerGroups(scope), pool, describeScope(scope))];
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    // "Default" is there whether its list can be read or not: its number is always the same.
    const isUsual = isSameName(pool.policy.runnerGroup, DEFAULT_GROUP) && isRefusal(error);
    if (isUsual || told.isTold(error.code, scope, "runners")) return [];
    throw error;
  }
}

function isRefusal({ code }: GitHubError): boolean {
  return code === "github-forbidden" || code === "github-not-found";
}

export function judgeRunnerGroup(groups: readonly RunnerGroupAccess[], pool: PoolSubject, where: string): Finding {
  const place = poolPlace(pool, "runnerGroup");
  const wanted = pool.policy.runnerGroup;
  const group = groups.find(({ name }) => isSameName(name, wanted));
  if (group === undefined) {
    const known = groups.length === 0 ? "none" : listOf(groups.map(({ name }) => `"${name}"`));
    const mend = `Write one of them, or create "${wanted}" under Settings, Actions, Runner groups.`;
    return failure(
      place,
      `there is no runner group "${wanted}" in ${where}; there are: ${known}`,
      mend,
      "github-group-unknown",
    );
  }
  const reach = group.allowsPublicRepositories ? "" : "; it takes no jobs of public repositories";
  return ok(place, `runner group "${group.name}"${reach}`);
}
