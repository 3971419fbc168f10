/** Where things are in GitHub's REST interface, and whose account they belong to. */
import { GitHubError } from "../../domain/errors.ts";
import { type RegistrationScope, scopeKey } from "../../domain/pool.ts";
import type { Account } from "./credentials.ts";

/** A scope, the repository of a job, or the owner of repositories. */
export interface Place {
  /** `/orgs/acme`, `/repos/acme/widgets` or `/enterprises/acme` */
  readonly path: string;
  readonly account: Account;
}

export function placeOfScope(scope: RegistrationScope): Place {
  switch (scope.kind) {
    case "organization":
      return placeAt(`/orgs/${segment(scope.organization)}`, scope.organization);
    case "repository":
      return placeAt(`/repos/${segment(scope.owner)}/${segment(scope.repository)}`, scope.owner);
    case "enterprise":
      // An enterprise and an organization may have the same name; their installations are two.
      return placeAt(`/enterprises/${segment(scope.enterprise)}`, scopeKey(scope));
  }
}

/** @param repository `owner/name` */
export function placeOfRepository(repository: string): Place {
  const [owner = "", name = ""] = repository.split("/");
  return placeOfScope({ kind: "repository", owner, repository: name });
}

/** @param owner an organization, or a user, who is looked up as one where there is no such organization. */
export function placeOfOwner(owner: string): Place {
  const { path, account } = placeAt(`/orgs/${segment(owner)}`, owner);
  return { path, account: { ...account, otherInstallationPath: `/users/${segment(owner)}/installation` } };
}

function placeAt(path: string, owner: string): Place {
  return { path, account: { owner, installationPath: `${path}/installation` } };
}

/** A name that is nothing, or that leads up, would make the path another one. */
function segment(name: string): string {
  if (name === "" || name === "." || name === "..")
    throw new GitHubError("github-invalid", "naming an organization, enterprise or repository: it has no such name");
  return encodeURIComponent(name);
}
