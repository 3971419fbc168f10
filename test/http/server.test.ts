import { connect } from "node:net";
import { Hono } from "hono";
import { afterEach, beforeEach, expect, it } from "vitest";
import { HoldfastError } from "../../src/domain/errors.ts";
import { CLOSE_PATIENCE_MS, type Listener, listen } from "../../src/http/server.ts";
import { createWebhookApp, PAYLOAD_LIMIT_BYTES } from "../../src/http/webhooks.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { DeliveryLog } from "../../src/store/deliveries/log.ts";
import { openStore } from "../../src/store/store.ts";
import { connectionName, START_MS } from "../domain/builders.ts";
import { clockAt, recordTelemetry, recordWakes } from "./stand-ins.ts";

const { sleep, ...stillClock } = clockAt(START_MS);
/** How long a closing waits is counted by what it asked to sleep: a busy machine lets everybody sleep for longer. */
let sleptMs = 0;
const clock: Clock = {
  ...stillClock,
  sleep: (durationMs, signal) => {
    sleptMs += durationMs;
    return sleep(durationMs, signal);
  },
};
const opened: Listener[] = [];
beforeEach(() => {
  sleptMs = 0;
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((listener) => listener.close()));
});

async function open(app: Pick<Hono, "fetch">, port = 0): Promise<Listener> {
  const listener = await listen(app, { host: "127.0.0.1", port }, "webhooks", clock);
  opened.push(listener);
  return listener;
}

const hello = () => new Hono().get("/", (context) => context.text("hello"));

it("serves an app and says on which port", async () => {
  const { port } = await open(hello());
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("hello");
});

it("names an address that is taken", async () => {
  const { port } = await open(hello());
  const error = await open(hello(), port).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(HoldfastError);
  expect(error).toMatchObject({ code: "port-in-use", message: `listening on 127.0.0.1:${port} for webhooks` });
});

it("closes at once where nobody is there, and the port is free again", async () => {
  const listener = await open(hello());
  await fetch(`http://127.0.0.1:${listener.port}/`);
  await listener.close();
  await listener.close();
  expect(sleptMs).toBeLessThan(CLOSE_PATIENCE_MS / 2);
  await open(hello(), listener.port);
});

it("closes within its patience while a request hangs", async () => {
  const arrived = Promise.withResolvers<void>();
  const app = new Hono().get("/", () => {
    arrived.resolve();
    return new Promise<Response>(() => {});
  });
  const listener = await open(app);
  const hanging = fetch(`http://127.0.0.1:${listener.port}/`).catch((error: unknown) => error);
  await arrived.promise;
  await listener.close();
  // Neither shorter, as where nobody is there, nor longer.
  expect(sleptMs).toBe(CLOSE_PATIENCE_MS);
  expect(await hanging).toBeInstanceOf(Error);
});

it("lets a request that is under way end", async () => {
  const arrived = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  const app = new Hono().get("/", async (context) => {
    arrived.resolve();
    await answer.promise;
    return context.text("late");
  });
  const listener = await open(app);
  const asked = fetch(`http://127.0.0.1:${listener.port}/`);
  await arrived.promise;
  const closing = listener.close();
  answer.resolve();
  expect(await (await asked).text()).toBe("late");
  await closing;
});

it("refuses a body over the limit over a real socket, also one without a length", async () => {
  const store = await openStore("sqlite::memory:");
  const { port } = await open(
    createWebhookApp({
      connections: new Map([[connectionName(), { webhookSecrets: ["secret"] }]]),
      deliveries: new DeliveryLog(store, clock),
      store,
      clock,
      wake: recordWakes(),
      telemetry: recordTelemetry(),
    }),
  );
  expect(await postChunks(port, PAYLOAD_LIMIT_BYTES + 8 * 1024 * 1024)).toMatch(/^HTTP\/1\.1 413 /);
  const announced = `POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: ${PAYLOAD_LIMIT_BYTES + 1}\r\n\r\n`;
  expect(await exchange(port, (socket) => socket.write(announced))).toMatch(/^HTTP\/1\.1 413 /);
  await store.close();
});

function exchange(port: number, send: (socket: ReturnType<typeof connect>) => void): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => send(socket));
    socket.once("data", (data) => {
      resolve(data.toString());
      socket.destroy();
    });
    socket.on("error", () => resolve("cut off without an answer"));
  });
}

function postChunks(port: number, byteCount: number): Promise<string> {
  const chunk = Buffer.alloc(1024 * 1024, "x");
  return exchange(port, (socket) => {
    socket.write("POST /webhooks/github HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (let sent = 0; sent < byteCount; sent += chunk.length) {
      socket.write(`${chunk.length.toString(16)}\r\n`);
      socket.write(chunk);
      socket.write("\r\n");
    }
  });
}
