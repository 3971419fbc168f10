import { grants, isOn, reachesRepository } from "./apps.ts";
import type { TokenOption } from "./options.ts";
import type { Scope } from "./places.ts";
import type { Credential } from "./quota.ts";
import { traceRepository } from "./repositories.ts";
import { BAD_CREDENTIALS, type Caller, NOT_FOUND, type RestAnswer, refuse } from "./rest-answer.ts";
import type { Access, Area } from "./route.ts";
import type { GitHubState, Installation } from "./state.ts";

/** Who may make which call, and what GitHub says to everybody else. */

const NOT_A_JWT = refuse(401, "A JSON web token could not be decoded");
const NOT_FOR_APPS = refuse(403, "Resource not accessible by integration");
const SUSPENDED = refuse(403, "This installation has been suspended");

/** Whom the call is counted for; null for who did not say, or is not known. */
export function credentialOf(caller: Caller): Credential | null {
  switch (caller.kind) {
    case "anonymous":
    case "refused":
      return null;
    case "token":
      return { name: `token ${caller.token.login}`, described: `user ${caller.token.login}` };
    case "installation":
      return {
        name: `installation ${caller.installation.id}`,
        described: `installation ID ${caller.installation.id}`,
      };
    case "app":
      return { name: `app ${caller.app.id}`, described: `app ID ${caller.app.id}` };
  }
}

/** Null if the credential is good for calls of this kind at all; where, and for what, comes after. */
export function refuseCaller(caller: Caller, access: Access): RestAnswer | null {
  if (access.by === "anyone") return null;
  switch (caller.kind) {
    case "anonymous":
      return BAD_CREDENTIALS;
    case "refused":
      return caller.answer;
    case "app":
      return access.by === "app" ? null : BAD_CREDENTIALS;
    case "token":
      if (access.by === "app") return NOT_A_JWT;
      return access.by === "installation"
        ? refuse(403, "You must authenticate with an installation access token")
        : null;
    case "installation":
      if (access.by === "app") return NOT_A_JWT;
      if (caller.installation.isSuspended) return SUSPENDED;
      return access.by === "token" ? NOT_FOR_APPS : null;
  }
}

/** Null if the caller may do this there. What an installation is not on does not exist for it. */
export function refusePlace(
  state: GitHubState,
  caller: Caller,
  access: Access,
  scope: Scope | null,
): RestAnswer | null {
  if (scope === null || access.by !== "permission") return null;
  if (caller.kind === "token") return refuseToken(caller.token, access.area, scope);
  if (caller.kind !== "installation") return null;
  const { installation } = caller;
  if (!isReached(state, installation, scope)) return NOT_FOUND;
  const permission = permissionFor(access.area, scope);
  if (grants(installation.permissions, permission, access.level)) return null;
  return { ...NOT_FOR_APPS, headers: { "x-accepted-github-permissions": `${permission}=${access.level}` } };
}

function isReached(state: GitHubState, installation: Installation, scope: Scope): boolean {
  switch (scope.kind) {
    case "organization":
      return isOn(installation, scope.organization);
    case "enterprise":
      return isOn(installation, scope.enterprise);
    case "repository": {
      const repository = traceRepository(state, scope.fullName);
      return repository !== undefined && reachesRepository(state, installation, repository);
    }
  }
}

/** GitHub's description of an App's permissions has none for an enterprise's runners: there it takes a token. */
const PERMISSIONS: Readonly<Record<Area, Readonly<Record<Scope["kind"], string>>>> = {
  runners: {
    organization: "organization_self_hosted_runners",
    repository: "administration",
    enterprise: "enterprise_self_hosted_runners",
  },
  actions: { organization: "actions", repository: "actions", enterprise: "actions" },
  metadata: { organization: "metadata", repository: "metadata", enterprise: "metadata" },
  hooks: { organization: "organization_hooks", repository: "repository_hooks", enterprise: "enterprise_hooks" },
};

function permissionFor(area: Area, scope: Scope): string {
  return PERMISSIONS[area][scope.kind];
}

/** What a classic token needs one of. */
const SCOPES: Readonly<Record<Area, Readonly<Record<Scope["kind"], readonly string[]>>>> = {
  runners: { organization: ["admin:org"], repository: ["repo"], enterprise: ["manage_runners:enterprise"] },
  actions: { organization: ["repo"], repository: ["repo"], enterprise: ["repo"] },
  metadata: { organization: [], repository: [], enterprise: [] },
  hooks: { organization: ["admin:org_hook"], repository: ["repo", "admin:repo_hook"], enterprise: [] },
};

/** GitHub's words differ from call to call; only those for a repository are published. */
const LACKING: Readonly<Record<Scope["kind"], string>> = {
  organization: "Must be an organization owner.",
  repository: "Must have admin rights to Repository.",
  enterprise: "Must be an enterprise administrator.",
};

function refuseToken(token: TokenOption, area: Area, scope: Scope): RestAnswer | null {
  const accepted = SCOPES[area][scope.kind];
  if (token.scopes === null || accepted.length === 0 || accepted.some((name) => token.scopes?.includes(name))) {
    return null;
  }
  const refusal = refuse(403, LACKING[scope.kind]);
  return { ...refusal, headers: { "x-accepted-oauth-scopes": accepted.join(", ") } };
}

/** What a classic token says of itself with every answer. */
export function scopeHeaders(caller: Caller): RestAnswer["headers"] {
  return caller.kind === "token" && caller.token.scopes !== null
    ? { "x-oauth-scopes": caller.token.scopes.join(", ") }
    : {};
}

/** An installation that may be used: 403 if it is suspended, 404 if there is none. */
export function findUsable(installations: readonly Installation[], id: number | null): Installation | RestAnswer {
  const installation = installations.find((one) => one.id === id);
  if (installation === undefined) return NOT_FOUND;
  return installation.isSuspended ? SUSPENDED : installation;
}
