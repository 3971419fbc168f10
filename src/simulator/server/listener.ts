import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

/** With it the listener speaks HTTPS. */
export interface ListenerCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** The socket side: one HTTP server that can leave its port and come back to it. */
export interface HttpListener {
  /** Port that it listens on, or listened on last. */
  readonly port: number;
  /** Refuses and resets every connection until `open`. Resolves when every call that was under way knows it. */
  close(): Promise<void>;
  open(): Promise<void>;
}

const HOST = "127.0.0.1";
/** Longer than clients keep idle connections, so that they and not we end them. */
const KEEP_ALIVE_MS = 65_000;

export async function startListener(
  port: number,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  certificate?: ListenerCertificate,
): Promise<HttpListener> {
  let server: Server | null = null;
  let listeningPort = port;
  const callsUnderWay = new Set<Promise<void>>();
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const over = new Promise<void>((resolve) => response.once("close", resolve));
    callsUnderWay.add(over);
    void over.then(() => callsUnderWay.delete(over));
    handle(request, response);
  };
  const listener: HttpListener = {
    get port() {
      return listeningPort;
    },
    open: async () => {
      if (server !== null) return;
      const opening = open(onRequest, certificate);
      opening.on("clientError", (_error, socket) => {
        if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        else socket.destroy();
      });
      server = opening;
      listeningPort = await listen(opening, listeningPort);
    },
    close: async () => {
      const closing = server;
      server = null;
      if (closing === null) return;
      const closed = new Promise<void>((resolve) => closing.close(() => resolve()));
      closing.closeAllConnections();
      await closed;
      // A socket is closed a little before its response says so: a poll must not take a message in between.
      await Promise.all(callsUnderWay);
    },
  };
  await listener.open();
  return listener;
}

function open(
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
  certificate: ListenerCertificate | undefined,
): Server {
  const options = { keepAliveTimeout: KEEP_ALIVE_MS };
  if (certificate === undefined) return createServer(options, onRequest);
  return createTlsServer({ ...options, cert: certificate.certificatePem, key: certificate.keyPem }, onRequest);
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
