/**
 * Traces: what was done, how long each part of it took, and what it was about. Names are few and known, as those of the
 * figures are; what a span is about is in its attributes. None of them holds a secret, nor a text that came from outside.
 */

export const SPANS = {
  pass: {
    sentence: "One pass of a controller, by its name: what it read, decided and called. A trace of its own.",
    words: null,
    attributes: ["pool", "connection", "errorCode"],
    kind: "internal",
    isRoot: true,
  },
  webhook: {
    sentence:
      "A delivery of GitHub's, from its headers to our answer: `receive`. A trace of its own; `delivery apply` goes on where it ends.",
    words: ["receive"],
    attributes: ["connection", "delivery", "event", "outcome", "errorCode"],
    kind: "server",
    isRoot: true,
  },
  delivery: {
    sentence: "A stored delivery becomes the state of a job: `apply`.",
    words: ["apply"],
    attributes: ["connection", "delivery", "job", "outcome", "errorCode"],
    kind: "internal",
    isRoot: false,
  },
  assign: {
    sentence:
      "A decision is written: `mint` and `aim` bind a ticket to a job, `standing` makes one in advance, `launch` asks for machines, `start` for a stopped one.",
    words: ["mint", "aim", "standing", "launch", "start"],
    attributes: ["pool", "job", "machine", "ticket", "launch", "count", "errorCode"],
    kind: "internal",
    isRoot: false,
  },
  ticket: {
    sentence: "GitHub is asked for a ticket's registration: `mint`. A machine gets its ticket: `deliver`.",
    words: ["mint", "deliver"],
    attributes: ["pool", "job", "machine", "ticket", "errorCode"],
    kind: "internal",
    isRoot: false,
  },
  agent: {
    sentence: "A call of a machine's agent: `check-in`, `report`, `logs`. Its long polls are none. A trace of its own.",
    words: ["check-in", "report", "logs"],
    attributes: ["pool", "machine", "ticket", "outcome", "errorCode"],
    kind: "server",
    isRoot: true,
  },
  github: {
    sentence:
      "A call to GitHub by its operation, as in `holdfast_github_calls_total`: its wait for its turn and what it was asked again for included.",
    words: null,
    attributes: ["account", "purpose", "status", "errorCode"],
    kind: "internal",
    isRoot: false,
  },
  exchange: {
    sentence: "One exchange over the network that a call to GitHub consists of, by the same operation.",
    words: null,
    attributes: ["method", "purpose", "status", "errorCode"],
    kind: "client",
    isRoot: false,
  },
  provider: {
    sentence:
      "A call of a pool's provider: `launch`, `draft`, `list`, `terminate`, `stop`, `start`, `console`, `version`, `check`.",
    words: ["launch", "draft", "list", "terminate", "stop", "start", "console", "hold", "version", "check"],
    attributes: ["pool", "kind", "launch", "machine", "machines", "providerId", "proof", "count", "errorCode"],
    kind: "client",
    isRoot: false,
  },
} as const satisfies Record<string, SpanShape>;

interface SpanShape {
  readonly sentence: string;
  /** What may stand after the span's name; null where another list says it: the controllers, the operations. */
  readonly words: readonly string[] | null;
  readonly attributes: readonly AttributeName[];
  /** Of OpenTelemetry's kinds of spans. */
  readonly kind: "internal" | "server" | "client";
  /** Begins a trace, wherever it is called. */
  readonly isRoot: boolean;
}

export const ATTRIBUTES = {
  pool: { key: "holdfast.pool", sentence: "The pool's name." },
  connection: { key: "holdfast.connection", sentence: "The connection's name in the configuration." },
  delivery: { key: "holdfast.delivery", sentence: "GitHub's id of the delivery." },
  event: { key: "holdfast.event", sentence: "The name of GitHub's event." },
  job: { key: "holdfast.job", sentence: "GitHub's id of the job." },
  machine: { key: "holdfast.machine", sentence: "The machine's id." },
  machines: { key: "holdfast.machines", sentence: "The ids of all machines of the launch." },
  ticket: { key: "holdfast.ticket", sentence: "The ticket's id." },
  launch: { key: "holdfast.launch", sentence: "The launch's id." },
  providerId: { key: "holdfast.provider_id", sentence: "The machine's id at its provider." },
  kind: { key: "holdfast.provider_kind", sentence: "The provider's kind." },
  proof: { key: "holdfast.proof", sentence: "By which the ending is permitted." },
  count: { key: "holdfast.count", sentence: "How many machines were asked for, listed or launched." },
  account: { key: "holdfast.account", sentence: "Whose budget at GitHub is spent." },
  purpose: { key: "holdfast.purpose", sentence: "What a call to GitHub is for, which is its rank." },
  outcome: { key: "holdfast.outcome", sentence: "What came of it, in a word." },
  method: { key: "http.request.method", sentence: "The HTTP method." },
  status: { key: "http.response.status_code", sentence: "The HTTP status; absent where there was no answer." },
  errorCode: {
    key: "error.type",
    sentence: "The code of docs/reference/errors.md that it failed with, or the name of what went wrong.",
  },
} as const satisfies Record<string, { readonly key: string; readonly sentence: string }>;
export type AttributeName = keyof typeof ATTRIBUTES;

export type SpanName = keyof typeof SPANS;
/** What may stand after a span's name. */
export type SpanWord<Name extends SpanName> = (typeof SPANS)[Name]["words"] extends readonly (infer Word)[]
  ? Word
  : string;
/** Null and undefined are left out. */
export type AttributeValue = string | number | readonly string[] | null | undefined;
export type SpanAttributes<Name extends SpanName> = Readonly<
  Partial<Record<(typeof SPANS)[Name]["attributes"][number], AttributeValue>>
>;

export interface Span<Name extends SpanName> {
  /** Adds what became known while the work was under way. */
  note(attributes: SpanAttributes<Name>): void;
}

export interface Traces {
  /**
   * Does a piece of work as a span, inside of the span in which this is called. A span whose work throws has failed, with the
   * error's code. Where traces are off it does the work and nothing else.
   */
  trace<Name extends SpanName, Value>(
    name: Name,
    word: SpanWord<Name>,
    attributes: SpanAttributes<Name>,
    work: (span: Span<Name>) => Promise<Value>,
  ): Promise<Value>;
}

const UNSEEN: Span<SpanName> = { note: () => {} };

/** The span that is under way, as log lines name it. */
export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
}

/** Traces that are on. */
export interface Tracer extends Traces {
  /** Null outside of every span, and in a trace that is not kept. */
  current(): SpanIds | null;
}

/** Traces that are off. */
export const NO_TRACES: Traces = { trace: (_name, _word, _attributes, work) => work(UNSEEN) };
