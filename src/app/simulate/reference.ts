/** Writes `docs/reference/scenario.md` from the schema, and the kinds of faults from theirs. */
import type * as z from "zod";
import type { FaultKind } from "../../simulator/scenario/fault.ts";
import { noteOf } from "../config/key.ts";
import { renderBlock } from "../config/reference.ts";
import { ScenarioSchema } from "./schema.ts";
import { FAULT_KINDS, FAULTS } from "./schema-faults.ts";

const INTRODUCTION = `<!-- Written by \`renderScenarioReference\` of src/app/simulate/reference.ts from the schemas beside it. Change it there. -->

# Scenario files

What \`holdfast simulate <file>\` reads: one YAML file for one world. [The guide](../guide/simulate.md) has an example of each
section. Every key of the file itself may be left out. Everything that is wrong is told at once, each with its path and what to do; unknown
keys are refused. Durations are written as in the [configuration](configuration.md): \`90s\`, \`2m\`, \`1h30m\`.
`;

const POOLS = `## \`pools[]\`

The keys are those of the [configuration](configuration.md#pools); \`github\`, \`runner\` and \`provider\` may be left out here,
and \`runner\` and \`provider\` change nothing in a world.
`;

const FAULTS_INTRODUCTION = `## \`world.faults[]\`

Each entry has a \`kind\` and the keys of that kind; a kind may be there several times. Where a fault befalls a share
(\`perJob\`, \`perMachine\`, \`perTicket\`), \`probability\` is another word for it, and an entry with \`job\` befalls that job
without a share. \`every\` is a mean: the times between two are drawn.

| kind | what happens | keys |
|---|---|---|`;

const ELSEWHERE: ReadonlySet<string> = new Set(["pools[]", "settings[].pools[]"]);

export function renderScenarioReference(): string {
  const blocks = renderBlock("", ScenarioSchema, ELSEWHERE);
  const rows = FAULT_KINDS.map(renderKind);
  return [INTRODUCTION, ...blocks, POOLS, FAULTS_INTRODUCTION, ...rows, "", FIELDS, ...renderFields(), ""].join("\n");
}

function renderKind(kind: FaultKind): string {
  const { says, example, fields } = FAULTS[kind];
  const names = Object.keys(fields).map((name) => `\`${name}\``);
  return `| \`${kind}\` | ${says} Example: \`${example}\` | ${names.join(", ")} |`;
}

const FIELDS = `The keys, in the order of the alphabet:

| key | what |
|---|---|`;

/** What is said of a key is said of it in every kind, or else by its kind. */
function renderFields(): readonly string[] {
  const sentences = new Map<string, Set<string>>();
  for (const kind of FAULT_KINDS) {
    for (const [name, schema] of Object.entries(FAULTS[kind].fields)) {
      const said = noteOf(schema as z.ZodType)?.says ?? "";
      sentences.set(name, (sentences.get(name) ?? new Set()).add(said));
    }
  }
  const names = [...sentences].sort(([one], [other]) => (one < other ? -1 : 1));
  return names.map(([name, said]) => `| \`${name}\` | ${[...said].join(" Or: ")} |`);
}
