/**
 * Where GitHub delivers. A `workflow_job` is acknowledged only after its row is committed; nothing else happens here: the
 * row is parsed and applied by the ingest controller, which finds it also without being woken.
 */
import { type Context, Hono } from "hono";
import { z } from "zod";
import type { ErrorCode } from "../domain/errors.ts";
import { type ConnectionName, type DeliveryId, parseDeliveryId } from "../domain/ids.ts";
import { invariant } from "../domain/invariant.ts";
import type { Clock } from "../ports/clock.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import type { Span } from "../ports/traces.ts";
import type { Wake } from "../ports/wake.ts";
import type { DeliveryLog } from "../store/deliveries/log.ts";
import { recordQuarantined } from "../store/deliveries/record.ts";
import type { NewDelivery } from "../store/deliveries/row.ts";
import type { Store } from "../store/store.ts";
import { answerError, type ProblemOptions, problem } from "./problem.ts";
import { readBody } from "./read-body.ts";
import { type RouteNote, told } from "./route-notes.ts";
import { findSigner } from "./signature.ts";

/** GitHub sends nothing over 25 MB. */
export const PAYLOAD_LIMIT_BYTES = 25 * 1024 * 1024;

export interface WebhookConnection {
  /** Each is valid, so that a secret can be changed without losing a delivery. */
  readonly webhookSecrets: readonly string[];
}

export interface WebhookAppOptions {
  readonly connections: ReadonlyMap<ConnectionName, WebhookConnection>;
  readonly deliveries: Pick<DeliveryLog, "record">;
  readonly store: Pick<Store, "db">;
  readonly clock: Clock;
  readonly wake: Wake;
  readonly telemetry: Telemetry;
}

/** What became of a delivery: the `outcome` of `holdfast_deliveries_total`. */
type Outcome = (typeof OUTCOMES)[number] | "unauthorized" | "too-large" | "invalid" | "failed";

const OUTCOMES = ["stored", "seen", "quarantined", "ignored", "ping"] as const;

function noteOf(says: string): RouteNote {
  return {
    caller: "github",
    says,
    body: "GitHub's event, as `application/json` or `application/x-www-form-urlencoded`, with the headers `X-GitHub-Event`, `X-GitHub-Delivery` and `X-Hub-Signature-256`",
    answer: z.object({
      outcome: z
        .enum(OUTCOMES)
        .describe("`stored`: it is durable (202); `seen`: it was before (200); `quarantined`: it waits for a person"),
    }),
  };
}

/** Serves `POST /webhooks/github`, where the secret tells the connection, and `POST /webhooks/github/:connection`. */
export function createWebhookApp(options: WebhookAppOptions): Hono {
  for (const { webhookSecrets } of options.connections.values()) {
    invariant(
      webhookSecrets.every((secret) => secret !== ""),
      "anybody can sign with an empty webhook secret",
    );
  }
  const app = new Hono();
  app.onError(answerError(options.telemetry));
  app.notFound((context) => problem("not-found", `${context.req.method} ${context.req.path}`));
  const receiveFrom = (context: Context, connections: Connections): Promise<Response> =>
    options.telemetry.trace("webhook", "receive", {}, (span) => receive(context, connections, { ...options, span }));
  app.post(
    "/webhooks/github",
    told(noteOf("A delivery of GitHub's; the secret that signed it tells its connection.")),
    (context) => receiveFrom(context, [...options.connections]),
  );
  app.post(
    "/webhooks/github/:connection",
    told(noteOf("The same for one connection by its name: only its secrets count.")),
    (context) => {
      const named = [...options.connections].filter(([name]) => name === context.req.param("connection"));
      return receiveFrom(context, named);
    },
  );
  return app;
}

interface Reception extends WebhookAppOptions {
  readonly span: Span<"webhook">;
}

type Connections = readonly (readonly [ConnectionName, WebhookConnection])[];

async function receive(context: Context, connections: Connections, options: Reception): Promise<Response> {
  const body = await readBody(context.req.raw, PAYLOAD_LIMIT_BYTES);
  if (body.kind === "too-large")
    return refuse("too-large", "payload-too-large", "receiving a delivery", options, {
      headers: { connection: "close" },
    });
  if (body.kind === "cut-off") return refuse("invalid", "payload-invalid", "reading a delivery to its end", options);
  const event = context.req.header("x-github-event") ?? "";
  const id = readDeliveryId(context.req.header("x-github-delivery"));
  if (!/^[a-z0-9_]{1,64}$/.test(event) || id === null)
    return refuse("invalid", "payload-invalid", "reading the headers X-GitHub-Event and X-GitHub-Delivery", options);
  const secrets = connections.map(([name, connection]) => [name, connection.webhookSecrets] as const);
  const connection = findSigner(body.bytes, context.req.header("x-hub-signature-256"), secrets);
  if (connection === null)
    return refuse("unauthorized", "unauthorized", `verifying the signature of delivery ${id}`, options);
  // Before its signature is right, whatever it says is a stranger's.
  options.span.note({ connection, delivery: id, event });
  if (event === "ping") return acknowledge("ping", 200, options);
  if (event !== "workflow_job") return acknowledge("ignored", 202, options);
  const payload = findPayload(body.bytes, context.req.header("content-type") ?? "");
  if (payload === null) return refuseContentType(id, options);
  return store({ id, connection, event, body: payload, receivedAtMs: options.clock.nowMs() }, options);
}

function readDeliveryId(header: string | undefined): DeliveryId | null {
  try {
    return parseDeliveryId(header ?? "");
  } catch {
    return null;
  }
}

/** GitHub offers two content types; in a form, `payload` holds what the other has as its body. */
function findPayload(bytes: Uint8Array, contentType: string): Uint8Array | null {
  const mediaType = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
  if (mediaType === "application/json") return bytes;
  if (mediaType !== "application/x-www-form-urlencoded") return null;
  const payload = new URLSearchParams(new TextDecoder().decode(bytes)).get("payload");
  return payload === null ? bytes : new TextEncoder().encode(payload);
}

async function store(delivery: NewDelivery, options: Reception): Promise<Response> {
  const flaw = findFlaw(delivery.body);
  try {
    if (flaw !== null) {
      // The signature was right, so GitHub sent it: it is kept for a person, and GitHub need not send it again.
      await recordQuarantined(options.store.db, delivery, flaw);
      options.telemetry.warn("a delivery is quarantined", {
        connection: delivery.connection,
        delivery: delivery.id,
        problem: flaw,
      });
      return acknowledge("quarantined", 202, options);
    }
    const recorded = await options.deliveries.record(delivery);
    options.wake.controller("ingest", null);
    return acknowledge(recorded, recorded === "stored" ? 202 : 200, options);
  } catch (error) {
    options.telemetry.error("recording a delivery failed", error, {
      connection: delivery.connection,
      delivery: delivery.id,
    });
    return refuse("failed", "store-unavailable", `recording the delivery ${delivery.id}`, options, {
      mend: "It was not acknowledged: redeliver it from GitHub once the store takes writes again.",
    });
  }
}

/** @returns what keeps the body from ever being read as an event; null if nothing. */
function findFlaw(body: Uint8Array): string | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? null
      : "the body is not a JSON object";
  } catch (error) {
    return `the body is not JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function acknowledge(outcome: Outcome, status: 200 | 202, { telemetry, span }: Reception): Response {
  span.note({ outcome });
  telemetry.count("holdfast_deliveries_total", { outcome });
  return Response.json({ outcome }, { status });
}

function refuse(
  outcome: Outcome,
  code: ErrorCode,
  attempted: string,
  { telemetry, span }: Reception,
  answer: ProblemOptions = {},
): Response {
  span.note({ outcome, errorCode: code });
  telemetry.count("holdfast_deliveries_total", { outcome });
  return problem(code, attempted, answer);
}

function refuseContentType(id: DeliveryId, options: Reception): Response {
  return refuse("invalid", "payload-invalid", `reading the content type of delivery ${id}`, options, {
    status: 415,
    mend: "Set the webhook's content type to application/json in its settings at GitHub.",
  });
}
