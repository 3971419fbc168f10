import { DEFAULT_PERMISSIONS, type Permissions } from "./options.ts";
import type { Repository } from "./places.ts";
import { isSameName, traceRepository } from "./repositories.ts";
import type { App, GitHubState, Installation } from "./state.ts";

/** Apps and where they are installed. */

/** The App that there is unless told otherwise, or the first of those that there are. */
export function firstApp(state: GitHubState): App {
  const [app] = state.apps.values();
  if (app === undefined) throw new Error("asking for the first App where there is none");
  return app;
}

export function findInstallation(app: App, account: string): Installation | undefined {
  return app.installations.find((installation) => isOn(installation, account));
}

/** Whether the installation is on that account: an organization's or user's name, or an enterprise's. */
export function isOn(installation: Installation, account: string): boolean {
  return installation.account === null || isSameName(installation.account, account);
}

export function reachesRepository(state: GitHubState, installation: Installation, repository: Repository): boolean {
  if (!isOn(installation, repository.owner)) return false;
  if (installation.repositorySelection === "all") return true;
  return installation.repositories.some((fullName) => traceRepository(state, fullName) === repository);
}

/** Whether what was granted includes what is asked; `write` includes `read`. */
export function grants(permissions: Permissions, name: string, level: "read" | "write"): boolean {
  const granted = permissions[name];
  return granted === "admin" || granted === "write" || (granted === "read" && level === "read");
}

export interface InstallationChange {
  readonly isSuspended?: boolean;
  /** Its tokens are worth nothing from then on. */
  readonly isRemoved?: boolean;
  readonly permissions?: Permissions;
}

/** Changes what an owner may change. An installation on every account is one installation, whichever account is named. */
export function setInstallation(state: GitHubState, appId: number, account: string, change: InstallationChange): void {
  const app = state.apps.get(appId);
  const installation = app === undefined ? undefined : findInstallation(app, account);
  if (app === undefined || installation === undefined) {
    throw new Error(`changing the installation of App ${appId} on ${account}, which there is not`);
  }
  if (change.isRemoved === true) app.installations.splice(app.installations.indexOf(installation), 1);
  installation.isSuspended = change.isSuspended ?? installation.isSuspended;
  installation.permissions = change.permissions ?? installation.permissions;
}

/** Installs an App with all that it asks for. @returns the installation's id */
export function installApp(
  state: GitHubState,
  appId: number,
  account: string,
  repositories: "all" | readonly string[] = "all",
): number {
  const app = state.apps.get(appId);
  if (app === undefined) throw new Error(`installing App ${appId}, which there is not`);
  if (findInstallation(app, account) !== undefined) throw new Error(`installing App ${appId} on ${account} again`);
  const id = state.options.ids.number("installation");
  app.installations.push({
    id,
    appId,
    account,
    repositorySelection: repositories === "all" ? "all" : "selected",
    repositories: repositories === "all" ? [] : repositories,
    permissions: app.permissions,
    isSuspended: false,
  });
  return id;
}

/** An App as the form describes it: installed nowhere. */
export function makeApp(
  state: GitHubState,
  manifest: { readonly [key: string]: unknown },
  owner: string,
  publicKey: string,
): App {
  const id = state.options.ids.number("app");
  const name = typeof manifest.name === "string" ? manifest.name : `app-${id}`;
  const app: App = {
    id,
    slug: name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, ""),
    name,
    clientId: `Iv23li${id}`,
    owner,
    publicKey,
    permissions: readPermissions(manifest.default_permissions),
    events: Array.isArray(manifest.default_events) ? manifest.default_events.map(String) : [],
    installations: [],
  };
  state.apps.set(id, app);
  return app;
}

/** GitHub gives every App the permission to read metadata. */
function readPermissions(value: unknown): Permissions {
  const metadata = { metadata: DEFAULT_PERMISSIONS.metadata ?? "read" };
  if (typeof value !== "object" || value === null) return metadata;
  const named = Object.entries(value).map(([name, level]) => [name, String(level)] as const);
  return { ...Object.fromEntries(named), ...metadata };
}
