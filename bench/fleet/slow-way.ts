/**
 * The way to a service that is far: everything arrives 50 ms later, and each call is counted here, so that no figure is the
 * word of a service of ours or of the controller.
 */
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the peer was measured with. */
const ANSWER_MS = 50;

/** How often each operation was called, by its name. */
export type Calls = Readonly<Record<string, number>>;

export interface SlowWay {
  /** Without a slash at the end. */
  readonly url: string;
  calls(): Calls;
  /** Calls that have not been answered yet. */
  openCount(): number;
  close(): Promise<void>;
}

/** @param nameOf what a call is counted as. */
export async function openSlowWay(
  target: string,
  nameOf: (method: string, path: string, body: string) => string,
): Promise<SlowWay> {
  const counts = new Map<string, number>();
  const agent = new Agent({ keepAlive: true });
  let openCount = 0;
  const server = createServer((incoming, outgoing) => {
    openCount += 1;
    outgoing.once("close", () => {
      openCount -= 1;
    });
    void readBody(incoming).then((body) => {
      const name = nameOf(incoming.method ?? "", new URL(incoming.url ?? "/", target).pathname, body.toString("utf8"));
      counts.set(name, (counts.get(name) ?? 0) + 1);
      setTimeout(() => forward({ target, agent, incoming, body }, outgoing), ANSWER_MS);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: () => Object.fromEntries(counts),
    openCount: () => openCount,
    close: async () => {
      agent.destroy();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** What was called since then. */
export function since(before: Calls, after: Calls): Calls {
  const names = Object.keys(after).sort();
  return Object.fromEntries(
    names.map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)] as const).filter(([, count]) => count > 0),
  );
}

export function total(calls: Calls): number {
  return Object.values(calls).reduce((sum, count) => sum + count, 0);
}

interface Call {
  readonly target: string;
  readonly agent: Agent;
  readonly incoming: IncomingMessage;
  readonly body: Buffer;
}

function forward({ target, agent, incoming, body }: Call, outgoing: ServerResponse): void {
  const { method, url = "/", headers } = incoming;
  const onward = request(`${target}${url}`, { agent, method, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  // Whoever asked sees a broken connection, as they would of a service that went away.
  onward.on("error", () => outgoing.destroy());
  onward.end(body);
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
