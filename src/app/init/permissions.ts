/**
 * What Holdfast needs to be allowed at GitHub, and nothing beyond: the one list that `holdfast init` asks for, that
 * `holdfast check` compares with, and that docs/guide/github.md shows.
 */
import type { PoolScope } from "../../domain/pool.ts";

export type PermissionLevel = "read" | "write";

export interface AppPermission {
  /** As GitHub's interface and an App's manifest write it. */
  readonly name: "organization_self_hosted_runners" | "administration" | "actions" | "metadata";
  readonly level: PermissionLevel;
  /** As the settings pages show it. */
  readonly title: string;
  readonly purpose: string;
}

type ScopeKind = PoolScope["kind"];

const LEVELS: Readonly<Record<PermissionLevel, string>> = { read: "read-only", write: "read and write" };

const ORGANIZATION_RUNNERS: AppPermission = {
  name: "organization_self_hosted_runners",
  level: "write",
  title: "Organization: Self-hosted runners",
  purpose: "registering runners in an organization",
};

/** GitHub has no narrower permission for a repository's runners. */
const REPOSITORY_RUNNERS: AppPermission = {
  name: "administration",
  level: "write",
  title: "Repository: Administration",
  purpose: "registering runners in a repository",
};

const ACTIONS: AppPermission = {
  name: "actions",
  level: "read",
  title: "Repository: Actions",
  purpose: "reading a job, and the event Workflow job",
};

/** "Re-run a job from a workflow run" takes it to write; only pools with `rerun.lostJobs` do. */
const ACTIONS_FOR_RERUNS: AppPermission = {
  ...ACTIONS,
  level: "write",
  purpose: "reading a job, the event Workflow job, and running lost jobs again (`rerun.lostJobs`)",
};

const METADATA: AppPermission = {
  name: "metadata",
  level: "read",
  title: "Repository: Metadata",
  purpose: "GitHub gives it to every App",
};

/** The events that an App or a webhook is subscribed to. */
export const WEBHOOK_EVENTS = ["workflow_job"] as const;

/**
 * What an App needs for pools of these scopes; the same names and levels count for a fine-grained token. An enterprise's
 * runners add nothing: no App and no fine-grained token can have them (`needsClassicToken`).
 * @param wanted.runsJobsAgain whether a pool of them has `rerun.lostJobs`.
 */
export function permissionsFor(
  scopes: readonly Pick<PoolScope, "kind">[],
  { runsJobsAgain = false }: { readonly runsJobsAgain?: boolean } = {},
): readonly AppPermission[] {
  const kinds = new Set<ScopeKind>(scopes.map(({ kind }) => kind));
  return [
    ...(kinds.has("organization") ? [ORGANIZATION_RUNNERS] : []),
    ...(kinds.has("repositories") ? [REPOSITORY_RUNNERS] : []),
    runsJobsAgain ? ACTIONS_FOR_RERUNS : ACTIONS,
    METADATA,
  ];
}

/** Whether only a classic personal access token will do: GitHub lets nothing else touch an enterprise's runners. */
export function needsClassicToken(scopes: readonly Pick<PoolScope, "kind">[]): boolean {
  return scopes.some(({ kind }) => kind === "enterprise");
}

const CLASSIC_SCOPES: Readonly<Record<ScopeKind, readonly string[]>> = {
  organization: ["admin:org", "repo"],
  repositories: ["repo"],
  enterprise: ["manage_runners:enterprise", "repo"],
};

/** What a classic personal access token needs; `repo` beside an organization's is for private repositories. */
export function classicScopesFor(scopes: readonly Pick<PoolScope, "kind">[]): readonly string[] {
  return [...new Set(scopes.flatMap(({ kind }) => CLASSIC_SCOPES[kind]))];
}

/** @example "Repository: Actions, read-only" */
export function describePermission({ title, level }: Pick<AppPermission, "title" | "level">): string {
  return `${title}, ${LEVELS[level]}`;
}

/** The `default_permissions` of a manifest, and the shape in which GitHub tells what was granted. */
export function asGrants(permissions: readonly AppPermission[]): Readonly<Record<string, PermissionLevel>> {
  return Object.fromEntries(permissions.map(({ name, level }) => [name, level]));
}
