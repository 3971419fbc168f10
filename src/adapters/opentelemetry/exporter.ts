/** The client of a collector: spans in protobuf over OTLP/HTTP. */
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { EXPORT_TIMEOUT_MS } from "./queue.ts";

export interface CollectorOptions {
  /** Where spans are posted to: `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  /** Secret. */
  readonly headers: Readonly<Record<string, string>>;
  /** PEM of a private certificate authority; null for the usual ones. */
  readonly caPem: string | null;
}

/** @param agents every agent that it opens is added: whose sockets would keep the process from ending. */
export function createExporter({ url, headers, caPem }: CollectorOptions, agents: Set<HttpAgent>): OTLPTraceExporter {
  return new OTLPTraceExporter({
    url,
    headers: { ...headers },
    timeoutMillis: EXPORT_TIMEOUT_MS,
    httpAgentOptions: (protocol: string) => {
      const agent =
        protocol === "https:"
          ? new HttpsAgent({ keepAlive: true, ...(caPem === null ? {} : { ca: caPem }) })
          : new HttpAgent({ keepAlive: true });
      agents.add(agent);
      return agent;
    },
  });
}

/**
 * Hands over no span at all, which a collector takes as well as any (OTLP specification, "OTLP/HTTP Response": an empty request
 * is answered with success). Ends within `EXPORT_TIMEOUT_MS`.
 * @returns why it was not taken, in the exporter's words; null where it was.
 */
export async function tryCollector(options: CollectorOptions): Promise<string | null> {
  const agents = new Set<HttpAgent>();
  const exporter = createExporter(options, agents);
  try {
    return await new Promise((resolve) => {
      exporter.export([], ({ code, error }) => resolve(code === 0 ? null : describe(error)));
    });
  } finally {
    await exporter.shutdown();
    for (const agent of agents) agent.destroy();
  }
}

/** A status where there was an answer; else what kept it from coming, which Node puts into several errors in one. */
function describe(error: (Error & { readonly code?: unknown }) | undefined): string {
  if (error === undefined) return "nothing was said of why";
  if (typeof error.code === "number") return `it answered ${error.code}`;
  const causes = error instanceof AggregateError ? error.errors.map(String) : [];
  return [error.message, ...causes].find((text) => text !== "") ?? String(error.code ?? error.name);
}
