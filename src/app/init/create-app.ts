/**
 * Registers a GitHub App from a manifest. Only a browser that is signed in at GitHub can do that, so a page on this
 * computer sends it there with the manifest, and GitHub sends it back with a code that is worth the App's private key
 * once. Whoever comes back must bring the `state` that was sent along: no other page can slip us an App of its own.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Context, Hono } from "hono";
import { MINUTE_MS } from "../../domain/units.ts";
import { type Listener, listen } from "../../http/server.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { CommandError } from "../commands/failure.ts";
import { renderDonePage, renderFormPage, renderRefusalPage } from "./callback-pages.ts";
import { type CreatedApp, convertCode, type Fetch, isCode } from "./conversion.ts";
import { type AppSettings, buildManifest, manifestPageUrl } from "./manifest.ts";
import type { InitSettings } from "./settings.ts";

export interface CreateAppMeans {
  /** @param caPem of a private certificate authority. */
  readonly createFetch: (caPem: string | null) => Fetch;
  readonly clock: Clock;
  readonly random: Random;
  readonly stop: AbortSignal;
  /** Tells the person which page to open. The signal aborts once there is nothing to wait for. */
  readonly announce: (address: string, over: AbortSignal) => Promise<void>;
}

const HOST = "127.0.0.1";
const PATIENCE_MS = 10 * MINUTE_MS;
const STATE_LENGTH = 32;
const NONCE_LENGTH = 24;
const PAGE_LENGTH = 16;

const ATTEMPTED = "registering the GitHub App";

/** @throws {CommandError} stopped, too late, or refused by GitHub: then nothing is known of an App. */
export async function createApp(
  settings: AppSettings & Pick<InitSettings, "caFile">,
  isPersonal: boolean,
  means: CreateAppMeans,
): Promise<CreatedApp> {
  const fetch = means.createFetch(settings.caFile === null ? null : readFileSync(settings.caFile, "utf8"));
  const over = new AbortController();
  const signal = AbortSignal.any([means.stop, over.signal]);
  const outcome = Promise.withResolvers<CreatedApp>();
  // Whoever waits for it may have left already.
  outcome.promise.catch(() => {});
  const flow: Flow = {
    state: means.random.token(STATE_LENGTH),
    nonce: means.random.token(NONCE_LENGTH),
    page: means.random.token(PAGE_LENGTH),
    isTaken: false,
    pageUrl: (state) => manifestPageUrl(settings, isPersonal, state),
    manifest: (address) => JSON.stringify(buildManifest(settings, `${address}/callback`)),
    convert: async (code) => {
      try {
        const app = await convertCode(settings.github.apiUrl, code, { fetch, clock: means.clock, signal });
        outcome.resolve(app);
        return app;
      } catch (error) {
        outcome.reject(error);
        throw error;
      }
    },
  };
  const listener = await openCallback(flow, means.clock);
  try {
    const announced = means.announce(`http://${HOST}:${listener.port}/${flow.page}`, signal);
    const late = means.clock.sleep(PATIENCE_MS, signal).then(() => Promise.reject(endOf(means.stop)));
    const app = outcome.promise;
    return await Promise.race([app, late, announced.then(() => app)]);
  } finally {
    over.abort();
    await listener.close();
  }
}

function endOf(stop: AbortSignal): CommandError {
  return new CommandError(ATTEMPTED, {
    code: "init-failed",
    wrong: stop.aborted
      ? "it was stopped; nothing was written"
      : `nobody came back from GitHub within ${PATIENCE_MS / MINUTE_MS} minutes; nothing was written`,
    mend: "Start `holdfast init` again. An App that GitHub registered meanwhile is of no use: delete it in its settings.",
  });
}

interface Flow {
  readonly state: string;
  /** Marks the pages' own script and style. */
  readonly nonce: string;
  /** Path of the page with the state: whoever else works on this computer must not read that. */
  readonly page: string;
  /** Whether the code came: it is good for one exchange. */
  isTaken: boolean;
  readonly pageUrl: (state: string) => string;
  readonly manifest: (address: string) => string;
  readonly convert: (code: string) => Promise<CreatedApp>;
}

async function openCallback(flow: Flow, clock: Clock): Promise<Listener> {
  const app = new Hono();
  let address = "";
  app.use("*", async (context, next): Promise<Response | undefined> => {
    // Another site's page that has its own name lead here must not read the state.
    if (`http://${context.req.header("host")}` !== address) return context.text("Not here.", 421);
    await next();
    for (const [name, value] of Object.entries(headersFor(flow.nonce))) context.res.headers.set(name, value);
    return undefined;
  });
  app.get(`/${flow.page}`, (context) =>
    context.html(renderFormPage(flow.pageUrl(flow.state), flow.manifest(address), flow.nonce)),
  );
  app.get("/callback", (context) => takeCode(context, flow));
  const listener = await listen(app, { host: HOST, port: 0 }, "the answer from GitHub", clock);
  address = `http://${HOST}:${listener.port}`;
  return listener;
}

async function takeCode(context: Context, flow: Flow): Promise<Response> {
  const { nonce } = flow;
  const { state = "", code } = context.req.query();
  if (!isSameState(state, flow.state) || !isCode(code)) {
    const sentence = "Open the page that the terminal names, in this browser, and begin there.";
    return context.html(renderRefusalPage("This is not the answer that is waited for", sentence, nonce), 400);
  }
  if (flow.isTaken) {
    const sentence = "The terminal has the rest.";
    return context.html(renderRefusalPage("GitHub's answer was taken already", sentence, nonce), 409);
  }
  flow.isTaken = true;
  try {
    const { slug, htmlUrl } = await flow.convert(code);
    return context.html(renderDonePage(slug, installUrlOf(htmlUrl), nonce));
  } catch {
    const sentence = "The terminal says what went wrong and what to do.";
    return context.html(renderRefusalPage("GitHub did not hand out the App", sentence, nonce), 502);
  }
}

export function installUrlOf(htmlUrl: string): string {
  return `${htmlUrl}/installations/new`;
}

/** No `form-action`: a browser would apply it to GitHub's own redirects, to its sign-in among them. */
function headersFor(nonce: string): Readonly<Record<string, string>> {
  const sources = [`script-src 'nonce-${nonce}'`, `style-src 'nonce-${nonce}'`];
  return {
    "content-security-policy": ["default-src 'none'", ...sources, "base-uri 'none'", "frame-ancestors 'none'"].join(
      "; ",
    ),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  };
}

/** Digests have one length, which `timingSafeEqual` demands. */
function isSameState(given: string, state: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(state));
}
