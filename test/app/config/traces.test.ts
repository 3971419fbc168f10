import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderProblems } from "../../../src/app/config/problems.ts";
import { readTracesOfEnvironment } from "../../../src/app/config/traces.ts";
import { itTellsOf, type Row, SECRET } from "./broken-row.ts";
import { failureIn, makeFolder, readIn, soundConfig, type Written } from "./config-folder.ts";

const COLLECTOR = "http://127.0.0.1:4318";
const OFF = null;

async function tracesIn(block: Written, environment = {}, headers = ""): Promise<unknown> {
  const folder = makeFolder();
  writeFileSync(join(folder, "headers"), headers);
  const telemetry = block === undefined ? {} : { telemetry: { traces: block } };
  return (await readIn(folder, { ...soundConfig(), ...telemetry }, environment)).traces;
}

describe("the block", () => {
  it.each<[name: string, endpoint: string, url: string]>([
    ["an address", COLLECTOR, `${COLLECTOR}/v1/traces`],
    ["one with a slash", `${COLLECTOR}/`, `${COLLECTOR}/v1/traces`],
    ["one with a path", "https://otel.acme.com/team", "https://otel.acme.com/team/v1/traces"],
    ["one with the path for traces", `${COLLECTOR}/v1/traces`, `${COLLECTOR}/v1/traces`],
  ])("names a collector by %s", async (_name, endpoint, url) => {
    expect(await tracesIn({ endpoint })).toEqual({ url, ratio: 1, headers: {}, caPem: null });
  });

  it("has a ratio, headers and an authority", async () => {
    const block = { endpoint: COLLECTOR, ratio: 0.25, headersFile: "headers", caFile: "ca.pem" };
    const traces = await tracesIn(block, {}, "authorization=Bearer%20SECRETOFCOLLECTOR\r\nX-Team = ci ,x-empty=\n");
    expect(traces).toMatchObject({
      ratio: 0.25,
      headers: { authorization: "Bearer SECRETOFCOLLECTOR", "x-team": "ci", "x-empty": "" },
      caPem: expect.stringContaining("BEGIN CERTIFICATE"),
    });
  });

  it("comes before the variables, whose headers it takes", async () => {
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://elsewhere", OTEL_EXPORTER_OTLP_HEADERS: "x-key=1" };
    expect(await tracesIn({ endpoint: COLLECTOR }, environment)).toMatchObject({
      url: `${COLLECTOR}/v1/traces`,
      headers: { "x-key": "1" },
    });
  });

  it("is off where OpenTelemetry is", async () => {
    expect(await tracesIn({ endpoint: COLLECTOR }, { OTEL_SDK_DISABLED: "true" })).toBe(OFF);
  });

  const says = (block: Written) => (config: Written) => (config.telemetry = { traces: block });
  const rows: readonly Row[] = [
    [
      "no endpoint",
      says({ ratio: 0.5 }),
      "telemetry.traces.endpoint",
      "is missing",
      "as in `endpoint: http://127.0.0.1:4318`",
    ],
    [
      "an endpoint that is none",
      says({ endpoint: "127.0.0.1:4318" }),
      "telemetry.traces.endpoint",
      "must be an http or https address without user, query or fragment",
      "as in `endpoint: http://127.0.0.1:4318`",
    ],
    [
      "a ratio above one",
      says({ endpoint: COLLECTOR, ratio: 10 }),
      "telemetry.traces.ratio",
      "must be at most 1",
      "as in `ratio: 0.1`",
    ],
    [
      "headers that are none",
      says({ endpoint: COLLECTOR, headersFile: "github-token" }),
      "telemetry.traces.headersFile",
      "does not hold just headers",
      "one `name=value` a line, as in `authorization=Bearer%20abc`",
    ],
    [
      "an authority that is none",
      says({ endpoint: COLLECTOR, caFile: "github-token" }),
      "telemetry.traces.caFile",
      "does not hold just certificates in PEM form, at least one",
      "name a file with the authority's certificate in PEM form (-----BEGIN CERTIFICATE-----)",
    ],
    [
      "a key out of nowhere",
      says({ endpoint: COLLECTOR, sampling: 1 }),
      "telemetry.traces.sampling",
      "unknown key",
      "remove it; known here: endpoint, ratio, headersFile, caFile",
    ],
  ];
  itTellsOf(rows);

  it("refuses headers in its file and in the variable", async () => {
    const config = { ...soundConfig(), telemetry: { traces: { endpoint: COLLECTOR, headersFile: "alice-token" } } };
    const error = await failureIn(makeFolder(), config, { OTEL_EXPORTER_OTLP_HEADERS: "x-key=SECRET0" });
    expect(error.problems).toEqual([
      {
        path: "telemetry.traces.headersFile",
        problem: "is set, and the variable OTEL_EXPORTER_OTLP_HEADERS is too",
        mend: "keep one of them",
      },
    ]);
  });
});

describe("OpenTelemetry's variables, without a block", () => {
  const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: COLLECTOR };
  it.each<[name: string, environment: Readonly<Record<string, string>>, wanted: unknown]>([
    ["none", {}, OFF],
    ["empty ones", { OTEL_EXPORTER_OTLP_ENDPOINT: "", OTEL_TRACES_EXPORTER: "" }, OFF],
    ["a collector", ENDPOINT, { url: `${COLLECTOR}/v1/traces`, ratio: 1 }],
    [
      "one for traces",
      { ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://traces/x" },
      { url: "http://traces/x" },
    ],
    ["an exporter alone", { OTEL_TRACES_EXPORTER: "otlp" }, { url: "http://localhost:4318/v1/traces" }],
    ["no exporter", { ...ENDPOINT, OTEL_TRACES_EXPORTER: "none" }, OFF],
    ["another exporter", { ...ENDPOINT, OTEL_TRACES_EXPORTER: "zipkin,console" }, OFF],
    ["all of it off", { ...ENDPOINT, OTEL_SDK_DISABLED: "TRUE" }, OFF],
    [
      "a ratio",
      { ...ENDPOINT, OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.1" },
      { ratio: 0.1 },
    ],
    ["no traces at all", { ...ENDPOINT, OTEL_TRACES_SAMPLER: "always_off" }, { ratio: 0 }],
    [
      "headers for traces",
      { ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: "a=1", OTEL_EXPORTER_OTLP_TRACES_HEADERS: "b=2,c=3" },
      { headers: { b: "2", c: "3" } },
    ],
  ])("%s", async (_name, environment, wanted) => {
    const traces = await tracesIn(undefined, environment);
    if (wanted === OFF) expect(traces).toBe(OFF);
    else expect(traces).toMatchObject(wanted as object);
    expect(await readTracesOfEnvironment(environment)).toEqual(traces);
  });

  it.each<[name: string, environment: Readonly<Record<string, string>>, path: string]>([
    ["an address that is none", { OTEL_EXPORTER_OTLP_ENDPOINT: "SECRET0" }, "telemetry.traces.endpoint"],
    [
      "a ratio that is none",
      { ...ENDPOINT, OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "SECRET0" },
      "telemetry.traces.ratio",
    ],
    ["headers that are none", { ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: "SECRET0" }, "telemetry.traces.headersFile"],
    ["a broken escape", { ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: "a=%zz" }, "telemetry.traces.headersFile"],
    [
      "an end of line in one",
      { ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: "a=b%0d%0ac" },
      "telemetry.traces.headersFile",
    ],
  ])("%s is told, and not repeated", async (_name, environment, path) => {
    const error = await failureIn(makeFolder(), soundConfig(), environment);
    expect(error.problems.map((one) => one.path)).toEqual([path]);
    expect(renderProblems(error)).not.toMatch(SECRET);
    await expect(readTracesOfEnvironment(environment)).rejects.toMatchObject({ code: "config-invalid" });
  });
});
