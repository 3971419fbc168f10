import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseTicketId, type TicketId } from "../../src/domain/ids.ts";
import type {
  CheckInRequest,
  HostReport,
  Identity,
  OfferedTicket,
  PollRequest,
  ReportAnswer,
  ReportRequest,
  SavedLogs,
} from "../../src/domain/protocol.ts";

/** How long it holds a poll: shorter than a real controller, so that a test can see what comes of an empty answer. */
const POLL_HOLD_MS = 1_000;
/**
 * For what comes within moments on a machine that has nothing else to do: a guard against hanging, and no bound on how fast
 * anything is. Shorter than a test's own limit, so that whoever waits in vain says for what.
 */
export const DEADLINE_MS = 100_000;

interface OpenPoll {
  readonly incarnation: string;
  readonly response: ServerResponse;
}

/**
 * The controller's side of the agents' protocol, for one machine and with everything recorded. Like the real one it answers
 * a ticket again, to the incarnation that it was given to, until a report names it.
 */
export class FakeController {
  readonly checkIns: CheckInRequest[] = [];
  readonly reports: ReportRequest[] = [];
  readonly polls: PollRequest[] = [];
  readonly logs: SavedLogs[] = [];
  isRetiring = false;
  handBack: ReportAnswer["handBack"] = null;
  isPinned = false;
  /** It is asked only in answer to such reports: an engaged agent reports on changes, and else by heartbeat. */
  handsBackWhen: (report: HostReport) => boolean = () => true;
  /** A ticket that it believes to be out although the agent never got it. */
  claimsOut: TicketId | null = null;
  confirmsEnds = true;
  storeGeneration = 1;
  /** Answers the next poll that would get a ticket by breaking the connection: delivered, and lost on the way. */
  losesNextTicket = false;
  #server: Server | null = null;
  #port = 0;
  #tokens = new Set<string>();
  #offer: { readonly ticket: OfferedTicket; deliveredTo: string | null } | null = null;
  readonly #open = new Set<OpenPoll>();
  readonly #waiting = new Set<() => void>();
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Connections are cut and refused until it is started again, on the same port. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    this.#open.clear();
    if (server === null) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  revokeTokens(): void {
    this.#tokens = new Set();
  }

  offer(ticket: OfferedTicket): void {
    this.#offer = { ticket, deliveredTo: null };
    for (const poll of [...this.#open]) this.#answerPoll(poll);
  }

  last(): HostReport | null {
    return this.reports.at(-1)?.report ?? null;
  }

  /** How often some report carried the end of the ticket, and what it said last. */
  endOf(ticketId: TicketId): HostReport["ended"][number]["end"] | null {
    const ends = this.reports.flatMap(({ report }) => report.ended.filter(({ id }) => id === ticketId));
    return ends.at(-1)?.end ?? null;
  }

  /** Resolves with the first value that is neither undefined, null nor false; looks at once and after every message. */
  waitFor<Found>(what: string, look: () => Found | undefined | null | false): Promise<Found> {
    return new Promise((resolve, reject) => {
      const tryOnce = (): void => {
        const found = look();
        if (found === undefined || found === null || found === false) return;
        clearTimeout(timer);
        this.#waiting.delete(tryOnce);
        resolve(found);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(tryOnce);
        reject(new Error(`waiting for ${what}; the last report: ${JSON.stringify(this.last())}`));
      }, DEADLINE_MS);
      this.#waiting.add(tryOnce);
      tryOnce();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    const path = (request.url ?? "").replace("/agent/v1/", "");
    if (path === "check-in") return this.#answerCheckIn(body as CheckInRequest, response);
    const token = (request.headers.authorization ?? "").replace(/^Bearer /, "");
    if (!this.#tokens.has(token)) return send(response, 401, { code: "unauthorized" });
    if (path === "poll") this.#enterPoll(body as PollRequest, response);
    else if (path === "report") this.#answerReport(body as ReportRequest, response);
    else {
      this.logs.push(body as SavedLogs);
      send(response, 200, { savedCount: 1 });
    }
    for (const look of [...this.#waiting]) look();
  }

  #answerCheckIn(request: CheckInRequest, response: ServerResponse): void {
    this.checkIns.push(request);
    if (proofOf(request.identity) !== this.#secret) {
      send(response, 401, { code: "unauthorized" });
      return;
    }
    const token = `token-${this.checkIns.length}`;
    this.#tokens.add(token);
    send(response, 200, { protocolVersion: 1, token });
  }

  #answerReport(request: ReportRequest, response: ServerResponse): void {
    this.reports.push(request);
    const ended = request.report.ended.map(({ id }) => id);
    if (this.claimsOut !== null && ended.includes(this.claimsOut)) this.claimsOut = null;
    const offered = this.#offer;
    if (offered !== null && ended.includes(offered.ticket.id)) this.#offer = null;
    const answer: ReportAnswer = {
      storeGeneration: this.storeGeneration,
      confirmedEnds: this.confirmsEnds ? ended : [],
      ticketOut: this.claimsOut ?? (this.#offer?.deliveredTo ? this.#offer.ticket.id : null),
      isRetiring: this.isRetiring,
      handBack: this.handsBackWhen(request.report) ? this.handBack : null,
      isPinned: this.isPinned,
    };
    send(response, 200, answer);
  }

  #enterPoll(request: PollRequest, response: ServerResponse): void {
    this.polls.push(request);
    const poll = { incarnation: request.incarnation, response };
    this.#open.add(poll);
    response.on("close", () => this.#open.delete(poll));
    setTimeout(() => {
      if (this.#open.delete(poll)) send(response, 200, { kind: "nothing" });
    }, POLL_HOLD_MS).unref();
    this.#answerPoll(poll);
  }

  #answerPoll(poll: OpenPoll): void {
    const offer = this.#offer;
    if (offer === null || (offer.deliveredTo !== null && offer.deliveredTo !== poll.incarnation)) return;
    offer.deliveredTo = poll.incarnation;
    this.#open.delete(poll);
    if (this.losesNextTicket) poll.response.destroy();
    else send(poll.response, 200, { kind: "ticket", ticket: offer.ticket });
    this.losesNextTicket = false;
  }
}

function proofOf(identity: Identity): string {
  switch (identity.kind) {
    case "process":
      return identity.secret;
    case "kubernetes":
      return identity.token;
    case "ec2":
      return identity.document;
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

let ticketCount = 0;

export function ticketOf(jitConfig: string): OfferedTicket {
  ticketCount += 1;
  const id = parseTicketId(`t-${String(ticketCount).padStart(8, "0")}`);
  return { id, runnerName: `runner-${ticketCount}`, jitConfig };
}
