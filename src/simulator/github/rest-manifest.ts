import { HOUR_MS } from "../../domain/units.ts";
import { makeApp } from "./apps.ts";
import { setHook } from "./outbox.ts";
import { answer, isObject, NOT_FOUND, type RestAnswer } from "./rest-answer.ts";
import { renderApp } from "./rest-app.ts";
import type { Call, Route } from "./route.ts";
import type { App, GitHubState } from "./state.ts";

/** How an App comes to be: from a manifest, by way of GitHub's page and a code that is good once. */

const MANIFEST_LIFE_MS = HOUR_MS;

/** What the page for a new App does when its button is pressed. Returns the code that becomes the App, once. */
export function acceptManifest(
  state: GitHubState,
  manifest: { readonly [key: string]: unknown },
  owner: string,
  nowMs: number,
): string {
  const code = state.options.ids.uuid().replaceAll("-", "");
  state.manifests.set(code, { manifest, owner, createdAtMs: nowMs });
  return code;
}

function answerConvertManifest({ state, path, nowMs }: Call): RestAnswer {
  const code = path.code ?? "";
  const pending = state.manifests.get(code);
  state.manifests.delete(code);
  if (pending === undefined || nowMs - pending.createdAtMs > MANIFEST_LIFE_MS) return NOT_FOUND;
  const { publicKey, privateKey } = state.options.createKeyPair();
  const app = makeApp(state, pending.manifest, pending.owner, publicKey);
  const secret = () => state.options.ids.uuid().replaceAll("-", "");
  const webhookSecret = makeAppHook(state, app, pending.manifest, secret(), nowMs);
  return answer(201, {
    ...renderApp(state, app),
    client_secret: secret(),
    webhook_secret: webhookSecret,
    pem: privateKey,
  });
}

/** The hook of the manifest, if it has one. Returns its secret. */
function makeAppHook(
  state: GitHubState,
  app: App,
  manifest: { readonly [key: string]: unknown },
  secret: string,
  nowMs: number,
): string | null {
  const hook = manifest.hook_attributes;
  if (!isObject(hook) || typeof hook.url !== "string") return null;
  const target = {
    url: hook.url,
    secret,
    events: app.events,
    contentType: "json",
    isCertificateChecked: true,
  } as const;
  setHook(state, { kind: "app", appId: app.id }, { ...target, isActive: hook.active !== false }, nowMs);
  return secret;
}

export const MANIFEST_ROUTES: readonly Route[] = [
  {
    method: "POST",
    pattern: ["app-manifests", ":code", "conversions"],
    operation: "convert-manifest",
    access: { by: "anyone" },
    handle: answerConvertManifest,
  },
];
