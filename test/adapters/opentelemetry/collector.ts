/**
 * A collector of traces over loopback: takes OTLP/HTTP with protobuf as
 * https://github.com/open-telemetry/opentelemetry-proto describes it, and reads what arrives.
 */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { type Fields, hexIn, messagesIn, numberIn, readFields, textIn } from "./protobuf.ts";

export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for one that begins a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly isFailed: boolean;
}

export interface CollectedRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Collector {
  readonly url: string;
  readonly requests: readonly CollectedRequest[];
  /** Of whoever sent them: `service.name` and its like. */
  readonly resource: Readonly<Record<string, unknown>>;
  readonly spans: readonly CollectedSpan[];
  /** Resolves with the next request. */
  next(): Promise<void>;
}

export type Answer = (response: ServerResponse) => void;

const TAKE: Answer = (response) => response.writeHead(200, { "content-type": "application/x-protobuf" }).end();

/** @param answer what each request gets; nothing is answered where it does nothing. */
export async function startCollector(answer: Answer = TAKE): Promise<Collector> {
  const requests: CollectedRequest[] = [];
  let arrived = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    requests.push({ path: request.url ?? "", headers: request.headers, body });
    answer(response);
    arrived.resolve();
    arrived = Promise.withResolvers<void>();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    requests,
    get resource() {
      const [first] = requests.flatMap(({ body }) => messagesIn(readFields(body), 1));
      return first === undefined ? {} : attributesIn(messagesIn(first, 1)[0] ?? new Map(), 1);
    },
    get spans() {
      return requests.flatMap(({ body }) => readSpans(body));
    },
    next: () => arrived.promise,
  };
}

/** ExportTraceServiceRequest > ResourceSpans > ScopeSpans > Span, by the numbers of trace.proto. */
function readSpans(body: Uint8Array): readonly CollectedSpan[] {
  const ofResources = messagesIn(readFields(body), 1);
  const ofScopes = ofResources.flatMap((one) => messagesIn(one, 2));
  return ofScopes.flatMap((one) => messagesIn(one, 2)).map(readSpan);
}

const STATUS_ERROR = 2;

function readSpan(span: Fields): CollectedSpan {
  const [status] = messagesIn(span, 15);
  return {
    traceId: hexIn(span, 1),
    spanId: hexIn(span, 2),
    parentSpanId: hexIn(span, 4),
    name: textIn(span, 5),
    kind: numberIn(span, 6),
    attributes: attributesIn(span, 9),
    isFailed: status !== undefined && numberIn(status, 3) === STATUS_ERROR,
  };
}

/** KeyValue, with an AnyValue of common.proto. */
function attributesIn(fields: Fields, field: number): Readonly<Record<string, unknown>> {
  const pairs = messagesIn(fields, field).map((pair): [string, unknown] => {
    const [value = new Map()] = messagesIn(pair, 2);
    return [textIn(pair, 1), readAny(value)];
  });
  return Object.fromEntries(pairs);
}

function readAny(value: Fields): unknown {
  if (value.has(1)) return textIn(value, 1);
  if (value.has(2)) return numberIn(value, 2) === 1;
  if (value.has(3)) return numberIn(value, 3);
  const [list] = messagesIn(value, 5);
  if (list !== undefined) return messagesIn(list, 1).map(readAny);
  throw new Error("an attribute has a value of a kind that Holdfast does not send");
}
