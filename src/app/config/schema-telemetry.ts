/** What Holdfast tells about itself besides its log and its figures. */
import * as z from "zod";
import { key, pathText, urlText } from "./key.ts";

const TracesSchema = z.strictObject({
  endpoint: key(urlText(), {
    says: "Where a collector takes traces over OTLP/HTTP (protobuf): its address, to which `/v1/traces` is added, or that with it.",
    example: "endpoint: http://127.0.0.1:4318",
  }),
  ratio: key(z.number().min(0).max(1).prefault(1), {
    says: "Which part of all traces is kept, from 0 to 1; a trace is kept whole or not at all.",
    example: "ratio: 0.1",
  }),
  headersFile: key(pathText().optional(), {
    says: "A file with headers for the collector, such as its key, one `name=value` a line, `%` and what follows it decoded.",
    example: "headersFile: ./collector-headers",
    defaultText: "the variable `OTEL_EXPORTER_OTLP_HEADERS`, or none",
  }),
  caFile: key(pathText().optional(), {
    says: "The certificate (PEM) of the private authority that the collector's certificate comes from.",
    example: "caFile: ./acme-ca.pem",
    defaultText: "the file in `OTEL_EXPORTER_OTLP_CERTIFICATE`, or the usual authorities",
  }),
});

export const TelemetrySchema = z.strictObject({
  traces: key(TracesSchema.optional(), {
    says: "Traces of what Holdfast does, handed to a collector; [what is in them](traces.md). Without this block they are on where `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` names a collector; `OTEL_SDK_DISABLED=true` keeps them off in any case.",
    example: "traces: { endpoint: http://127.0.0.1:4318 }",
    defaultText: "off, or as OpenTelemetry's variables say",
  }),
});
