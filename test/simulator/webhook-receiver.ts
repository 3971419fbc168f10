import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** Stands where the controller's webhook endpoint would be. */
export interface WebhookReceiver {
  readonly url: string;
  readonly received: readonly ReceivedDelivery[];
  /** What the next deliveries are answered with; `silence` keeps the connection open without an answer. */
  answerWith(status: number | "silence"): void;
  close(): Promise<void>;
}

export interface ReceivedDelivery {
  readonly guid: string;
  readonly event: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly payload: {
    readonly action?: string;
    readonly workflow_job?: { readonly id: number; readonly status: string };
  };
}

function jsonOf(headers: IncomingHttpHeaders, body: string): string {
  const isForm = headers["content-type"] === "application/x-www-form-urlencoded";
  return isForm ? (new URLSearchParams(body).get("payload") ?? "") : body;
}

export async function startReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedDelivery[] = [];
  let answer: number | "silence" = 202;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString("utf8");
    const { headers } = request;
    const [guid, event] = [String(headers["x-github-delivery"]), String(headers["x-github-event"])];
    received.push({ guid, event, headers, body, payload: JSON.parse(jsonOf(headers, body)) });
    if (answer !== "silence") response.writeHead(answer).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    answerWith: (status) => {
      answer = status;
    },
    close: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}
