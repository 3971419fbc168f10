/** The GitHub App as GitHub is asked to register it: docs.github.com, "Registering a GitHub App from a manifest". */

import { asGrants, type PermissionLevel, permissionsFor, WEBHOOK_EVENTS } from "./permissions.ts";
import { accountOf, appSettingsUrl } from "./places.ts";
import { type InitSettings, WEBHOOK_PATH } from "./settings.ts";

/** GitHub refuses longer names. */
const APP_NAME_LENGTH_MAX = 34;

export interface AppManifest {
  readonly name: string;
  readonly url: string;
  readonly hook_attributes: { readonly url: string; readonly active: boolean };
  readonly redirect_url: string;
  readonly public: false;
  readonly default_permissions: Readonly<Record<string, PermissionLevel>>;
  readonly default_events: readonly string[];
}

export type AppSettings = Pick<InitSettings, "controllerId" | "github" | "scope" | "webhooksUrl">;

/** @param redirectUrl where the browser comes back to, with the code. */
export function buildManifest(
  { controllerId, github, scope, webhooksUrl }: AppSettings,
  redirectUrl: string,
): AppManifest {
  const homepage = `${github.webUrl}/${accountOf(scope)}`;
  return {
    name: `holdfast-${controllerId}`.slice(0, APP_NAME_LENGTH_MAX).replace(/-+$/, ""),
    url: webhooksUrl ?? homepage,
    // GitHub wants an address of a webhook that is off, too.
    hook_attributes:
      webhooksUrl === null ? { url: homepage, active: false } : { url: `${webhooksUrl}${WEBHOOK_PATH}`, active: true },
    redirect_url: redirectUrl,
    public: false,
    default_permissions: asGrants(permissionsFor([scope])),
    default_events: webhooksUrl === null ? [] : WEBHOOK_EVENTS,
  };
}

/** The page at GitHub that the manifest is posted to; `state` comes back with the code. */
export function manifestPageUrl({ github, scope }: AppSettings, isPersonal: boolean, state: string): string {
  return `${appSettingsUrl(github, isPersonal ? null : accountOf(scope))}/new?state=${encodeURIComponent(state)}`;
}
