/** Exchanges the code that GitHub gave the browser for the App: its id, its private key and its webhook's secret. */
import * as z from "zod";
import type { FetchOptions } from "../../adapters/network/fetch.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import { CommandError } from "../commands/failure.ts";
import { parseUrl } from "../config/addresses.ts";

export type Fetch = (url: string, options: FetchOptions) => Promise<Response>;

export interface CreatedApp {
  readonly appId: number;
  readonly slug: string;
  /** Its public page; `/installations/new` after it installs it. */
  readonly htmlUrl: string;
  /** Secret. */
  readonly privateKeyPem: string;
  /** Secret. Null where GitHub made none: the App has no webhook. */
  readonly webhookSecret: string | null;
}

export interface ConversionMeans {
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const ATTEMPTED = "fetching the new App's private key from GitHub";
const CALL_TIMEOUT_MS = 20 * SECOND_MS;
/** The code is good for an hour: a network that stumbles is given time. */
const TRY_COUNT_MAX = 3;
const PAUSE_MS = 2 * SECOND_MS;

const CODE = /^[A-Za-z0-9_-]{1,200}$/;

export function isCode(text: string | undefined): text is string {
  return text !== undefined && CODE.test(text);
}

const Conversion = z.object({
  id: z.int().min(1),
  slug: z.string().min(1),
  html_url: z.string().refine((url) => parseUrl(url) !== null),
  pem: z.string().includes("PRIVATE KEY"),
  webhook_secret: z.string().min(1).nullish(),
});

/** @throws {CommandError} that says what to do; it never holds the code or anything that GitHub answered. */
export async function convertCode(apiUrl: string, code: string, means: ConversionMeans): Promise<CreatedApp> {
  const response = await send(`${apiUrl}/app-manifests/${encodeURIComponent(code)}/conversions`, means);
  if (response.status !== 201) throw refusalOf(response.status);
  const parsed = Conversion.safeParse(await response.json().catch(() => null));
  if (!parsed.success)
    throw new CommandError(ATTEMPTED, {
      code: "github-invalid",
      wrong: `${apiUrl} answered, but not with an App`,
      mend: `Check that it is the address of GitHub's REST interface. ${LOST_KEY}`,
    });
  const { id, slug, html_url, pem, webhook_secret } = parsed.data;
  return { appId: id, slug, htmlUrl: html_url, privateKeyPem: pem, webhookSecret: webhook_secret ?? null };
}

/** A call without an answer may have used up the code: the next one says so, and what to do. */
async function send(url: string, { fetch, clock, signal }: ConversionMeans): Promise<Response> {
  let cause: unknown = null;
  for (let tryCount = 1; tryCount <= TRY_COUNT_MAX && !signal.aborted; tryCount++) {
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { accept: "application/vnd.github+json", "user-agent": "holdfast" },
        body: null,
        redirect: "manual",
        signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]),
      });
      if (response.status < 500) return response;
      cause = new Error(`GitHub answered with status ${response.status}`);
    } catch (error) {
      cause = error;
    }
    if (tryCount < TRY_COUNT_MAX) await clock.sleep(PAUSE_MS, signal);
  }
  throw new CommandError(ATTEMPTED, {
    code: "github-unavailable",
    wrong: `GitHub did not answer: ${innermost(cause)}`,
    mend: `Check the way to ${new URL(url).host} (a proxy, a private certificate authority: \`--ca-file\`). ${LOST_KEY}`,
    cause,
  });
}

const LOST_KEY =
  "If the App is listed in the settings at GitHub, generate a private key there and go on with `--app-id` and `--private-key-file`, or delete it and start again.";

function refusalOf(status: number): CommandError {
  if (status === 404)
    return new CommandError(ATTEMPTED, {
      code: "github-not-found",
      wrong: "GitHub does not know the code: it was used already, or is older than an hour",
      mend: LOST_KEY,
    });
  if (status === 403 || status === 429)
    return new CommandError(ATTEMPTED, {
      code: "github-rate-limited",
      wrong: `GitHub takes no more calls from this address for now (status ${status})`,
      mend: `Wait an hour. ${LOST_KEY}`,
    });
  return new CommandError(ATTEMPTED, {
    code: "github-invalid",
    wrong: `GitHub refused to hand out the App (status ${status})`,
    mend: `Read what the page at GitHub says about the App. ${LOST_KEY}`,
  });
}

/** What `fetch` throws says only that it failed; its cause says why. */
function innermost(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return innermost(error.cause);
  return error.message === "" && "code" in error ? String(error.code) : error.message;
}
