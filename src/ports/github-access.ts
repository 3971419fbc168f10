/** Who we are at GitHub and what we may do there, read without changing anything. */
import type { RegistrationScope } from "../domain/pool.ts";

export type Access =
  | {
      readonly kind: "app";
      readonly slug: string;
      /** As GitHub names them: `{ organization_self_hosted_runners: "write" }`. */
      readonly permissions: Readonly<Record<string, string>>;
      readonly events: readonly string[];
      readonly installations: readonly Installation[];
    }
  | {
      readonly kind: "token";
      readonly login: string;
      /** Of a classic token; null for one that tells no scopes. */
      readonly scopes: readonly string[] | null;
    };

export interface Installation {
  readonly account: string;
  /** What its owner granted, which may be less than the App asks for. */
  readonly permissions: Readonly<Record<string, string>>;
  readonly isSuspended: boolean;
  readonly repositorySelection: "all" | "selected";
}

export interface RunnerGroupAccess {
  readonly name: string;
  /** Whether it takes public repositories, which are kept out unless the group allows them. */
  readonly allowsPublicRepositories: boolean;
}

export interface GitHubAccess {
  /** @throws {GitHubError} */
  describe(): Promise<Access>;
  /** Runner groups of an organization or enterprise; none for a repository. @throws {GitHubError} */
  listRunnerGroups(scope: RegistrationScope): Promise<readonly RunnerGroupAccess[]>;
  /** GitHub's own time minus ours, from its last answer; null until there was one. */
  clockDifferenceMs(): number | null;
}
