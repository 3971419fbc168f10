import type { ApiOperation } from "./faults.ts";
import type { Scope } from "./places.ts";
import { NOT_FOUND, type RestAnswer, type RestRequest } from "./rest-answer.ts";
import { isKnownScope } from "./runners.ts";
import type { GitHubState } from "./state.ts";

/** What a call needs to be allowed; by the place that its path names. */
export type Access =
  /** An App by its JWT. */
  | { readonly by: "app" }
  /** A person's token. */
  | { readonly by: "token" }
  | { readonly by: "installation" }
  | { readonly by: "anyone" }
  /** A token, or an installation with the permission. */
  | { readonly by: "permission"; readonly area: Area; readonly level: "read" | "write" };

export type Area = "runners" | "actions" | "metadata" | "hooks";

export interface Route {
  readonly method: string;
  /** Segments; one that begins with a colon matches anything and is passed on under that name. */
  readonly pattern: readonly string[];
  readonly operation: ApiOperation;
  readonly access: Access;
  readonly handle: (call: Call) => RestAnswer;
}

export interface Call {
  readonly state: GitHubState;
  readonly request: RestRequest;
  readonly path: NamedSegments;
  readonly nowMs: number;
}

export type NamedSegments = { readonly [name: string]: string | undefined };

export const ORGANIZATION = ["orgs", ":org"];
export const REPOSITORY = ["repos", ":owner", ":repo"];
export const ENTERPRISE = ["enterprises", ":enterprise"];

/** The named segments, or null if the path is another one (or not decodable). */
export function matchPath(pattern: readonly string[], path: string): NamedSegments | null {
  const segments = path.split("/").slice(1);
  if (segments.length !== pattern.length) return null;
  const named: Record<string, string> = {};
  for (const [index, wanted] of pattern.entries()) {
    const found = segments[index] ?? "";
    if (!wanted.startsWith(":")) {
      if (wanted !== found) return null;
      continue;
    }
    try {
      named[wanted.slice(1)] = decodeURIComponent(found);
    } catch (error) {
      if (error instanceof URIError) return null;
      throw error;
    }
  }
  return named;
}

/** The place that a path is about; null for one that is about none. */
export function scopeOf({ org, owner, repo, enterprise }: NamedSegments): Scope | null {
  if (org !== undefined) return { kind: "organization", organization: org };
  if (enterprise !== undefined) return { kind: "enterprise", enterprise };
  return owner === undefined ? null : { kind: "repository", fullName: `${owner}/${repo}` };
}

export function scoped(handle: (scope: Scope, call: Call) => RestAnswer): Route["handle"] {
  return (call) => {
    const scope = scopeOf(call.path);
    return scope !== null && isKnownScope(call.state, scope) ? handle(scope, call) : NOT_FOUND;
  };
}
