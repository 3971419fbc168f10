/** The webhook as GitHub has it: whether it leads to us, with what settings, and what became of its deliveries. */
import { GitHubError } from "../../domain/errors.ts";
import { type RegistrationScope, scopeKey } from "../../domain/pool.ts";
import { DAY_MS } from "../../domain/units.ts";
import type { Access } from "../../ports/github-access.ts";
import type { Hook } from "../../ports/github-hooks.ts";
import { isLoopback } from "../config/addresses.ts";
import { WEBHOOK_EVENTS } from "../init/permissions.ts";
import { judgeDeliveries } from "./deliveries.ts";
import { type Finding, failure, listOf, ok, type Place, warning } from "./finding.ts";
import { describeRefusal } from "./refusal.ts";
import { type ConnectionSubject, namedScopes, ownersOf } from "./subject.ts";

/** GitHub keeps its log for three days. */
const LOG_MS = 3 * DAY_MS;
const DELIVERY_COUNT_MAX = 100;
/** More scopes of one connection than that are not searched for webhooks. */
const SCOPE_COUNT_MAX = 20;

const EVENT = WEBHOOK_EVENTS[0];

export function webhookPlace({ config }: Pick<ConnectionSubject, "config">, path = "urls.webhooks"): Place {
  return { area: `webhook ${config.name}`, path };
}

/** Where a webhook has to lead: without a name the secret tells the connection. */
function webhookAddresses(webhooksUrl: string, connection: string): readonly [string, string] {
  const address = `${webhooksUrl}/webhooks/github`;
  return [address, `${address}/${connection}`];
}

/** @throws {GitHubError} */
export async function lookAtHooks(subject: ConnectionSubject, access: Access): Promise<readonly Finding[]> {
  const place = webhookPlace(subject, `github.${subject.config.name}.demand`);
  if (subject.config.demand === "poll")
    return [ok(place, "Holdfast asks GitHub for jobs itself (demand: poll), so that no webhook is needed")];
  const unreachable = judgeOwnAddress(subject);
  if (unreachable !== null) return [unreachable];
  const { hooks, refusals } = await findHooks(subject, access);
  const leading = hooks.filter((hook) => leadsHere(hook, subject));
  if (leading.length === 0) return describeNoHook(subject, access, hooks, refusals);
  const judged = await Promise.all(
    leading.map(async (hook) => [
      ...judgeHook(hook, subject, access),
      ...(hook.isActive ? await lookAtDeliveries(hook, subject) : []),
    ]),
  );
  return judged.flat();
}

/** An address of this machine leads nowhere from GitHub, unless GitHub is on it too. */
function judgeOwnAddress(subject: ConnectionSubject): Finding | null {
  const isHere = (url: string) => isLoopback(new URL(url).hostname);
  if (!isHere(subject.webhooksUrl) || isHere(subject.config.apiUrl)) return null;
  const text = `${subject.webhooksUrl} is an address of this computer only: GitHub cannot deliver there`;
  const mend = `Let \`urls.webhooks\` be the address at which GitHub reaches it; or, where none does, set \`github.${subject.config.name}.demand: poll\`.`;
  return failure(webhookPlace(subject), text, mend);
}

interface FoundHooks {
  readonly hooks: readonly Hook[];
  readonly refusals: readonly GitHubError[];
}

/** An App has one webhook. A token is asked scope by scope, so that one that it may not read hides no other. */
async function findHooks(subject: ConnectionSubject, access: Access): Promise<FoundHooks> {
  const { hooks } = subject.connection;
  if (access.kind === "app")
    return { hooks: await hooks.findHooks(scopesOf(subject), subject.webhooksUrl), refusals: [] };
  const found = new Map<string, Hook>();
  const refusals: GitHubError[] = [];
  const asked = scopesOf(subject).map((scope) => hooks.findHooks([scope], subject.webhooksUrl));
  for (const settled of await Promise.allSettled(asked)) {
    if (settled.status === "fulfilled") for (const hook of settled.value) found.set(hook.path, hook);
    else if (settled.reason instanceof GitHubError) refusals.push(settled.reason);
    else throw settled.reason;
  }
  return { hooks: [...found.values()], refusals };
}

/** A repository's jobs may be told by its own webhook or by its owner's. */
function scopesOf({ pools }: ConnectionSubject): readonly RegistrationScope[] {
  const scopes = pools.flatMap((pool) => [
    ...ownersOf(pool).map(({ owner }): RegistrationScope => ({ kind: "organization", organization: owner })),
    ...namedScopes(pool).map(({ scope }) => scope),
  ]);
  const unique = new Map(scopes.map((scope) => [scopeKey(scope), scope]));
  return [...unique.values()].slice(0, SCOPE_COUNT_MAX);
}

function leadsHere({ url }: Hook, { webhooksUrl, config }: ConnectionSubject): boolean {
  return webhookAddresses(webhooksUrl, config.name).some((address) => isSameAddress(address, url));
}

function isSameAddress(a: string, b: string): boolean {
  return URL.canParse(a) && URL.canParse(b) && new URL(a).href === new URL(b).href;
}

function describeNoHook(
  subject: ConnectionSubject,
  access: Access,
  hooks: readonly Hook[],
  refusals: readonly GitHubError[],
): readonly Finding[] {
  const [address] = webhookAddresses(subject.webhooksUrl, subject.config.name);
  const place = webhookPlace(subject);
  const settings = `payload URL ${address}, content type application/json, the secret of \`github.${subject.config.name}.webhookSecretFiles\`, event "Workflow jobs"`;
  const urls = hooks.map(({ url }) => url).filter((url) => url !== "");
  const found = urls.length === 0 ? "there is no webhook" : `the webhook leads to ${listOf(urls)}, not`;
  if (access.kind === "app") {
    // An App that wants no such event is not meant to deliver it: then an organization's webhook may, which it cannot see.
    const isMeant = access.events.includes(EVENT);
    const where = `On the settings page of the App ${access.slug} set, under "Webhook": active, ${settings}`;
    return isMeant
      ? [failure(place, `${found} to ${address}`, `${where}.`)]
      : [
          warning(
            place,
            `${found} of the App to ${address}`,
            `${where}; nothing to do where an organization's or a repository's own webhook does it.`,
          ),
        ];
  }
  if (refusals.length > 0 && urls.length === 0)
    return refusals.slice(0, 1).map((error) => describeUnread(error, place));
  return [
    failure(
      place,
      `${found} to ${address}`,
      `Under Settings, Webhooks of the organization or repository: ${settings}.`,
    ),
  ];
}

function describeUnread(error: GitHubError, place: Place): Finding {
  const finding = describeRefusal(error, place);
  if (error.code !== "github-forbidden" && error.code !== "github-not-found") return finding;
  const text = "the token may not read webhooks, so that nothing is known of theirs";
  const mend =
    'To have them checked give the token the scope admin:org_hook or admin:repo_hook (fine-grained: "Webhooks", read-only); else look at "Recent Deliveries" at GitHub.';
  return warning(place, text, mend, error.code);
}

/** Pure: the settings of a webhook that leads here. */
export function judgeHook(hook: Hook, subject: Pick<ConnectionSubject, "config">, access: Access): readonly Finding[] {
  const place = webhookPlace(subject);
  const findings: Finding[] = [];
  if (!hook.isActive)
    findings.push(failure(place, `the webhook ${hook.path} is switched off`, 'Tick "Active" in its settings.'));
  if (!hook.events.includes(EVENT) && !hook.events.includes("*"))
    findings.push(failure(place, `the webhook ${hook.path} does not tell of workflow jobs`, describeEventMend(access)));
  if (hook.contentType === "form")
    findings.push(
      warning(
        place,
        `the webhook ${hook.path} sends forms, which are larger than JSON`,
        'Set "Content type" to application/json in its settings.',
      ),
    );
  if (!hook.isCertificateChecked && hook.url.startsWith("https:"))
    findings.push(
      warning(
        place,
        `GitHub does not check the certificate of ${hook.url}: anybody on the way can read what it sends`,
        'Choose "Enable SSL verification" in its settings.',
      ),
    );
  return findings;
}

function describeEventMend(access: Access): string {
  return access.kind === "app"
    ? `On the settings page of the App ${access.slug}, "Permissions & events", tick the event "Workflow job".`
    : 'Choose "Let me select individual events" in its settings, and tick "Workflow jobs".';
}

async function lookAtDeliveries(hook: Hook, subject: ConnectionSubject): Promise<readonly Finding[]> {
  const nowMs = subject.clock.nowMs();
  const deliveries = await subject.connection.hooks.listDeliveries(hook, nowMs - LOG_MS, DELIVERY_COUNT_MAX);
  return [judgeDeliveries(deliveries, { hook, config: subject.config, webhooksUrl: subject.webhooksUrl, nowMs })];
}
