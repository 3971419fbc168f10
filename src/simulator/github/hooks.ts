import { createHmac } from "node:crypto";
import { findInstallation, reachesRepository } from "./apps.ts";
import type { Delivery, Hook } from "./delivery.ts";
import { formatInstant } from "./instant.ts";
import { type Json, renderSender } from "./owner-payloads.ts";
import type { Repository } from "./places.ts";
import { isSameName } from "./repositories.ts";
import type { GitHubState, Installation } from "./state.ts";

/** Who is told of what, and what a delivery looks like on the wire. */

export function findSubscribed(state: GitHubState, repository: Repository, event: string): readonly Hook[] {
  return [...state.hooks.values()].filter(
    (hook) => hook.target.isActive && hook.target.events.includes(event) && isWatching(state, hook, repository, event),
  );
}

function isWatching(state: GitHubState, hook: Hook, repository: Repository, event: string): boolean {
  const { place } = hook;
  switch (place.kind) {
    case "organization":
      return isSameName(place.organization, repository.owner);
    case "repository":
      return isSameName(place.fullName, repository.fullName);
    case "app": {
      const isSubscribed = state.apps.get(place.appId)?.events.includes(event) === true;
      return isSubscribed && installationBehind(state, hook, repository)?.isSuspended === false;
    }
  }
}

/** The installation by which an App's hook learns of a repository. */
export function installationBehind(state: GitHubState, hook: Hook, repository: Repository): Installation | undefined {
  const app = hook.place.kind === "app" ? state.apps.get(hook.place.appId) : undefined;
  if (app === undefined) return undefined;
  const installation = findInstallation(app, repository.owner);
  return installation !== undefined && reachesRepository(state, installation, repository) ? installation : undefined;
}

/** Where REST has the hook, below the base of REST. */
export function pathOf(hook: Hook): string {
  const { place } = hook;
  switch (place.kind) {
    case "app":
      return "/app/hook";
    case "organization":
      return `/orgs/${place.organization}/hooks/${hook.id}`;
    case "repository":
      return `/repos/${place.fullName}/hooks/${hook.id}`;
  }
}

export function renderConfiguration(hook: Hook): Json {
  const { url, contentType, isCertificateChecked } = hook.target;
  return { content_type: contentType, insecure_ssl: isCertificateChecked ? "0" : "1", secret: "********", url };
}

const TYPES = { app: "App", organization: "Organization", repository: "Repository" } as const;

export function renderHook(state: GitHubState, hook: Hook): Json {
  const created = formatInstant(hook.createdAtMs);
  const url = `${state.apiUrl}${pathOf(hook)}`;
  const { place } = hook;
  return {
    type: TYPES[place.kind],
    id: hook.id,
    name: "web",
    active: hook.target.isActive,
    events: hook.target.events,
    config: renderConfiguration(hook),
    updated_at: created,
    created_at: created,
    deliveries_url: `${url}/deliveries`,
    ...(place.kind === "app" ? { app_id: place.appId } : { url, ping_url: `${url}/pings` }),
    ...(place.kind === "repository" ? { test_url: `${url}/test`, last_response: UNUSED } : {}),
  };
}

const UNUSED = { code: null, status: "unused", message: null };

export function renderPing(state: GitHubState, hook: Hook): string {
  return JSON.stringify({
    zen: "Keep it logically awesome.",
    hook_id: hook.id,
    hook: renderHook(state, hook),
    sender: renderSender(state),
  });
}

/** The bytes of a delivery's body. */
export function renderBody(hook: Hook, delivery: Delivery): string {
  const json = delivery.render();
  return hook.target.contentType === "json" ? json : new URLSearchParams({ payload: json }).toString();
}

const TARGET_TYPES = { app: "integration", organization: "organization", repository: "repository" } as const;
const CONTENT_TYPES = { json: "application/json", form: "application/x-www-form-urlencoded" } as const;

export function headersOf(hook: Hook, delivery: Delivery, body: string): { readonly [name: string]: string } {
  const { place, target } = hook;
  const targetId = place.kind === "app" ? place.appId : (delivery.repository?.id ?? hook.id);
  return {
    Accept: "*/*",
    "content-type": CONTENT_TYPES[target.contentType],
    "User-Agent": "GitHub-Hookshot/51511da",
    "X-GitHub-Delivery": delivery.guid,
    "X-GitHub-Event": delivery.event,
    "X-GitHub-Hook-ID": String(hook.id),
    "X-GitHub-Hook-Installation-Target-ID": String(targetId),
    "X-GitHub-Hook-Installation-Target-Type": TARGET_TYPES[place.kind],
    ...(target.secret === "" ? {} : signaturesOf(target.secret, body)),
  };
}

function signaturesOf(secret: string, body: string): { readonly [name: string]: string } {
  const sign = (algorithm: "sha1" | "sha256") =>
    `${algorithm}=${createHmac(algorithm, secret).update(body).digest("hex")}`;
  return { "X-Hub-Signature": sign("sha1"), "X-Hub-Signature-256": sign("sha256") };
}
