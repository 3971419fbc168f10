/** A JSON Schema as a table: a row for each field, however deep. */

interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
}

interface Row {
  readonly field: string;
  readonly type: string;
  readonly says: string;
}

/** @param direction of what goes in, a field that may be left out says what it is then. */
export function renderSchema(schema: object, direction: "input" | "output"): string {
  const rows = rowsOf(schema as Schema, "", direction).map(
    ({ field, type, says }) => `| \`${field}\` | ${type} | ${says} |`,
  );
  return `| field | value | what it says |\n|---|---|---|\n${rows.join("\n")}\n`;
}

function rowsOf(schema: Schema, path: string, direction: "input" | "output"): readonly Row[] {
  const { inner } = withoutNull(schema);
  if (inner.items !== undefined) return rowsOf(inner.items, `${path}[]`, direction);
  const variants = inner.oneOf ?? inner.anyOf;
  if (variants !== undefined) return variants.flatMap((one) => rowsOf(one, `${path}${variantOf(one)}`, direction));
  return Object.entries(inner.properties ?? {}).flatMap(([name, property]) => {
    const field = path === "" ? name : `${path}.${name}`;
    const isOptional = direction === "input" && inner.required?.includes(name) !== true;
    return [
      { field, type: typeOf(property), says: sayOf(property, isOptional) },
      ...rowsOf(property, field, direction),
    ];
  });
}

/** `(kind: job)`, for one of several shapes. */
function variantOf({ properties = {} }: Schema): string {
  const [name, constant] = Object.entries(properties).find(([, property]) => property.const !== undefined) ?? [];
  return name === undefined ? "" : `(${name}: ${String(constant?.const)})`;
}

/** Of "this or null", this. */
function withoutNull(schema: Schema): { readonly inner: Schema; readonly isNullable: boolean } {
  if (Array.isArray(schema.type)) {
    const [type = "anything"] = schema.type.filter((one) => one !== "null");
    return { inner: { ...schema, type }, isNullable: schema.type.includes("null") };
  }
  const others = schema.anyOf?.filter(({ type }) => type !== "null") ?? [];
  const [only] = others;
  const isNullable = schema.anyOf !== undefined && others.length < schema.anyOf.length;
  if (!isNullable || only === undefined) return { inner: schema, isNullable: false };
  return { inner: others.length === 1 ? only : { ...schema, anyOf: others }, isNullable };
}

function typeOf(schema: Schema): string {
  const { inner, isNullable } = withoutNull(schema);
  return `${plainType(inner)}${isNullable ? " or null" : ""}`;
}

const TYPES: Readonly<Record<string, string>> = { integer: "whole number", boolean: "true or false", string: "text" };

function plainType(schema: Schema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined)
    return schema.enum.map((one) => (one === "" ? "empty" : `\`${String(one)}\``)).join(", ");
  if (schema.items !== undefined) return `list of ${plural(plainType(schema.items))}`;
  if (schema.oneOf !== undefined || schema.anyOf !== undefined) return "one of several objects";
  if (schema.format === "date-time") return "time";
  const type = schema.type === undefined ? "anything" : (TYPES[String(schema.type)] ?? String(schema.type));
  return `${type}${rangeOf(schema)}`;
}

function plural(type: string): string {
  return /^(text|object|time)$/.test(type) ? `${type}s` : type;
}

function rangeOf({ type, minimum, maximum }: Schema): string {
  const isBounded = (type === "integer" || type === "number") && maximum !== undefined;
  if (!isBounded || maximum >= Number.MAX_SAFE_INTEGER) return "";
  return `, ${minimum ?? 0} to ${maximum}`;
}

function sayOf(schema: Schema, isOptional: boolean): string {
  const { description = "", default: fallback } = schema;
  const inner = withoutNull(schema).inner.description ?? "";
  const says = [description === "" ? inner : description].filter((one) => one !== "" && one !== "ISO 8601, UTC");
  if (fallback !== undefined)
    says.push(fallback === "" ? "May be left out" : `\`${JSON.stringify(fallback)}\` unless given`);
  else if (isOptional) says.push("May be left out");
  return says.map((one) => one.replaceAll("|", "\\|")).join(". ");
}
