/** What GitHub's own delivery log says of the way to us. Pure. */
import { formatDuration } from "../../http/text/durations.ts";
import type { Hook, HookDelivery } from "../../ports/github-hooks.ts";
import type { ConnectionConfig } from "../config/config.ts";
import { type Finding, failure, ok, type Place, warning } from "./finding.ts";

/** So many failures in a row, and none after them that arrived, are how it is now; fewer may be a moment's trouble. */
const ROW_COUNT = 3;

export interface DeliveryContext {
  readonly hook: Hook;
  readonly config: Pick<ConnectionConfig, "name">;
  readonly webhooksUrl: string;
  readonly nowMs: number;
}

/** @param deliveries newest first. */
export function judgeDeliveries(deliveries: readonly HookDelivery[], context: DeliveryContext): Finding {
  const place: Place = { area: `webhook ${context.config.name}`, path: "urls.webhooks" };
  const [newest] = deliveries;
  if (newest === undefined) return describeNone(place, context);
  const newestFailed = deliveries.find((delivery) => !hasArrived(delivery));
  if (newestFailed === undefined) {
    const all = deliveries.length === 1 ? "last delivery" : `last ${deliveries.length} deliveries`;
    return ok(place, `GitHub's ${all} arrived, the newest ${agoOf(newest, context)}`);
  }
  const said = `${describeCounts(deliveries, newestFailed, context)} (${describeAnswer(newestFailed)})`;
  const { wrong, mend, path = place.path, code = null } = describeTrouble(newestFailed, context);
  const newestArrived = deliveries.findIndex(hasArrived);
  // Nothing ever arrived, or nothing does any more.
  if (newestArrived === -1 || newestArrived >= ROW_COUNT)
    return failure({ ...place, path }, `${wrong}: ${said}`, `${mend} ${AFTERWARDS}`, code);
  return newestArrived === 0
    ? warning(place, `${said}; later ones arrived`, MEND_PAST)
    : warning(place, `${wrong}: ${said}; earlier ones arrived`, `${mend} ${AFTERWARDS}`);
}

const MEND_PAST = "Nothing to do if it was a restart: `holdfast serve` asks GitHub for failed deliveries again.";

function agoOf({ deliveredAtMs }: HookDelivery, { nowMs }: DeliveryContext): string {
  return `${formatDuration(nowMs - deliveredAtMs)} ago`;
}

function describeCounts(
  deliveries: readonly HookDelivery[],
  newestFailed: HookDelivery,
  context: DeliveryContext,
): string {
  const failedCount = deliveries.filter((delivery) => !hasArrived(delivery)).length;
  const ago = agoOf(newestFailed, context);
  if (deliveries.length === 1) return `the only delivery failed, ${ago}`;
  const all = failedCount === deliveries.length ? "all" : String(failedCount);
  return `${all} of the last ${deliveries.length} deliveries failed, the newest of them ${ago}`;
}

const AFTERWARDS = 'Then use "Redeliver" under the webhook\'s recent deliveries, and check again.';

function describeNone(place: Place, { hook }: DeliveryContext): Finding {
  const text = `GitHub has delivered nothing to ${hook.url} in the last three days, so that it is not known whether it could`;
  const mend = "Let `holdfast serve` run, start any workflow (or redeliver the webhook's ping), and check again.";
  return warning(place, text, mend);
}

function hasArrived({ statusCode }: HookDelivery): boolean {
  return statusCode >= 200 && statusCode <= 299;
}

function describeAnswer({ statusCode, status }: HookDelivery): string {
  const said = status.replace(/\s+/g, " ").slice(0, 80);
  return statusCode === 0 ? `GitHub says: ${said}` : `status ${statusCode}, GitHub says: ${said}`;
}

interface Trouble {
  readonly wrong: string;
  readonly mend: string;
  readonly path?: string;
  readonly code?: Finding["code"];
}

/** GitHub writes a failed connection under 502 or no status at all, so that its words count before the number. */
function describeTrouble({ statusCode, status }: HookDelivery, context: DeliveryContext): Trouble {
  const address = context.hook.url;
  if (/certificate|ssl|tls|peer/i.test(status))
    return {
      wrong: "GitHub does not trust the certificate of the address",
      mend: `Let ${address} show a certificate that GitHub trusts, with its whole chain.`,
    };
  if (statusCode === 0 || /connect|timed out|timeout|resolve|host|unreachable/i.test(status))
    return {
      wrong: "GitHub does not reach the address",
      mend: `Let ${address} be reachable from GitHub: name, port, firewall, and \`holdfast serve\` running behind it; where nothing can reach it set \`github.${context.config.name}.demand: poll\`.`,
    };
  return describeStatus(statusCode, address, context.config.name);
}

function describeStatus(statusCode: number, address: string, connection: string): Trouble {
  if (statusCode === 401)
    return {
      wrong: "the secret at GitHub is another than ours",
      mend: `Set the webhook's secret at GitHub to what is in the file of \`github.${connection}.webhookSecretFiles\`, without the line's end.`,
      path: `github.${connection}.webhookSecretFiles`,
      code: "unauthorized",
    };
  if (statusCode === 404 || statusCode === 405 || (statusCode >= 300 && statusCode <= 399))
    return {
      wrong: `what answers at ${address} is not Holdfast's webhook address`,
      mend: "Compare `urls.webhooks` with what the proxy in front passes on: the path /webhooks/github has to arrive as it is.",
    };
  if (statusCode === 403)
    return {
      wrong: "something in front of Holdfast refuses GitHub",
      mend: "Let the proxy or firewall in front permit GitHub's addresses (`hooks` of https://api.github.com/meta).",
    };
  if (statusCode >= 500)
    return {
      wrong: "the address answers with a server error",
      mend: "Look whether `holdfast serve` runs, at its log, and at the proxy in front of it.",
    };
  return {
    wrong: "the address refuses what GitHub sends",
    mend: "Look at the log of `holdfast serve` for the reason.",
  };
}
