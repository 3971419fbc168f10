/** Writes `docs/reference/configuration.md` from the schema. */
import * as z from "zod";
import { type KeyNote, noteOf } from "./key.ts";
import { ConfigSchema } from "./schema.ts";
import { elementOf, shapeOf, unwrap } from "./schema-walk.ts";

const INTRODUCTION = `<!-- Written by \`renderConfigurationReference\` of src/app/config/reference.ts from the schema beside it. Change it there. -->

# Configuration

One YAML file; \`holdfast.example.yaml\` is one to start from. \`holdfast check --config holdfast.yaml\` reports every
problem at once, each with its path and what to do. Unknown keys are refused. Keys under "Reserved" belong to the design,
and are refused by this version unless they hold the one value that asks for nothing.

- **Durations** are written with their unit, greatest first: \`90s\`, \`2m\`, \`1h30m\`, \`7d\` (\`d\`, \`h\`, \`m\`, \`s\`, \`ms\`).
- **Paths** that are relative begin at the configuration file's own folder.
- **Addresses to listen on** are \`host:port\`, IPv6 in brackets: \`[::1]:8080\`.

## Secrets

A secret is never written into the configuration. It is in a file of its own that a key names, or in a variable of the
environment, never in both. White space around a secret does not count, except in \`tokenKeyFile\`, whose bytes are the
key. In the variables, names are written in capitals with \`_\` for \`-\`; and \`\\n\` stands for the end of a line.

| key | variable instead |
|---|---|
| \`tokenKeyFile\` | \`HOLDFAST_TOKEN_KEY\` |
| \`github.<name>.app.privateKeyFile\` | \`HOLDFAST_GITHUB_<NAME>_PRIVATE_KEY\` |
| \`github.<name>.token.file\` | \`HOLDFAST_GITHUB_<NAME>_TOKEN\` |
| \`github.<name>.webhookSecretFiles\` | \`HOLDFAST_GITHUB_<NAME>_WEBHOOK_SECRET\` |
| \`github.<name>.proxy.url\` | \`HOLDFAST_GITHUB_<NAME>_PROXY\` |
| \`telemetry.traces.headersFile\` | \`OTEL_EXPORTER_OTLP_HEADERS\` |
| \`operators[].tokenFile\` | \`HOLDFAST_OPERATOR_<NAME>_TOKEN\` |
`;

export function renderConfigurationReference(): string {
  return `${[INTRODUCTION, ...renderBlock("", ConfigSchema)].join("\n")}`;
}

/**
 * A block, and after it the blocks in it.
 * @param path as it is written in a heading; empty for the whole file.
 * @param leftOut blocks that another page has.
 */
export function renderBlock(path: string, schema: z.ZodType, leftOut: ReadonlySet<string> = new Set()): string[] {
  if (leftOut.has(path)) return [];
  const keys = [...shapeOf(schema)].flatMap(([name, inner]) => {
    const note = noteOf(inner);
    return note === null || note.says === "" ? [] : [{ name, inner, note }];
  });
  const rows = keys.filter(({ note }) => note.isReserved !== true).map(renderRow);
  const reserved = keys
    .filter(({ note }) => note.isReserved === true)
    .map(({ name, note }) => renderReserved(name, note));
  const section = [
    `## ${path === "" ? "The file" : `\`${path}\``}\n`,
    ...(rows.length === 0 ? [] : ["| key | what | default |", "|---|---|---|", ...rows, ""]),
    ...(reserved.length === 0 ? [] : [`Reserved: ${reserved.join(" ")}\n`]),
  ];
  const prefix = path === "" ? "" : `${path}.`;
  return [...section, ...keys.flatMap(({ name, inner }) => renderInner(`${prefix}${name}`, inner, leftOut))];
}

function renderInner(path: string, schema: z.ZodType, leftOut: ReadonlySet<string>): string[] {
  const element = elementOf(schema);
  const inner = element ?? schema;
  if (shapeOf(inner).size === 0) return [];
  const isRecord = unwrap(schema) instanceof z.ZodRecord;
  const suffix = element === undefined ? "" : isRecord ? ".<name>" : "[]";
  return renderBlock(`${path}${suffix}`, inner, leftOut);
}

function renderRow({
  name,
  inner,
  note,
}: {
  readonly name: string;
  readonly inner: z.ZodType;
  readonly note: KeyNote;
}) {
  return `| \`${name}\` | ${note.says} Example: \`${note.example}\` | ${defaultOf(inner, note)} |`;
}

function renderReserved(name: string, note: KeyNote): string {
  const only = note.harmless === undefined ? "" : `; only \`${note.harmless}\` passes`;
  return `\`${name}\` (${note.says.replace(/\.$/, "")}${only}).`;
}

function defaultOf(schema: z.ZodType, note: KeyNote): string {
  if (note.defaultText !== undefined) return note.defaultText;
  if (schema instanceof z.ZodOptional) return "none";
  if (!(schema instanceof z.ZodPrefault)) return "**required**";
  const value: unknown = schema.def.defaultValue;
  if (shapeOf(schema).size > 0 && typeof value === "object") return "the defaults below";
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}
