import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TicketId } from "../../src/domain/ids.ts";
import type {
  HandBackOrder,
  HostReport,
  OfferedTicket,
  ReportAnswer,
  ReportRequest,
  SavedLogs,
} from "../../src/domain/protocol.ts";

/** Shorter than the agents wait for an answer. */
const POLL_HOLD_MS = 20_000;

/** What a machine's reports are answered with. The answer waits for the promise: so an order leaves when it is wanted. */
export type ReportListener = (report: HostReport) => Promise<HandBackOrder | null>;

/**
 * The controller's side of the agents' protocol for many machines, each under a path of its own. It decides nothing: tickets
 * are offered and reports answered by whoever holds the machine's link.
 */
export class FenceController {
  #server: Server | null = null;
  #port = 0;
  readonly #links = new Map<string, Link>();

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  link(name: string): Link {
    const link = new Link(`http://127.0.0.1:${this.#port}/${name}`);
    this.#links.set(name, link);
    return link;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    const [, name, path] = /^\/([^/]+)\/agent\/v1\/(.+)$/.exec(request.url ?? "") ?? [];
    const link = this.#links.get(name ?? "");
    if (link === undefined) return send(response, 404, {});
    switch (path) {
      case "check-in":
        return send(response, 200, { protocolVersion: 1, token: "token" });
      case "poll":
        return link.enterPoll(response);
      case "report":
        return send(response, 200, await link.answer((body as ReportRequest).report));
      default:
        link.savedLogs = body as SavedLogs;
        return send(response, 200, { savedCount: 1 });
    }
  }
}

/** One machine, from its controller's side. */
export class Link {
  readonly url: string;
  /** What the agent saved of its last ticket. */
  savedLogs: SavedLogs | null = null;
  last: HostReport | null = null;
  onReport: ReportListener = async () => null;
  #offer: OfferedTicket | null = null;
  #ticketOut: TicketId | null = null;
  readonly #polls = new Set<ServerResponse>();

  constructor(url: string) {
    this.url = url;
  }

  /** Answers the open poll, or the next. */
  offer(ticket: OfferedTicket): void {
    this.#offer = ticket;
    for (const poll of [...this.#polls]) this.#deliver(poll);
  }

  enterPoll(response: ServerResponse): void {
    this.#polls.add(response);
    response.on("close", () => this.#polls.delete(response));
    setTimeout(() => {
      if (this.#polls.delete(response)) send(response, 200, { kind: "nothing" });
    }, POLL_HOLD_MS).unref();
    this.#deliver(response);
  }

  async answer(report: HostReport): Promise<ReportAnswer> {
    this.last = report;
    const ends = report.ended.map(({ id }) => id);
    if (this.#ticketOut !== null && ends.includes(this.#ticketOut)) this.#ticketOut = null;
    const handBack = await this.onReport(report);
    const ticketOut = this.#ticketOut;
    return { storeGeneration: 1, confirmedEnds: ends, ticketOut, isRetiring: false, handBack, isPinned: false };
  }

  #deliver(poll: ServerResponse): void {
    const ticket = this.#offer;
    if (ticket === null || !this.#polls.delete(poll)) return;
    this.#offer = null;
    this.#ticketOut = ticket.id;
    send(poll, 200, { kind: "ticket", ticket });
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
