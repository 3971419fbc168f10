/** Where things are in GitHub's REST interface, and whose account they belong to. */
import { GitHubError } from "../../domain/errors.ts";
import type { RegistrationScope } from "../../domain/pool.ts";
import type { Account } from "./credentials.ts";

/** A scope, or the repository of a job. */
export interface Place {
  /** `/orgs/acme` or `/repos/acme/widgets` */
  readonly path: string;
  readonly account: Account;
}

export function placeOfScope(scope: RegistrationScope): Place {
  return scope.kind === "organization"
    ? placeAt(`/orgs/${segment(scope.organization)}`, scope.organization)
    : placeAt(`/repos/${segment(scope.owner)}/${segment(scope.repository)}`, scope.owner);
}

/** @param repository `owner/name` */
export function placeOfRepository(repository: string): Place {
  const [owner = "", name = ""] = repository.split("/");
  return placeOfScope({ kind: "repository", owner, repository: name });
}

function placeAt(path: string, owner: string): Place {
  return { path, account: { owner, installationPath: `${path}/installation` } };
}

/** A name that is nothing, or that leads up, would make the path another one. */
function segment(name: string): string {
  if (name === "" || name === "." || name === "..")
    throw new GitHubError("github-invalid", "naming an organization or a repository: it has no such name");
  return encodeURIComponent(name);
}
