/** What the pools of a connection need to be allowed, compared with what the App or the token has. Pure. */
import type { Access, Installation } from "../../ports/github-access.ts";
import type { ConnectionConfig } from "../config/config.ts";
import { type AppPermission, classicScopesFor, describePermission, permissionsFor } from "../init/permissions.ts";
import { type Finding, failure, listOf, ok, warning } from "./finding.ts";
import { authPlace, isSameName, ownersOf, type PoolSubject } from "./subject.ts";

type AppAccess = Access & { readonly kind: "app" };

/** What is lacking, and where: null is the whole App or token. */
export interface Lack {
  readonly account: string | null;
  readonly permission: AppPermission["name"];
}

export interface Judged {
  readonly findings: readonly Finding[];
  readonly lacks: readonly Lack[];
}

const LEVEL_RANKS: Readonly<Record<string, number>> = { read: 1, write: 2, admin: 3 };

function allows(granted: Readonly<Record<string, string>>, { name, level }: AppPermission): boolean {
  // GitHub gives it to every App, whether it says so or not.
  if (name === "metadata") return true;
  const given = Object.hasOwn(granted, name) ? granted[name] : undefined;
  return (LEVEL_RANKS[given ?? ""] ?? 0) >= (LEVEL_RANKS[level] ?? 0);
}

export function judgePermissions(access: Access, config: ConnectionConfig, pools: readonly PoolSubject[]): Judged {
  return access.kind === "app" ? judgeApp(access, config, pools) : judgeToken(access.scopes, config, pools);
}

function neededBy(pools: readonly PoolSubject[]): readonly AppPermission[] {
  return permissionsFor(
    pools.map(({ policy }) => policy.scope),
    { runsJobsAgain: pools.some(({ policy }) => policy.rerun !== null) },
  );
}

function judgeApp(app: AppAccess, config: ConnectionConfig, pools: readonly PoolSubject[]): Judged {
  const place = authPlace({ config });
  const needed = neededBy(pools);
  const unasked = needed.filter((permission) => !allows(app.permissions, permission));
  const findings = unasked.map((permission) =>
    failure(
      place,
      `the App ${app.slug} lacks the permission ${describePermission(permission)}: ${permission.purpose}`,
      `Add it on the App's settings page under "Permissions & events"; then an owner of each account where it is installed has to accept it.`,
      "github-forbidden",
    ),
  );
  const asked = needed.filter((permission) => !unasked.includes(permission));
  const ofAccounts = app.installations.map((installation) => judgeInstallation(installation, asked, config, pools));
  const lacks = [
    ...unasked.map(({ name }): Lack => ({ account: null, permission: name })),
    ...ofAccounts.flatMap((judged) => judged.lacks),
  ];
  const told = [...findings, ...judgeEnterprise(config, pools), ...ofAccounts.flatMap((judged) => judged.findings)];
  if (told.length > 0) return { findings: told, lacks };
  const names = needed.map(describePermission).join("; ");
  return { findings: [ok(place, `it has what its pools need: ${names}`)], lacks };
}

/** An owner grants what the App asked for at that moment; what it asks for later waits until it is accepted. */
function judgeInstallation(
  { account, permissions, isSuspended }: Installation,
  asked: readonly AppPermission[],
  config: ConnectionConfig,
  pools: readonly PoolSubject[],
): Judged {
  const own = pools.filter((pool) => ownersOf(pool).some(({ owner }) => isSameName(owner, account)));
  if (own.length === 0 || isSuspended) return { findings: [], lacks: [] };
  // What another account's pools need more of is no matter here.
  const askedNames = new Set(asked.map(({ name }) => name));
  const refused = neededBy(own).filter(
    (permission) => askedNames.has(permission.name) && !allows(permissions, permission),
  );
  const text = `${account} has granted the App less than it asks for: ${refused.map(describePermission).join("; ")}`;
  const mend = `Let an owner of ${account} accept the new permissions: Settings, GitHub Apps, Configure, "Review request".`;
  return {
    findings: refused.length === 0 ? [] : [failure(authPlace({ config }), text, mend, "github-forbidden")],
    lacks: refused.map(({ name }) => ({ account, permission: name })),
  };
}

/** GitHub lets no App touch an enterprise's runners. */
function judgeEnterprise(config: ConnectionConfig, pools: readonly PoolSubject[]): readonly Finding[] {
  const names = pools.filter(({ policy }) => policy.scope.kind === "enterprise").map(({ policy }) => policy.name);
  if (names.length === 0) return [];
  const text = `no App may register runners in an enterprise, as the scope of ${listOf(names)} wants it`;
  const mend = `Give the pool a connection with a classic token of the scope manage_runners:enterprise, or a pool for each organization.`;
  return [failure(authPlace({ config }), text, mend, "github-forbidden")];
}

/** A wider scope holds the narrower one. */
const WIDER: Readonly<Record<string, readonly string[]>> = {
  "admin:org": ["manage_runners:org"],
  "manage_runners:enterprise": ["admin:enterprise"],
};

function holds(scopes: readonly string[], wanted: string): boolean {
  return [wanted, ...(WIDER[wanted] ?? [])].some((name) => scopes.includes(name));
}

function judgeToken(scopes: readonly string[] | null, config: ConnectionConfig, pools: readonly PoolSubject[]): Judged {
  const place = authPlace({ config });
  const kinds = pools.map(({ policy }) => policy.scope);
  if (scopes === null) return { findings: [describeFineGrained(config, pools)], lacks: [] };
  const missing = classicScopesFor(kinds).filter((scope) => !holds(scopes, scope));
  const needsRepo = pools.some(({ policy }) => policy.scope.kind === "repositories" || policy.rerun !== null);
  const findings = missing.map((scope) => {
    const mend = `Give the token the scope ${scope} under Settings, Developer settings, Personal access tokens.`;
    return scope === "repo" && !needsRepo
      ? warning(place, "the token has not the scope repo: jobs of private repositories cannot be read", mend)
      : failure(place, `the token has not the scope ${scope}`, mend, "github-forbidden");
  });
  if (findings.length === 0) return { findings: [ok(place, "the token's scopes are what its pools need")], lacks: [] };
  return { findings, lacks: missing.flatMap(lacksOfScope) };
}

function lacksOfScope(scope: string): readonly Lack[] {
  switch (scope) {
    case "repo":
      return [
        { account: null, permission: "administration" },
        { account: null, permission: "actions" },
      ];
    default:
      return [{ account: null, permission: "organization_self_hosted_runners" }];
  }
}

function describeFineGrained(config: ConnectionConfig, pools: readonly PoolSubject[]): Finding {
  const place = authPlace({ config });
  const kinds = pools.map(({ policy }) => policy.scope);
  if (kinds.some(({ kind }) => kind === "enterprise")) {
    const mend = `Use a classic token of the scope manage_runners:enterprise in \`github.${config.name}.token.file\`.`;
    const text = "GitHub tells no scopes of this token; only a classic token may register runners in an enterprise";
    return warning(place, text, mend);
  }
  const names = neededBy(pools).map(describePermission).join("; ");
  return ok(place, `GitHub tells no scopes of this token, reading was tried instead; to write it needs: ${names}`);
}
