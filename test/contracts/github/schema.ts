/** Whether a value is what a JSON Schema of GitHub's says, in words. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { fullFormats } from "ajv-formats/dist/formats.js";

export type Json = { readonly [key: string]: unknown };

/** `closed`: a property that is not described is wrong, since a client could come to need it. */
export type Strictness = "closed" | "open";

/** One file's schemas. Each is compiled once, under the name that it is asked for by. */
export class Schemas {
  readonly #defs: Readonly<Record<Strictness, Json>>;
  readonly #compiled = new Map<string, ValidateFunction>();

  /** @param defs what `#/$defs/…` refers to. */
  constructor(defs: Json) {
    this.#defs = { open: defs, closed: close(defs) as Json };
  }

  /** What is wrong with the value; empty if nothing is. @param name of the schema, in the words. */
  check(name: string, schema: Json, value: unknown, strictness: Strictness): readonly string[] {
    const key = `${strictness} ${name}`;
    const validate = this.#compiled.get(key) ?? this.#compile(schema, strictness);
    this.#compiled.set(key, validate);
    if (validate(value)) return [];
    return (validate.errors ?? []).map(({ instancePath, message, params }) => {
      return `${name}${instancePath}: ${message} ${JSON.stringify(params)}`;
    });
  }

  #compile(schema: Json, strictness: Strictness): ValidateFunction {
    const own = strictness === "closed" ? (close(schema) as Json) : schema;
    // GitHub's schemas are no subject of ours, and checking all of them each time takes most of the time.
    const ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false, formats: fullFormats });
    return ajv.compile({ ...own, $defs: this.#defs[strictness] });
  }
}

/** The same schema, in which an object has no properties but those described. Parts of an `allOf` are left open. */
function close(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(close);
  if (typeof value !== "object" || value === null) return value;
  const closed = Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, key === "allOf" || key === "enum" ? part : close(part)]),
  );
  const isOpen = "allOf" in value || "anyOf" in value || "oneOf" in value || "additionalProperties" in value;
  const describes = "properties" in value;
  return describes && !isOpen ? { ...closed, additionalProperties: false } : closed;
}
