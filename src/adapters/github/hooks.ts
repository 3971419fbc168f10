/** GitHub's record of the webhooks that it sent: found, listed, asked for again, read. */
import { GitHubError } from "../../domain/errors.ts";
import { type RegistrationScope, scopeKey } from "../../domain/pool.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { GitHubHooks, Hook, HookDelivery } from "../../ports/github-hooks.ts";
import type { Call } from "./client.ts";
import { parseExactly } from "./exact-json.ts";
import {
  type Ask,
  asApp,
  asInstallation,
  mapAtATime,
  type PageLimit,
  readArray,
  readPages,
  readShape,
} from "./pages.ts";
import { placeOfScope } from "./places.ts";
import type { Session } from "./session.ts";
import { AppShape, DeliveryListShape, DeliveryShape, HookConfigShape, HookListShape } from "./shapes-reading.ts";

const APP_HOOK_PATH = "/app/hook";
/** GitHub lets a place have 20 webhooks for an event; this is 1,000 of all kinds. */
const HOOK_PAGES: PageLimit = { pageCountMax: 10, beyond: "fail" };
/** What is older than 10,000 attempts is left to the sweep of jobs. */
const DELIVERY_PAGES: PageLimit = { pageCountMax: 100, beyond: "stop" };
const CONCURRENT_CALLS_MAX = 8;

export function createHooks(session: Session): GitHubHooks {
  return {
    findHooks: (scopes, webhooksUrl) =>
      session.kind === "app" ? findAppHook(session) : findHooksOfScopes(session, scopes, webhooksUrl),
    listDeliveries: (hook, sinceMs, limitCount) =>
      listDeliveries(session, hook, { sinceMs, limitCount, passes: () => true }),
    listFailedDeliveries: (hook, sinceMs, limitCount) => listFailed(session, hook, sinceMs, limitCount),
    redeliver: (hook, deliveryId) => redeliver(session, hook, deliveryId),
    readPayload: (hook, deliveryId) => readPayload(session, hook, deliveryId),
  };
}

async function findAppHook(session: Session): Promise<readonly Hook[]> {
  const ask = asApp(session);
  const configCall = sweeping("get-app-hook", `${APP_HOOK_PATH}/config`, "reading the App's webhook");
  const answer = await ask(configCall, ({ status }) => status === 200 || status === 404);
  // The App itself is known, or its signature would have been refused: what is not there is its webhook.
  if (answer.status === 404) return [];
  const config = readShape(answer, configCall, HookConfigShape);
  const appCall = sweeping("get-app", "/app", "reading the events of the App");
  const { events } = readShape(await ask(appCall), appCall, AppShape);
  // Whether the App's webhook is switched on is nowhere to be read: one without an address is off.
  return config.url === "" ? [] : [{ path: APP_HOOK_PATH, ...config, isActive: true, events }];
}

/**
 * What the token may not read is left out, as long as it may read one of the places: those that are found are worth
 * reading. Asked for a single scope, the refusal is told.
 */
async function findHooksOfScopes(
  session: Session,
  scopes: readonly RegistrationScope[],
  webhooksUrl: string,
): Promise<readonly Hook[]> {
  // An enterprise's webhooks are set up by hand: the REST interface has no list of them.
  const listable = scopes.filter((scope) => scope.kind !== "enterprise");
  const keys = listable.map((scope) => scopeKey(scope).toLowerCase());
  const distinct = listable.filter((_scope, index) => keys.indexOf(keys[index] ?? "") === index);
  const results = await mapAtATime(distinct, CONCURRENT_CALLS_MAX, async (scope) => {
    try {
      return await listHooks(session, scope);
    } catch (error) {
      if (error instanceof GitHubError && error.code === "github-forbidden") return error;
      throw error;
    }
  });
  const refusals = results.filter((result) => result instanceof GitHubError);
  const [refusal] = refusals;
  if (refusal !== undefined && refusals.length === results.length) throw refusal;
  const hooks = results.flatMap((result) => (result instanceof GitHubError ? [] : result));
  return hooks.filter((hook) => leadsTo(hook.url, webhooksUrl));
}

async function listHooks(session: Session, scope: RegistrationScope): Promise<readonly Hook[]> {
  const place = placeOfScope(scope);
  const call = sweeping("list-hooks", `${place.path}/hooks`, `listing the webhooks of ${place.path}`);
  const ask: Ask = async (page) => {
    const answer = await session.ask(place.account, page, ({ status }) => status === 200 || status === 404);
    if (answer.status !== 404) return answer;
    const cause = new Error("GitHub answered 404: that is how it hides webhooks from whoever may not read them");
    throw new GitHubError("github-forbidden", page.attempted, { cause });
  };
  const listed = await readArray(ask, call, HookListShape, HOOK_PAGES);
  return listed.map((one) => ({
    path: `${place.path}/hooks/${one.id}`,
    ...one.config,
    isActive: one.active,
    events: one.events,
  }));
}

/** The address itself or something below it; `…/webhooks-old` is another one. */
function leadsTo(url: string, webhooksUrl: string): boolean {
  const base = webhooksUrl.replace(/\/+$/, "");
  return url.startsWith(base) && /^($|[/?#])/.test(url.slice(base.length));
}

interface DeliveryFilter {
  readonly status?: "failure";
  /** Of all that is read, whether it passes or not. */
  readonly limitCount: number;
  readonly sinceMs: number;
  readonly passes: (delivery: HookDelivery) => boolean;
}

async function listDeliveries(session: Session, hook: Hook, filter: DeliveryFilter): Promise<readonly HookDelivery[]> {
  const { status, limitCount, sinceMs } = filter;
  const call: Call = {
    ...sweeping("list-deliveries", `${hook.path}/deliveries`, `listing the deliveries of ${hook.path}`),
    ...(status === undefined ? {} : { query: { status } }),
    parse: parseExactly,
  };
  const read: HookDelivery[] = [];
  if (limitCount < 1) return read;
  for await (const answer of readPages(askOf(session, hook), call, DELIVERY_PAGES)) {
    const page = inOurTime(session, readShape(answer, call, DeliveryListShape));
    read.push(...page);
    const oldest = page.at(-1);
    const isPast = oldest === undefined || oldest.deliveredAtMs < sinceMs;
    if (isPast || read.length >= limitCount) break;
  }
  return read.slice(0, limitCount).filter((one) => one.deliveredAtMs >= sinceMs && filter.passes(one));
}

/** Clocks that differ by less are as good as one: whoever reads the log reads a minute of it twice. */
const CLOCK_DIFFERENCE_MS_IGNORED = 20 * SECOND_MS;

/** Whoever compares the times compares them with our clock, by which what GitHub sent now may be long past. */
function inOurTime(session: Session, deliveries: readonly HookDelivery[]): readonly HookDelivery[] {
  const differenceMs = session.clockDifferenceMs() ?? 0;
  if (Math.abs(differenceMs) < CLOCK_DIFFERENCE_MS_IGNORED) return deliveries;
  return deliveries.map((delivery) => ({ ...delivery, deliveredAtMs: delivery.deliveredAtMs - differenceMs }));
}

/** GitHub's filter leaves out those that got no status at all: they are looked for among the latest ones. */
const UNFILTERED_COUNT = 100;

async function listFailed(
  session: Session,
  hook: Hook,
  sinceMs: number,
  limitCount: number,
): Promise<readonly HookDelivery[]> {
  const filtered = { status: "failure", sinceMs, limitCount, passes: hasFailed } as const;
  const latest = { sinceMs, limitCount: Math.min(limitCount, UNFILTERED_COUNT), passes: hasFailed };
  const found = [...(await listDeliveries(session, hook, filtered)), ...(await listDeliveries(session, hook, latest))];
  const byId = new Map(found.map((delivery) => [delivery.id, delivery]));
  return [...byId.values()].sort((a, b) => b.deliveredAtMs - a.deliveredAtMs);
}

/** We answer with 202; a 302, which GitHub takes for a success, came from somebody in between. */
function hasFailed({ statusCode }: HookDelivery): boolean {
  return statusCode < 200 || statusCode > 299;
}

async function redeliver(session: Session, hook: Hook, deliveryId: string): Promise<void> {
  const call: Call = {
    operation: "redeliver",
    purpose: "question",
    method: "POST",
    path: `${pathOfDelivery(hook, deliveryId)}/attempts`,
    attempted: `asking for the delivery ${deliveryId} of ${hook.path} again`,
  };
  await askOf(session, hook)(call, ({ status }) => status === 202 || status === 200);
}

async function readPayload(session: Session, hook: Hook, deliveryId: string): Promise<unknown> {
  const call: Call = {
    operation: "get-delivery",
    purpose: "question",
    method: "GET",
    path: pathOfDelivery(hook, deliveryId),
    attempted: `reading the delivery ${deliveryId} of ${hook.path}`,
  };
  const answer = await askOf(session, hook)(call, ({ status }) => status === 200 || status === 404);
  if (answer.status === 404) return null;
  return readShape(answer, call, DeliveryShape).request?.payload ?? null;
}

/** What is no number could lead to another path. */
function pathOfDelivery(hook: Hook, deliveryId: string): string {
  if (!/^\d{1,20}$/.test(deliveryId)) throw new GitHubError("github-invalid", "naming a delivery by what is no number");
  return `${hook.path}/deliveries/${deliveryId}`;
}

const ORGANIZATION_HOOK = /^\/orgs\/([^/]+)\/hooks\/\d+$/;
const REPOSITORY_HOOK = /^\/repos\/([^/]+)\/([^/]+)\/hooks\/\d+$/;

/** Only the App itself may read its own webhook; all others are read in the name of whose they are. */
function askOf(session: Session, hook: Hook): Ask {
  if (hook.path === APP_HOOK_PATH) return asApp(session);
  const [, organization] = ORGANIZATION_HOOK.exec(hook.path) ?? [];
  const [, owner, repository] = REPOSITORY_HOOK.exec(hook.path) ?? [];
  if (organization !== undefined)
    return asOwnerOf(session, { kind: "organization", organization: decodeURIComponent(organization) });
  if (owner !== undefined && repository !== undefined) {
    const names = { owner: decodeURIComponent(owner), repository: decodeURIComponent(repository) };
    return asOwnerOf(session, { kind: "repository", ...names });
  }
  throw new GitHubError("github-invalid", "naming a webhook: it is nowhere in GitHub's REST interface");
}

function asOwnerOf(session: Session, scope: RegistrationScope): Ask {
  return asInstallation(session, placeOfScope(scope).account);
}

function sweeping(operation: string, path: string, attempted: string): Call {
  return { operation, purpose: "sweep", method: "GET", path, attempted };
}
