/**
 * Whether traces are handed to a collector, and to which. The configuration's block comes first; without it OpenTelemetry's own
 * variables count, whose names and meanings are those of
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/ and …/configuration/sdk-environment-variables/.
 */
import { parseUrl } from "./addresses.ts";
import type { Draft } from "./draft.ts";
import type { Environment } from "./environment.ts";
import { readCertificates } from "./networks.ts";
import { ProblemList } from "./problems.ts";
import { SecretReader } from "./secret-sources.ts";

export interface TracesConfig {
  /** Where spans are posted to. */
  readonly url: string;
  /** From 0 to 1. */
  readonly ratio: number;
  /** Secret. */
  readonly headers: Readonly<Record<string, string>>;
  readonly caPem: string | null;
}

const BLOCK = "telemetry.traces";
const PATH = "/v1/traces";
/** Where a collector listens whose address nobody names. */
const COLLECTOR_DEFAULT = "http://localhost:4318";

/** @returns null where traces are off, and after adding a problem. */
export async function readTraces(draft: Pick<Draft, "telemetry">, reader: SecretReader): Promise<TracesConfig | null> {
  if (reader.variable("OTEL_SDK_DISABLED")?.toLowerCase() === "true") return null;
  const block = draft.telemetry?.traces;
  const url = block === undefined ? readUrl(reader) : urlOf(block.endpoint);
  if (url === null) return null;
  return {
    url,
    ratio: block === undefined ? readRatio(reader) : (block.ratio ?? 1),
    headers: await readHeaders(block?.headersFile, reader),
    caPem: await readAuthority(block?.caFile, reader),
  };
}

/**
 * As the variables alone say, for what has no configuration.
 * @throws {ConfigError} `config-invalid` | `config-unreadable`
 */
export async function readTracesOfEnvironment(environment: Environment): Promise<TracesConfig | null> {
  const problems = new ProblemList();
  const traces = await readTraces({}, new SecretReader(".", environment, problems));
  problems.throwIfAny("the environment");
  return traces;
}

/** Null where it is none, which the schema tells of. */
function urlOf(endpoint: string | undefined): string | null {
  const url = parseUrl(endpoint ?? "");
  if (url === null) return null;
  return url.endsWith(PATH) ? url : `${url}${PATH}`;
}

function readUrl(reader: SecretReader): string | null {
  const exporters = reader.variable("OTEL_TRACES_EXPORTER")?.toLowerCase().split(",") ?? null;
  if (exporters?.includes("otlp") === false) return null;
  const whole = variableUrl("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", reader);
  if (whole !== null) return whole;
  const base = variableUrl("OTEL_EXPORTER_OTLP_ENDPOINT", reader) ?? (exporters === null ? null : COLLECTOR_DEFAULT);
  return base === null ? null : `${base}${PATH}`;
}

function variableUrl(name: string, reader: SecretReader): string | null {
  const text = reader.variable(name);
  if (text === null) return null;
  const url = parseUrl(text);
  const mend = "as in `http://127.0.0.1:4318`, or unset it";
  if (url === null)
    reader.problems.add(`${BLOCK}.endpoint`, `the variable ${name} must be an http or https address`, mend);
  return url;
}

/** Of the samplers, those that go by a part of all traces. */
function readRatio(reader: SecretReader): number {
  const sampler = reader.variable("OTEL_TRACES_SAMPLER")?.toLowerCase().replace("parentbased_", "") ?? "always_on";
  if (sampler === "always_off") return 0;
  if (sampler !== "traceidratio") return 1;
  const text = reader.variable("OTEL_TRACES_SAMPLER_ARG") ?? "1";
  const ratio = Number(text);
  if (ratio >= 0 && ratio <= 1) return ratio;
  reader.problems.add(`${BLOCK}.ratio`, "the variable OTEL_TRACES_SAMPLER_ARG must be from 0 to 1", "as in `0.1`");
  return 1;
}

const HEADERS_SOURCE = "one `name=value` a line, as in `authorization=Bearer%20abc`";
const HEADER = /^\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*=\s*([\x20-\x7e]*?)\s*$/;

async function readHeaders(file: string | undefined, reader: SecretReader): Promise<Readonly<Record<string, string>>> {
  const own = "OTEL_EXPORTER_OTLP_TRACES_HEADERS";
  const variable = reader.has(own) ? own : "OTEL_EXPORTER_OTLP_HEADERS";
  if (file === undefined && !reader.has(variable)) return {};
  const path = `${BLOCK}.headersFile`;
  const text = (await reader.read({ path, file, variable, source: HEADERS_SOURCE }))?.toString("utf8") ?? "";
  const headers: Record<string, string> = {};
  for (const line of text.split(/[,\r\n]+/).filter((one) => one.trim() !== "")) {
    const [, name, value = ""] = HEADER.exec(line) ?? [];
    const decoded = decode(value);
    if (name === undefined || decoded === null) {
      reader.problems.add(path, "does not hold just headers", HEADERS_SOURCE);
      return {};
    }
    headers[name.toLowerCase()] = decoded;
  }
  return headers;
}

/** Null for what is none, and for what no header may hold. */
function decode(value: string): string | null {
  try {
    const text = decodeURIComponent(value);
    return /^[\x20-\x7e]*$/.test(text) ? text : null;
  } catch {
    return null;
  }
}

async function readAuthority(file: string | undefined, reader: SecretReader): Promise<string | null> {
  const named =
    file ??
    reader.variable("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE") ??
    reader.variable("OTEL_EXPORTER_OTLP_CERTIFICATE");
  if (named === null || named === "") return null;
  const source = "name a file with the authority's certificate in PEM form (-----BEGIN CERTIFICATE-----)";
  const certificates = await readCertificates({ path: `${BLOCK}.caFile`, file: named, source }, reader);
  return certificates.length === 0 ? null : certificates.join("\n");
}
