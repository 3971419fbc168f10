/** What a simulated GitHub is told of its world before it begins. */

export interface KeyPair {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** A personal access token. */
export interface TokenOption {
  readonly token: string;
  readonly login: string;
  /** Of a classic token; null for a fine-grained one, which tells none and may do everything here. */
  readonly scopes: readonly string[] | null;
}

export interface RunnerGroup {
  readonly id: number;
  readonly name: string;
  /** Full names, or all repositories of the organization. */
  readonly repositories: "all" | readonly string[];
  /** Public repositories are kept out unless this says so. */
  readonly allowsPublicRepositories?: boolean;
}

export interface EnterpriseRunnerGroup {
  readonly id: number;
  readonly name: string;
  /** Names, or all organizations of the enterprise. */
  readonly organizations: "all" | readonly string[];
  readonly allowsPublicRepositories?: boolean;
}

export interface Enterprise {
  readonly slug: string;
  readonly organizations: readonly string[];
  /** `Default` alone, for every organization, unless given. */
  readonly runnerGroups?: readonly EnterpriseRunnerGroup[];
}

/** ISO 8601, as REST tells it. */
export interface RunnerDeprecation {
  readonly registration_deprecates_at?: string;
  readonly runtime_deprecates_at?: string;
}

/** By GitHub's names: `{ actions: "read" }`. */
export type Permissions = { readonly [name: string]: string };

/** An App, which nobody signs for but the holder of its key. */
export interface AppOption {
  readonly id: number;
  readonly slug: string;
  /** PEM. Without it the signature of a JWT is not checked. */
  readonly publicKey?: string;
  readonly permissions?: Permissions;
  /** `workflow_job` alone unless given. */
  readonly events?: readonly string[];
  readonly installations: readonly InstallationOption[];
}

export interface InstallationOption {
  readonly id: number;
  /** An organization, a user, or an enterprise by its slug. */
  readonly account: string;
  readonly repositorySelection?: "all" | "selected";
  /** Full names; only where they are selected. */
  readonly repositories?: readonly string[];
  /** What the owner granted, where it is not what the App asks for. */
  readonly permissions?: Permissions;
  readonly isSuspended?: boolean;
}

/** Everything that a classic token can be asked for here. */
export const ALL_SCOPES = ["repo", "admin:org", "admin:org_hook", "admin:repo_hook", "manage_runners:enterprise"];

export const DEFAULT_PERMISSIONS: Permissions = {
  actions: "read",
  metadata: "read",
  administration: "write",
  organization_self_hosted_runners: "write",
};
