/** A GitHub that answers by its description alone: with GitHub's own example of each answer, or with the least of it. */
import type { Answering } from "./connecting.ts";
import { type DescribedCall, type DescriptionName, describeCall, readDescription } from "./rest-contract.ts";
import type { Json } from "./schema.ts";

/**
 * `example`: as GitHub shows it. `least`: without whatever its schema lets be absent, and null wherever it lets be null.
 */
export type Generosity = "example" | "least";

/** Calls that a place does not have are answered like any unknown address: 404. */
export function answerAsDescribed(name: DescriptionName, generosity: Generosity): Answering {
  return ({ method, path }) => {
    const call = describeCall(name, method, path);
    if (call === null) return Response.json({ message: "Not Found", status: "404" }, { status: 404 });
    const status = successOf(call);
    const example = call.examples[String(status)];
    const schema = call.responses[String(status)];
    if (schema === null || schema === undefined) return new Response(null, { status });
    const least = leastOf(example, withoutNull(schema, name), readDescription(name).$defs);
    return Response.json((generosity === "example" ? example : least) ?? {}, { status });
  };
}

/** GitHub describes some answers as what may be null inside of others; the answer itself is not. */
function withoutNull(schema: Json, name: DescriptionName): Json {
  const { type, ...rest } = resolve(schema, readDescription(name).$defs);
  return Array.isArray(type) ? { ...rest, type: type.find((one) => one !== "null") } : { ...rest, type };
}

function successOf(call: DescribedCall): number {
  const success = Object.keys(call.responses).find((status) => status.startsWith("2"));
  if (success === undefined) throw new Error(`${call.name} never succeeds`);
  return Number(success);
}

/**
 * What is left of a value when everything is taken away that its schema does not require. A schema that requires nothing
 * at all has just not been written to the end: there everything is kept.
 */
export function leastOf(value: unknown, schema: Json, defs: Json): unknown {
  const known = resolve(schema, defs);
  const alternatives = alternativesOf(known);
  if (canBeNull(known) || alternatives.some((one) => canBeNull(resolve(one, defs)))) return null;
  if (Array.isArray(value)) return value.map((item) => leastOf(item, asJson(known.items), defs));
  if (typeof value !== "object" || value === null) return value;
  const [first] = alternatives;
  if (first !== undefined) return leastOf(value, first, defs);
  const properties = asJson(known.properties);
  const required = new Set((known.required ?? Object.keys(properties)) as readonly string[]);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => required.has(key) || !(key in properties))
      .map(([key, part]) => [key, leastOf(part, asJson(properties[key]), defs)]),
  );
}

function resolve(schema: Json, defs: Json): Json {
  if (typeof schema.$ref !== "string") return schema;
  return resolve(asJson(defs[schema.$ref.replace("#/$defs/", "")]), defs);
}

function alternativesOf(schema: Json): readonly Json[] {
  return (schema.anyOf ?? schema.oneOf ?? []) as readonly Json[];
}

function canBeNull({ type }: Json): boolean {
  return type === "null" || (Array.isArray(type) && type.includes("null"));
}

function asJson(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}
