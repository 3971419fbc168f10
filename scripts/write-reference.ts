// Writes the pages of docs/reference from the catalogues and the schema in the code, and what is installed on instances: npm
// run reference.
// test/tidy.test.ts compares the pages with what is rendered here.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { renderCommandsReference } from "../src/app/commands-reference.ts";
import { renderConfigurationReference } from "../src/app/config/reference.ts";
import { renderScenarioReference } from "../src/app/simulate/reference.ts";
import { ERRORS } from "../src/domain/errors.ts";
import { AGENT_UNIT } from "../src/domain/host/settings.ts";
import { AGENT_UNIT_PATH } from "../src/domain/instance/agent-unit.ts";
import { SYSTEM_FILES } from "../src/domain/instance/system-files.ts";
import { REASONS } from "../src/domain/reasons.ts";
import { COUNTERS, GAUGES, HISTOGRAMS } from "../src/ports/telemetry.ts";
import { ATTRIBUTES, SPANS } from "../src/ports/traces.ts";
import { renderApiPage } from "./api-page.ts";
import { renderIamPage } from "./iam-page.ts";
import { renderRbacPage } from "./rbac-page.ts";

interface CatalogueEntry {
  readonly sentence: string;
  readonly mend?: string;
}

interface ReferencePage {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
}

const ERRORS_INTRODUCTION = `The message of an error says what Holdfast attempted; its code says what went wrong, in a word that scripts can rely
on.`;

const REASONS_INTRODUCTION = `Every job that waits, every machine that is kept and every machine that retires carries one of these codes.
\`holdfast explain\` prints the sentence and the evidence beside it.`;

const METRICS_INTRODUCTION = `At \`/metrics\` of every listening address, in Prometheus' text format, beside the process' own figures. Names end with
their unit. A counter or a histogram is what happened in this process since its start; a gauge of a pool is shown by the
process that holds the pool, and no more once the pool is gone. No label names a machine, a job or a repository.
[What to watch, and what to do](../guide/monitoring.md).`;

const TRACES_INTRODUCTION = `Off unless [a collector is named](../guide/monitoring.md#traces). The name of a span is one of these and a word after it, as
in \`pass assign\` or \`github generate-jitconfig\`: never an id. What it is about is in its attributes, which hold no
secret and no text from outside. A span that failed has \`error.type\`.`;

export function referencePages(): readonly ReferencePage[] {
  return [
    { path: "docs/reference/errors.md", text: renderCatalogue("Errors", "errors", ERRORS_INTRODUCTION, ERRORS) },
    { path: "docs/reference/reasons.md", text: renderCatalogue("Reasons", "reasons", REASONS_INTRODUCTION, REASONS) },
    { path: "docs/reference/metrics.md", text: renderMetrics() },
    { path: "docs/reference/api.md", text: renderApiPage() },
    { path: "docs/reference/traces.md", text: renderTraces() },
    { path: "docs/reference/commands.md", text: renderCommandsReference() },
    { path: "docs/reference/configuration.md", text: renderConfigurationReference() },
    { path: "docs/reference/scenario.md", text: renderScenarioReference() },
    { path: "docs/reference/iam.md", text: renderIamPage() },
    { path: "docs/reference/rbac.md", text: renderRbacPage() },
    ...SYSTEM_FILES.map(({ path, text }) => ({ path: deployedPath(path), text })),
  ];
}

/** Of what is installed on an instance: the unit beside the controller's, the rest as it lies there. */
function deployedPath(path: string): string {
  return path === AGENT_UNIT_PATH ? `deploy/systemd/${AGENT_UNIT}` : `deploy/agent${path}`;
}

function renderCatalogue(
  title: string,
  module: string,
  introduction: string,
  catalogue: Readonly<Record<string, CatalogueEntry>>,
): string {
  const entries = Object.entries(catalogue).map(([code, entry]) => {
    const mend = entry.mend === undefined ? "" : `\nWhat to do: ${entry.mend}\n`;
    return `## ${code}\n\n${entry.sentence}\n${mend}`;
  });
  const origin = `<!-- Written by \`npm run reference\` from src/domain/${module}.ts. Change it there. -->`;
  return `${origin}\n\n# ${title}\n\n${introduction}\n\n${entries.join("\n")}`;
}

function renderMetrics(): string {
  const rows = [
    ...Object.entries(COUNTERS).map(([name, metric]) => metricRow(name, "counter", metric)),
    ...Object.entries(GAUGES).map(([name, metric]) => metricRow(name, "gauge", metric)),
    ...Object.entries(HISTOGRAMS).map(([name, metric]) =>
      metricRow(name, "histogram", { ...metric, sentence: `${metric.sentence} ${bucketsOf(metric)}` }),
    ),
  ];
  const origin = "<!-- Written by `npm run reference` from src/ports/telemetry.ts. Change it there. -->";
  return `${origin}\n\n# Metrics\n\n${METRICS_INTRODUCTION}\n\n| metric | kind | labels | what it says |\n|---|---|---|---|\n${rows.join("\n")}\n`;
}

function renderTraces(): string {
  const spans = Object.entries(SPANS).map(([name, { sentence, kind, attributes }]) => {
    const keys = attributes.map((one) => `\`${ATTRIBUTES[one].key}\``).join(", ");
    return `| \`${name}\` | ${kind} | ${sentence} | ${keys} |`;
  });
  const attributes = Object.values(ATTRIBUTES).map(({ key, sentence }) => `| \`${key}\` | ${sentence} |`);
  const origin = "<!-- Written by `npm run reference` from src/ports/traces.ts. Change it there. -->";
  return [
    `${origin}\n\n# Traces\n\n${TRACES_INTRODUCTION}\n`,
    `## Spans\n\n| span | kind | what it is | attributes |\n|---|---|---|---|\n${spans.join("\n")}\n`,
    `## Attributes\n\n| attribute | what it says |\n|---|---|\n${attributes.join("\n")}\n`,
  ].join("\n");
}

function bucketsOf({ buckets }: { readonly buckets: readonly number[] }): string {
  return `Buckets up to ${buckets.join(", ")} s.`;
}

function metricRow(
  name: string,
  kind: string,
  metric: { readonly sentence: string; readonly labels: readonly string[] },
): string {
  const labels = metric.labels.map((label) => `\`${label}\``).join(", ");
  return `| \`${name}\` | ${kind} | ${labels} | ${metric.sentence} |`;
}

if (import.meta.main) {
  for (const page of referencePages()) {
    const target = join(import.meta.dirname, "..", page.path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, page.text);
    console.log(`wrote ${page.path}`);
  }
}
