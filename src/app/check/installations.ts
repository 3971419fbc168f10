/** Whether the App is installed where the pools are, and what of their trouble is told by that. Pure. */
import { ERRORS } from "../../domain/errors.ts";
import type { RegistrationScope } from "../../domain/pool.ts";
import type { Access, Installation } from "../../ports/github-access.ts";
import type { ConnectionConfig } from "../config/config.ts";
import { type Finding, failure, listOf, type Place } from "./finding.ts";
import type { Lack } from "./permissions.ts";
import { isSameName, ownerOfScope, ownersOf, type PoolSubject, type Told } from "./subject.ts";

/** Whether nothing can be asked about an account: the App is not installed there, or suspended. */
function isBlocked(access: Access, owner: string): boolean {
  return access.kind === "app" && findInstallation(access.installations, owner)?.isSuspended !== false;
}

/** Whether nothing of a pool can be asked. */
export function isOutOfReach(access: Access, pool: PoolSubject): boolean {
  if (pool.policy.scope.kind === "enterprise") return access.kind === "app";
  return ownersOf(pool).every(({ owner }) => isBlocked(access, owner));
}

export function findInstallation(installations: readonly Installation[], owner: string): Installation | undefined {
  return installations.find(({ account }) => isSameName(account, owner));
}

/** Pure: the App's installations against the owners that the pools name. */
export function judgeInstallations(
  access: Access,
  config: ConnectionConfig,
  pools: readonly PoolSubject[],
): readonly Finding[] {
  if (access.kind === "token") return [];
  return pools.flatMap((pool) =>
    ownersOf(pool).flatMap(({ owner, path }) => {
      const place = { area: `pool ${pool.policy.name}`, path };
      const installation = findInstallation(access.installations, owner);
      if (installation === undefined) return [describeNotInstalled(access, owner, config, place)];
      return installation.isSuspended ? [describeSuspended(access, owner, place)] : [];
    }),
  );
}

function describeNotInstalled(
  { slug, installations }: Access & { readonly kind: "app" },
  owner: string,
  config: ConnectionConfig,
  place: Place,
): Finding {
  const accounts = installations.map(({ account }) => account);
  const elsewhere = accounts.length === 0 ? "it is installed nowhere" : `it is installed in ${listOf(accounts)}`;
  const mend = `Install it in ${owner} from the App's settings page, "Install App"; or correct the scope, if ${owner} is misspelt, was renamed or belongs to another connection than \`${config.name}\`.`;
  return failure(place, `the App ${slug} is not installed in ${owner}: ${elsewhere}`, mend, "github-not-installed");
}

function describeSuspended({ slug }: Access & { readonly kind: "app" }, owner: string, place: Place): Finding {
  const { mend } = ERRORS["github-suspended"];
  return failure(place, `the installation of the App ${slug} in ${owner} is suspended`, mend, "github-suspended");
}

/** What needs no second word, because the installation or the permission is known to be missing. */
export function tellOnce(access: Access, lacks: readonly Lack[]): Told {
  return {
    isBlocked: (owner) => isBlocked(access, owner),
    isTold: (code, scope, permission) => {
      const owner = ownerOfScope(scope);
      if (owner !== null && isBlocked(access, owner)) return true;
      if (code !== "github-forbidden" && code !== "github-not-found") return false;
      const name = permission === "actions" ? "actions" : runnerPermission(scope);
      const isOf = ({ account }: Lack) => account === null || (owner !== null && isSameName(account, owner));
      return lacks.some((lack) => lack.permission === name && isOf(lack));
    },
  };
}

function runnerPermission({ kind }: RegistrationScope): Lack["permission"] {
  return kind === "repository" ? "administration" : "organization_self_hosted_runners";
}
