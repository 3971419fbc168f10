/** The addresses of one GitHub: that of its pages and that of its REST interface, each found from the other. */
import type { PoolScope } from "../../domain/pool.ts";
import { isLoopback, parseUrl } from "../config/addresses.ts";

export interface GitHubPlaces {
  /** Of the pages for people. Without a slash at the end, as the other. */
  readonly webUrl: string;
  readonly apiUrl: string;
}

export const GITHUB_URL_DEFAULT = "https://github.com";
const SERVER_API = "/api/v3";

/**
 * @param text the address of either, as a person has it at hand: `https://ghe.acme.com`, `https://acme.ghe.com`,
 * `https://api.github.com`. The scheme may be left out.
 * @returns null where it is not an address, or one that would send credentials unencrypted.
 */
export function parsePlaces(text: string): GitHubPlaces | null {
  const url = parseUrl(text.includes("://") ? text : `https://${text}`);
  if (url === null) return null;
  const { protocol, hostname, host, origin, pathname } = new URL(url);
  // A GitHub on this machine is a simulated one, whose interface may be anywhere.
  if (isLoopback(hostname)) return { webUrl: origin, apiUrl: url };
  if (protocol !== "https:") return null;
  const isApiPath = pathname === SERVER_API;
  if (pathname !== "/" && !isApiPath) return null;
  const bare = host.replace(/^(?:api|www)\./, "");
  if (bare === "github.com" || bare.endsWith(".ghe.com"))
    return isApiPath ? null : { webUrl: `https://${bare}`, apiUrl: `https://api.${bare}` };
  return { webUrl: origin, apiUrl: `${origin}${SERVER_API}` };
}

/** The organization, owner or enterprise that a scope is about; the first owner where there are several. */
export function accountOf(scope: PoolScope): string {
  switch (scope.kind) {
    case "organization":
      return scope.organization;
    case "repositories":
      return scope.repositories[0]?.split("/")[0] ?? "";
    case "enterprise":
      return scope.enterprise;
  }
}

/** @param organization null for the settings of the person who is signed in. */
export function appSettingsUrl({ webUrl }: GitHubPlaces, organization: string | null): string {
  return organization === null ? `${webUrl}/settings/apps` : `${webUrl}/organizations/${organization}/settings/apps`;
}

export function tokenSettingsUrl({ webUrl }: GitHubPlaces): string {
  return `${webUrl}/settings/tokens`;
}

/** Where a webhook is made that is not an App's own. */
export function webhookSettingsUrls({ webUrl }: GitHubPlaces, scope: PoolScope): readonly string[] {
  switch (scope.kind) {
    case "organization":
      return [`${webUrl}/organizations/${scope.organization}/settings/hooks`];
    case "repositories":
      return scope.repositories.map((repository) =>
        repository.endsWith("/*")
          ? `${webUrl}/organizations/${repository.slice(0, -2)}/settings/hooks`
          : `${webUrl}/${repository}/settings/hooks`,
      );
    case "enterprise":
      return [`${webUrl}/enterprises/${scope.enterprise}/settings/hooks`];
  }
}
