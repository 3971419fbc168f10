/** Whether each pool's organization, repositories or enterprise can be seen, and the runners there be read. */
import { mapParallel } from "../../adapters/process/parallel.ts";
import { ERRORS, type ErrorCode } from "../../domain/errors.ts";
import type { RegistrationScope } from "../../domain/pool.ts";
import type { Access } from "../../ports/github-access.ts";
import { type Finding, failure, listOf, ok, type Place, warning } from "./finding.ts";
import { findInstallation } from "./installations.ts";
import {
  type ConnectionSubject,
  describeScope,
  isPattern,
  isSameName,
  namedScopes,
  ownerOfScope,
  type PoolSubject,
  poolPlace,
  repositoryScope,
  type ScopeSubject,
  type Told,
} from "./subject.ts";

/** More repositories of one pool than that are not tried one by one. */
const TRIED_COUNT_MAX = 20;
const PARALLEL_COUNT = 4;
/** A name that no runner has: whether it may be looked for is the answer. */
const TRIED_NAME = "holdfast-check";

/** Reads what a pool would write to, in each of its scopes. @throws {GitHubError} */
export async function lookAtReach(
  subject: ConnectionSubject,
  access: Access,
  pool: PoolSubject,
  told: Told,
): Promise<readonly Finding[]> {
  const unselected = await lookAtSelection(subject, access, pool);
  const skipped = new Set(unselected.map(({ path }) => path));
  const scopes = (await scopesToTry(subject, pool, told)).filter(({ path }) => !skipped.has(path));
  const tried = await mapParallel(scopes.slice(0, TRIED_COUNT_MAX), PARALLEL_COUNT, async (one) => ({
    ...one,
    observed: await subject.connection.github.findRunner(one.scope, TRIED_NAME),
  }));
  const place = poolPlace(pool, "scope");
  const readable = tried.filter(({ observed }) => observed.kind !== "unknown").map(({ scope }) => describeScope(scope));
  const refused = tried.flatMap(({ scope, path, observed }) =>
    observed.kind !== "unknown" || told.isTold(observed.code, scope, "runners")
      ? []
      : [describeRefusedScope(observed.code, scope, { area: place.area, path })],
  );
  const sound = readable.length === 0 ? [] : [ok(place, `its runners can be read: ${listOf(readable)}`)];
  return [...sound, ...unselected, ...refused];
}

/** Repositories that a pool names, where the App is installed for some repositories only and not for them. */
async function lookAtSelection(
  subject: ConnectionSubject,
  access: Access,
  pool: PoolSubject,
): Promise<readonly Finding[]> {
  if (access.kind === "token" || pool.policy.scope.kind !== "repositories") return [];
  const findings: Finding[] = [];
  for (const [index, pattern] of pool.policy.scope.repositories.entries()) {
    const [owner = ""] = pattern.split("/");
    const installation = findInstallation(access.installations, owner);
    if (isPattern(pattern) || installation?.repositorySelection !== "selected" || installation.isSuspended) continue;
    const selected = await subject.listRepositories(owner);
    if (selected.some((name) => isSameName(name, pattern))) continue;
    const text = `the App is installed in ${owner} for selected repositories, and ${pattern} is not among them`;
    const mend = `Add it under the settings of ${owner}, GitHub Apps, Configure, "Repository access"; or correct its name.`;
    findings.push(failure(poolPlace(pool, `scope.repositories[${index}]`), text, mend, "github-not-installed"));
  }
  return findings;
}

/** Of `acme/*` one repository stands for all. Nothing is asked about owners where nothing can be. */
async function scopesToTry(
  subject: ConnectionSubject,
  pool: PoolSubject,
  { isBlocked }: Told,
): Promise<readonly ScopeSubject[]> {
  const scopes = namedScopes(pool).filter(({ scope }) => {
    const owner = ownerOfScope(scope);
    return owner === null || !isBlocked(owner);
  });
  if (pool.policy.scope.kind !== "repositories") return scopes;
  const stand: ScopeSubject[] = [];
  for (const [index, pattern] of pool.policy.scope.repositories.entries()) {
    const owner = pattern.slice(0, -"/*".length);
    if (!isPattern(pattern) || isBlocked(owner)) continue;
    const [first] = await subject.listRepositories(owner);
    if (first !== undefined)
      stand.push({ scope: repositoryScope(first), path: `${pool.path}.scope.repositories[${index}]` });
  }
  return [...scopes, ...stand];
}

/** Where to ask for what is the same in all of a pool's scopes; null where there is nothing yet. */
export async function findAnyScope(
  subject: ConnectionSubject,
  pool: PoolSubject,
  told: Told,
): Promise<RegistrationScope | null> {
  return (await scopesToTry(subject, pool, told))[0]?.scope ?? null;
}

function describeRefusedScope(code: ErrorCode, scope: RegistrationScope, place: Place): Finding {
  const name = describeScope(scope);
  const { sentence, mend } = ERRORS[code];
  switch (code) {
    case "github-not-found":
    case "github-not-installed":
      return failure(
        place,
        `${name} cannot be found: it is misspelt, was renamed, or these credentials may not see it`,
        "Correct the scope, or let the credentials see it: the App's installation, or the token's access.",
        code,
      );
    case "github-forbidden":
    case "github-unauthorized":
    case "github-suspended":
      return failure(place, `reading the runners of ${name} is not permitted`, mend, code);
    default:
      return warning(place, `${name} could not be looked at. ${sentence}`, "Run `holdfast check` again.", code);
  }
}
