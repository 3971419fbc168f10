/** A GitHub behind TLS, and a proxy on the way to it, each on a port of its own. */
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { SERVER_KEY_PEM, SERVER_PEM } from "./certificates.ts";

export const NO_RUNNERS = JSON.stringify({ total_count: 0, runners: [] });

export interface GitHubOnTls {
  readonly port: number;
  readonly asked: readonly string[];
}

/** What is done with a connection that asked. @param reset ends it the hard way. */
export type Misbehaviour = (socket: Socket, reset: () => void) => void;

/** Without misbehaviour everything is answered well. */
export async function startGitHub(misbehave?: Misbehaviour): Promise<GitHubOnTls> {
  const asked: string[] = [];
  const server = createHttpsServer({ key: SERVER_KEY_PEM, cert: SERVER_PEM }, (request, response) => {
    asked.push(`${request.method} ${request.headers.host} ${request.url}`);
    if (misbehave !== undefined) {
      misbehave(request.socket, () => beneathTls.get(request.socket.remotePort)?.resetAndDestroy());
      return;
    }
    response.setHeader("content-type", "application/json");
    response.end(NO_RUNNERS);
  });
  const beneathTls = new Map<number | undefined, Socket>();
  server.on("connection", (socket: Socket) => beneathTls.set(socket.remotePort, socket));
  return { port: await listen(server), asked };
}

export interface Proxy {
  readonly url: string;
  /** Where it was asked to connect to, with whatever it was told of who asks. */
  readonly asked: readonly string[];
}

/** Leads everything to one port of this computer, whatever name it is asked for: names are the proxy's business. */
export async function startProxy(toPort: number, refusal: number | null = null): Promise<Proxy> {
  const asked: string[] = [];
  const server = createHttpServer();
  server.on("connect", (request, socket: Socket) => {
    asked.push([request.url, request.headers["proxy-authorization"]].filter(Boolean).join(" "));
    if (refusal !== null) {
      socket.end(`HTTP/1.1 ${refusal} Refused\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const onward = connect(toPort, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
  });
  return { url: `http://127.0.0.1:${await listen(server)}`, asked };
}

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return (server.address() as AddressInfo).port;
}
