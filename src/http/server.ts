/** Opens an address for an app, and closes it within a bound whatever its clients do. */
import type { Server } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";
import { HoldfastError } from "../domain/errors.ts";
import { SECOND_MS } from "../domain/units.ts";
import type { Clock } from "../ports/clock.ts";
import type { ServedCertificate } from "./certificate.ts";

/** Requests that are under way get so long to end; then their sockets are closed. */
export const CLOSE_PATIENCE_MS = 2 * SECOND_MS;
const IDLE_LOOK_MS = 50;
/** A client that takes longer to send its headers is holding the socket and nothing else. */
const HEADERS_TIMEOUT_MS = 20 * SECOND_MS;
/** GitHub sends 25 MB at most and waits 10 s for the answer. */
const REQUEST_TIMEOUT_MS = 60 * SECOND_MS;
/** A client that takes longer to agree on TLS does not want to. */
const HANDSHAKE_TIMEOUT_MS = 20 * SECOND_MS;

export interface Address {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
}

export interface Listener {
  readonly port: number;
  /** Takes no more requests, and ends open sockets within `CLOSE_PATIENCE_MS`. May be called twice. */
  close(): Promise<void>;
}

/**
 * @param name what is served there, for the error: "webhooks".
 * @param certificate null for plain HTTP.
 * @throws {HoldfastError} `port-in-use`, also where the address may not be opened by this user.
 */
export async function listen(
  app: Pick<Hono, "fetch">,
  address: Address,
  name: string,
  clock: Clock,
  certificate: ServedCertificate | null = null,
): Promise<Listener> {
  const server = certificate === null ? createPlain(app, address) : createSecure(app, address, certificate);
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await open(server, address, name);
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
  let closing: Promise<void> | null = null;
  return {
    port,
    close: () => {
      closing ??= close(server, sockets, clock);
      return closing;
    },
  };
}

const LIMITS = { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS } as const;

function createPlain({ fetch }: Pick<Hono, "fetch">, { host }: Address): Server {
  const options = { fetch, hostname: host, overrideGlobalObjects: false, serverOptions: LIMITS };
  return createAdaptorServer(options) as Server;
}

function createSecure({ fetch }: Pick<Hono, "fetch">, { host }: Address, certificate: ServedCertificate): Server {
  const server = createAdaptorServer({
    fetch,
    hostname: host,
    overrideGlobalObjects: false,
    createServer: createHttpsServer,
    serverOptions: { ...LIMITS, ...certificate.contextOptions(), handshakeTimeout: HANDSHAKE_TIMEOUT_MS },
  }) as HttpsServer;
  certificate.renewOn(server);
  return server;
}

function open(server: Server, address: Address, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: Error) => {
      const text = `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
      reject(new HoldfastError("port-in-use", `listening on ${text} for ${name}`, { cause }));
    };
    server.once("error", refuse);
    server.listen(address.port, address.host, () => {
      server.off("error", refuse);
      resolve();
    });
  });
}

async function close(server: Server, sockets: ReadonlySet<Socket>, clock: Clock): Promise<void> {
  let isClosed = false;
  const patience = new AbortController();
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      isClosed = true;
      patience.abort();
      resolve();
    });
  });
  // A socket whose request has ended stays open for the client's next one: only asking again closes it.
  for (let waitedMs = 0; waitedMs < CLOSE_PATIENCE_MS && !isClosed; waitedMs += IDLE_LOOK_MS) {
    server.closeIdleConnections();
    await clock.sleep(IDLE_LOOK_MS, patience.signal);
  }
  server.closeAllConnections();
  // Sockets that have not agreed on TLS yet are no connections to the server, and would keep it open.
  for (const socket of sockets) socket.destroy();
  await closed;
}
