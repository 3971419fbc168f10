import { createHmac } from "node:crypto";
import type { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createWebhookApp, PAYLOAD_LIMIT_BYTES } from "../../src/http/webhooks.ts";
import { listDeliveries } from "../../src/store/deliveries/list.ts";
import { DeliveryLog } from "../../src/store/deliveries/log.ts";
import type { Delivery, NewDelivery } from "../../src/store/deliveries/row.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { connectionName, START_MS } from "../domain/builders.ts";
import { clockAt, recordTelemetry, recordWakes } from "./stand-ins.ts";

const SECRETS = { main: ["new-secret", "old-secret"], ghes: ["other-secret"] };
const JOB = JSON.stringify({ action: "queued", workflow_job: { id: 1 } });

let store: Store;
let app: Hono;
let telemetry: ReturnType<typeof recordTelemetry>;
let wake: ReturnType<typeof recordWakes>;

beforeEach(async () => {
  store = await openStore("sqlite::memory:");
  telemetry = recordTelemetry();
  wake = recordWakes();
  app = appOver(new DeliveryLog(store, clockAt(START_MS)));
});
afterEach(() => store.close());

function appOver(deliveries: Pick<DeliveryLog, "record">, over: Pick<Store, "db"> = store): Hono {
  const connections = new Map(
    Object.entries(SECRETS).map(([name, webhookSecrets]) => [connectionName(name), { webhookSecrets }]),
  );
  return createWebhookApp({ connections, deliveries, store: over, clock: clockAt(START_MS), wake, telemetry });
}

const sign = (secret: string, body: string | Uint8Array) =>
  `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;

interface Post {
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly secret?: string;
  readonly path?: string;
  /** An empty one is left out. */
  readonly headers?: Readonly<Record<string, string>>;
}

async function post({ body = JOB, secret = "new-secret", path = "/webhooks/github", headers = {} }: Post = {}) {
  const all = {
    "content-type": "application/json",
    "x-github-event": "workflow_job",
    "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "x-hub-signature-256": sign(secret, body),
    ...headers,
  };
  const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ""));
  const response = await app.request(path, { method: "POST", body, headers: sent });
  return { status: response.status, answer: (await response.json()) as Record<string, string> };
}

const rows = (): Promise<readonly Delivery[]> => listDeliveries(store.db, { limitCount: 100 });
const text = (delivery: Delivery | undefined) => new TextDecoder().decode(delivery?.body);

describe("a signed workflow_job", () => {
  it("is answered 202 after its row is there, and wakes ingest", async () => {
    expect(await post()).toEqual({ status: 202, answer: { outcome: "stored" } });
    const [row] = await rows();
    expect(row).toMatchObject({ connection: "main", event: "workflow_job", state: "pending", receivedAtMs: START_MS });
    expect(text(row)).toBe(JOB);
    expect(wake.woken).toEqual(["ingest/"]);
    expect(telemetry.counts).toEqual(["holdfast_deliveries_total outcome=stored"]);
  });

  it("is answered 200 where its id was seen before, and stored once", async () => {
    await post();
    expect(await post()).toEqual({ status: 200, answer: { outcome: "seen" } });
    expect(await rows()).toHaveLength(1);
  });

  it.each([
    ["the newer of two secrets", "new-secret", "/webhooks/github", "main"],
    ["the older of two secrets", "old-secret", "/webhooks/github", "main"],
    ["another connection's secret", "other-secret", "/webhooks/github", "ghes"],
    ["a connection's secret at its own path", "other-secret", "/webhooks/github/ghes", "ghes"],
  ])("belongs to the connection of %s", async (_name, secret, path, connection) => {
    expect((await post({ secret, path })).status).toBe(202);
    expect((await rows()).map((row) => row.connection)).toEqual([connection]);
  });

  it("is understood as a form", async () => {
    const body = new URLSearchParams({ payload: JOB }).toString();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    expect((await post({ body, headers })).status).toBe(202);
    const [row] = await rows();
    expect([text(row), row?.state]).toEqual([JOB, "pending"]);
  });
});

describe("what GitHub signed and we cannot read is kept", () => {
  it.each<[string, string | Uint8Array<ArrayBuffer>, RegExp]>([
    ["no JSON", "{", /^the body is not JSON: /],
    ["an empty body", "", /^the body is not JSON: /],
    ["a list", "[]", /^the body is not a JSON object$/],
    ["null", "null", /^the body is not a JSON object$/],
    ["bytes that are no UTF-8", new Uint8Array([0x7b, 0xff, 0x7d]), /^the body is not JSON: /],
  ])("%s", async (_name, body, error) => {
    expect(await post({ body })).toEqual({ status: 202, answer: { outcome: "quarantined" } });
    const [row] = await rows();
    expect(row).toMatchObject({ state: "quarantined", error: expect.stringMatching(error) });
    expect(Buffer.from(row?.body ?? [])).toEqual(Buffer.from(body));
    expect(telemetry.counts).toEqual(["holdfast_deliveries_total outcome=quarantined"]);
    expect(wake.woken).toEqual([]);
  });

  it("a form without a payload", async () => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    expect(await post({ body: "a=b", headers })).toMatchObject({ status: 202, answer: { outcome: "quarantined" } });
    expect(text((await rows())[0])).toBe("a=b");
  });
});

describe("nothing is stored", () => {
  const signedByOther = sign("another", JOB);
  it.each<[string, Post, number, string, string]>([
    ["a signature by another secret", { secret: "another" }, 401, "unauthorized", "unauthorized"],
    ["a signature by no secret", { secret: "" }, 401, "unauthorized", "unauthorized"],
    ["no signature", { headers: { "x-hub-signature-256": "" } }, 401, "unauthorized", "unauthorized"],
    [
      "only SHA-1",
      { headers: { "x-hub-signature-256": "", "x-hub-signature": "sha1=aa" } },
      401,
      "unauthorized",
      "unauthorized",
    ],
    [
      "a cut signature",
      { headers: { "x-hub-signature-256": signedByOther.slice(0, 40) } },
      401,
      "unauthorized",
      "unauthorized",
    ],
    [
      "a signature that is no hex",
      { headers: { "x-hub-signature-256": "sha256=zz" } },
      401,
      "unauthorized",
      "unauthorized",
    ],
    [
      "a secret of another connection at a connection's path",
      { path: "/webhooks/github/main", secret: "other-secret" },
      401,
      "unauthorized",
      "unauthorized",
    ],
    [
      "the path of a connection that is not there",
      { path: "/webhooks/github/none" },
      401,
      "unauthorized",
      "unauthorized",
    ],
    ["no event", { headers: { "x-github-event": "" } }, 400, "payload-invalid", "invalid"],
    ["an event that is no name", { headers: { "x-github-event": "a b" } }, 400, "payload-invalid", "invalid"],
    ["no delivery id", { headers: { "x-github-delivery": "" } }, 400, "payload-invalid", "invalid"],
    [
      "a delivery id of 200 characters",
      { headers: { "x-github-delivery": "a".repeat(200) } },
      400,
      "payload-invalid",
      "invalid",
    ],
    [
      "a content type that GitHub does not have",
      { headers: { "content-type": "text/xml" } },
      415,
      "payload-invalid",
      "invalid",
    ],
    [
      "a length over the limit, before a byte is read",
      { headers: { "content-length": String(PAYLOAD_LIMIT_BYTES + 1) } },
      413,
      "payload-too-large",
      "too-large",
    ],
    ["a body over the limit", { body: "x".repeat(PAYLOAD_LIMIT_BYTES + 1) }, 413, "payload-too-large", "too-large"],
  ])("%s", async (_name, request, status, code, outcome) => {
    const { status: answered, answer } = await post(request);
    expect([answered, answer.code]).toEqual([status, code]);
    expect(answer.message).toMatch(/: /);
    expect(answer.mend).toMatch(/\.$/);
    expect(await rows()).toEqual([]);
    expect(wake.woken).toEqual([]);
    expect(telemetry.counts).toEqual([`holdfast_deliveries_total outcome=${outcome}`]);
  });

  it.each([
    ["a ping", "ping", 200, "ping"],
    ["an event that nobody asked for", "push", 202, "ignored"],
  ])("%s", async (_name, event, status, outcome) => {
    expect(await post({ headers: { "x-github-event": event } })).toEqual({ status, answer: { outcome } });
    expect(await rows()).toEqual([]);
    expect(telemetry.counts).toEqual([`holdfast_deliveries_total outcome=${outcome}`]);
  });

  it("stops reading a stream at the limit", async () => {
    let pulledBytes = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulledBytes += 1024 * 1024;
        controller.enqueue(new Uint8Array(1024 * 1024));
      },
    });
    const request = new Request("http://localhost/webhooks/github", { method: "POST", body: endless, duplex: "half" });
    expect((await app.request(request)).status).toBe(413);
    expect(pulledBytes).toBeLessThan(PAYLOAD_LIMIT_BYTES + 4 * 1024 * 1024);
  });
});

describe("a store that takes no writes", () => {
  const failing = { record: () => Promise.reject(new Error("disk full")) };

  it("is answered 503, so that GitHub shows the delivery as failed", async () => {
    app = appOver(failing);
    const { status, answer } = await post();
    expect([status, answer.code]).toEqual([503, "store-unavailable"]);
    expect(telemetry.errors).toHaveLength(1);
    expect(telemetry.counts).toEqual(["holdfast_deliveries_total outcome=failed"]);
    expect(wake.woken).toEqual([]);
  });

  it("is answered 503 for what would be quarantined, too", async () => {
    const closed = await openStore("sqlite::memory:");
    await closed.close();
    app = appOver(failing, closed);
    expect((await post({ body: "{" })).status).toBe(503);
  });
});

it("answers after the commit, not before", async () => {
  let commit: (() => void) | undefined;
  const delivered: NewDelivery[] = [];
  app = appOver({
    record: (delivery) =>
      new Promise((resolve) => {
        delivered.push(delivery);
        commit = () => resolve("stored");
      }),
  });
  let isAnswered = false;
  const answering = post().then((answer) => {
    isAnswered = true;
    return answer;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect([delivered.length, isAnswered, wake.woken]).toEqual([1, false, []]);
  commit?.();
  expect((await answering).status).toBe(202);
});

it("refuses to start with an empty secret", () => {
  const connections = new Map([[connectionName(), { webhookSecrets: [""] }]]);
  const deliveries = new DeliveryLog(store, clockAt(START_MS));
  const start = () => createWebhookApp({ connections, deliveries, store, clock: clockAt(START_MS), wake, telemetry });
  expect(start).toThrow(/empty webhook secret/);
});
