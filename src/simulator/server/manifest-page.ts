import { isObject } from "../github/rest-answer.ts";
import { acceptManifest } from "../github/rest-manifest.ts";
import type { GitHubState } from "../github/state.ts";
import type { Exchange } from "./exchange.ts";
import { writeWhole } from "./transmit.ts";

/**
 * GitHub's page for a new App, where a form with the field `manifest` leads. A person would look at it and press a
 * button; here the button is pressed at once, so the answer is the way back with the code.
 */

const PAGE = /^(?:\/organizations\/([^/]+))?\/settings\/apps\/new$/;

export function isManifestPage(exchange: Exchange): boolean {
  return PAGE.test(exchange.path);
}

export function serveManifestPage(state: GitHubState, exchange: Exchange, nowMs: number): void {
  const { method, path, query, response } = exchange;
  const say = (status: number, sentence: string): void => {
    const text = `<!doctype html><title>Register new GitHub App</title><p>${sentence}</p>`;
    writeWhole(response, { status, headers: { "content-type": "text/html; charset=utf-8" }, text });
  };
  if (method !== "POST") {
    say(200, "The form with the manifest is sent here by POST.");
    return;
  }
  const form = new URLSearchParams(exchange.text);
  const manifest = readManifest(form.get("manifest"));
  if (manifest === null) {
    say(422, "The manifest is not a JSON object with a name, a url and a redirect_url.");
    return;
  }
  const owner = PAGE.exec(path)?.[1] ?? state.options.tokens[0]?.login ?? "octocat";
  const target = new URL(String(manifest.redirect_url));
  target.searchParams.set("code", acceptManifest(state, manifest, decodeURIComponent(owner), nowMs));
  const sent = query.get("state") ?? form.get("state");
  if (sent !== null) target.searchParams.set("state", sent);
  writeWhole(response, { status: 302, headers: { location: target.href }, text: null });
}

function readManifest(text: string | null): { readonly [key: string]: unknown } | null {
  try {
    const manifest: unknown = JSON.parse(text ?? "");
    if (!isObject(manifest)) return null;
    const isComplete = [manifest.name, manifest.url, manifest.redirect_url].every((part) => typeof part === "string");
    return isComplete && URL.canParse(String(manifest.redirect_url)) ? manifest : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
