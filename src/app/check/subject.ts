/** What is checked: a connection with its pools, and the places of the configuration that findings name. */
import type { ErrorCode } from "../../domain/errors.ts";
import type { PoolPolicy, RegistrationScope } from "../../domain/pool.ts";
import type { Clock } from "../../ports/clock.ts";
import type { GitHubConnection } from "../../ports/github.ts";
import type { ConnectionConfig } from "../config/config.ts";
import type { Place } from "./finding.ts";

export interface PoolSubject {
  readonly policy: PoolPolicy;
  /** `pools[0]`. */
  readonly path: string;
  /** Asked of the provider; null where it cannot tell. */
  readonly readRunnerVersion: () => Promise<string | null>;
}

export interface ConnectionSubject {
  readonly config: ConnectionConfig;
  readonly connection: GitHubConnection;
  readonly pools: readonly PoolSubject[];
  /** `urls.webhooks` of the configuration. */
  readonly webhooksUrl: string;
  readonly clock: Clock;
  /** An owner's repositories, or with null all that can be reached; asked once whoever wants them. */
  readonly listRepositories: (owner: string | null) => Promise<readonly string[]>;
}

/** What was found out before, so that no look says it again. */
export interface Told {
  /** Whether nothing can be asked about this account. */
  isBlocked(owner: string): boolean;
  /** Whether a refusal comes of what was told: a missing installation or permission. */
  isTold(code: ErrorCode, scope: RegistrationScope, permission: "runners" | "actions"): boolean;
}

/** @param key below the connection's, as in `app.privateKeyFile`; the connection itself without it. */
export function connectionPlace({ config }: Pick<ConnectionSubject, "config">, key?: string): Place {
  const path = `github.${config.name}${key === undefined ? "" : `.${key}`}`;
  return { area: `connection ${config.name}`, path };
}

export function authPlace(subject: Pick<ConnectionSubject, "config">): Place {
  return connectionPlace(subject, subject.config.auth.kind);
}

export function poolPlace({ policy, path }: Pick<PoolSubject, "policy" | "path">, key: string): Place {
  return { area: `pool ${policy.name}`, path: `${path}.${key}` };
}

export interface ScopeSubject {
  readonly scope: RegistrationScope;
  /** `pools[0].scope.repositories[1]`. */
  readonly path: string;
}

/** Where a pool registers, as far as its configuration names it; of `acme/*` only GitHub knows the repositories. */
export function namedScopes({ policy, path }: PoolSubject): readonly ScopeSubject[] {
  const { scope } = policy;
  switch (scope.kind) {
    case "organization":
    case "enterprise":
      return [{ scope, path: `${path}.scope.${scope.kind}` }];
    case "repositories":
      return scope.repositories.flatMap((pattern, index) =>
        isPattern(pattern) ? [] : [{ scope: repositoryScope(pattern), path: `${path}.scope.repositories[${index}]` }],
      );
  }
}

export function repositoryScope(repository: string): RegistrationScope & { readonly kind: "repository" } {
  const [owner = "", name = ""] = repository.split("/");
  return { kind: "repository", owner, repository: name };
}

export function isPattern(repository: string): boolean {
  return repository.endsWith("/*");
}

export interface OwnerSubject {
  readonly owner: string;
  readonly path: string;
}

/** The organizations and users whose repositories a pool serves; none for an enterprise, which names none. */
export function ownersOf({ policy, path }: PoolSubject): readonly OwnerSubject[] {
  const { scope } = policy;
  switch (scope.kind) {
    case "organization":
      return [{ owner: scope.organization, path: `${path}.scope.organization` }];
    case "enterprise":
      return [];
    case "repositories": {
      const first = new Map<string, OwnerSubject>();
      for (const [index, pattern] of scope.repositories.entries()) {
        const [owner = ""] = pattern.split("/");
        if (!first.has(owner.toLowerCase()))
          first.set(owner.toLowerCase(), { owner, path: `${path}.scope.repositories[${index}]` });
      }
      return [...first.values()];
    }
  }
}

/** The organization, the owner, or null for an enterprise. */
export function ownerOfScope(scope: RegistrationScope): string | null {
  switch (scope.kind) {
    case "organization":
      return scope.organization;
    case "repository":
      return scope.owner;
    case "enterprise":
      return null;
  }
}

export function describeScope(scope: RegistrationScope): string {
  switch (scope.kind) {
    case "organization":
      return `the organization ${scope.organization}`;
    case "repository":
      return `the repository ${scope.owner}/${scope.repository}`;
    case "enterprise":
      return `the enterprise ${scope.enterprise}`;
  }
}

export function isSameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
