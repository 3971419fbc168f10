/** All that is looked at behind one connection. Reads only; one look that fails hides no other. */
import type { Access } from "../../ports/github-access.ts";
import { type Look, look } from "./bounded.ts";
import { describeBudgets } from "./budgets.ts";
import type { Finding } from "./finding.ts";
import { lookAtHooks, webhookPlace } from "./hooks.ts";
import { isOutOfReach, judgeInstallations, tellOnce } from "./installations.ts";
import { jobsPlace, lookAtJobs } from "./jobs.ts";
import { judgePermissions } from "./permissions.ts";
import { lookAtReach } from "./reach.ts";
import { lookAtRunnerGroup } from "./runner-groups.ts";
import { lookAtRunnerOnly, lookAtRunnerVersion } from "./runner-version.ts";
import { signIn } from "./sign-in.ts";
import { type ConnectionSubject, connectionPlace, type PoolSubject, poolPlace, type Told } from "./subject.ts";

export async function checkConnection(subject: ConnectionSubject): Promise<readonly Finding[]> {
  const signed = await signIn(subject);
  if (signed.kind === "out") return [...signed.findings, ...(await lookAtRunnersOnly(subject.pools))];
  const { access } = signed;
  const permissions = judgePermissions(access, subject.config, subject.pools);
  const told = tellOnce(access, permissions.lacks);
  const outOfReach = subject.pools.filter((pool) => isOutOfReach(access, pool));
  const [looked, runners] = await Promise.all([
    Promise.all(looksAt(subject, access, told).map((one) => look(subject.clock, one))),
    lookAtRunnersOnly(outOfReach),
  ]);
  return [
    ...signed.findings,
    ...permissions.findings,
    ...describeBudgets(subject.connection.readBudgets(), connectionPlace(subject), subject.clock.nowMs()),
    ...judgeInstallations(access, subject.config, subject.pools),
    ...looked.flat(),
    ...runners,
  ];
}

async function lookAtRunnersOnly(pools: readonly PoolSubject[]): Promise<readonly Finding[]> {
  return (await Promise.all(pools.map(lookAtRunnerOnly))).flat();
}

function looksAt(subject: ConnectionSubject, access: Access, told: Told): readonly Look[] {
  // A connection without pools has nobody whose jobs a webhook could tell of.
  if (subject.pools.length === 0) return [];
  const hooks: Look = {
    place: webhookPlace(subject),
    attempted: "looking at the webhook and its deliveries",
    make: () => lookAtHooks(subject, access),
  };
  const pools = subject.pools.filter((pool) => !isOutOfReach(access, pool));
  if (pools.length === 0) return [hooks];
  const jobs: Look = {
    place: jobsPlace(subject),
    attempted: "reading the open jobs",
    make: () => lookAtJobs(subject, pools, told),
  };
  return [hooks, jobs, ...pools.flatMap((pool) => looksAtPool(subject, access, pool, told))];
}

function looksAtPool(subject: ConnectionSubject, access: Access, pool: PoolSubject, told: Told): readonly Look[] {
  return [
    {
      place: poolPlace(pool, "scope"),
      attempted: "looking at the pool's scope",
      make: () => lookAtReach(subject, access, pool, told),
    },
    {
      place: poolPlace(pool, "runnerGroup"),
      attempted: "looking at the runner groups",
      make: () => lookAtRunnerGroup(subject, pool, told),
    },
    {
      place: poolPlace(pool, "runner"),
      attempted: "asking GitHub about the runner's version",
      make: () => lookAtRunnerVersion(subject, pool, told),
    },
  ];
}
