/** What stands in front of a port of this machine in a test: the bytes pass, in TLS on one side. It counts who comes. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { onTestFinished } from "vitest";
import type { IssuedCertificate } from "../http/issue-certificate.ts";

const HOST = "127.0.0.1";

export interface Door {
  readonly port: number;
  connectionCount(): number;
}

/** TLS outside and plain inside, as in front of GitHub. */
export function openTlsDoor(pair: IssuedCertificate, toPort: number): Promise<Door> {
  const server = createTlsServer({ cert: pair.certificatePem, key: pair.keyPem });
  return openDoor(server, "secureConnection", () => connect(toPort, HOST));
}

/** Plain outside and TLS inside, as a load balancer in the machines' own network. @param trusted the one authority. */
export function openPlainDoor(trusted: IssuedCertificate, toPort: number): Promise<Door> {
  return openDoor(createServer(), "connection", () =>
    connectTls({ host: HOST, port: toPort, ca: trusted.certificatePem }),
  );
}

async function openDoor(server: Server, arrival: "connection" | "secureConnection", goOn: () => Socket): Promise<Door> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  };
  let connectionCount = 0;
  server.on("connection", keep);
  server.on(arrival, (incoming: Socket) => {
    connectionCount += 1;
    const onward = goOn();
    keep(onward);
    incoming.on("error", () => onward.destroy());
    onward.on("error", () => incoming.destroy());
    incoming.pipe(onward).pipe(incoming);
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { port: (server.address() as AddressInfo).port, connectionCount: () => connectionCount };
}
