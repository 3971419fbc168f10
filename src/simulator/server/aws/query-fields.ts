/**
 * How a request of AWS's Query protocol is read: its members with their kinds, and the names that lists have on the wire.
 * EC2 calls a list by one of its entries (`InstanceId.1`), the other services by its own name (`InstanceIds.member.1`). A
 * parameter that no member knows is refused.
 */

export type Field =
  | { readonly kind: "text" | "whole" | "decimal" | "flag" }
  | { readonly kind: "list"; readonly wire: string | null; readonly entry: string | null; readonly of: Field }
  | { readonly kind: "renamed"; readonly wire: string; readonly of: Field }
  | { readonly kind: "struct"; readonly members: Members };

export type Members = { readonly [name: string]: Field };

/** The fields that a shape of the API has: one for each of its members, or it does not compile. */
export type MembersOf<Shape> = { readonly [Name in keyof Required<Shape>]: Field };

export const text: Field = { kind: "text" };
export const whole: Field = { kind: "whole" };
export const decimal: Field = { kind: "decimal" };
export const flag: Field = { kind: "flag" };
/** `InstanceId.1` */
export const list = (wire: string, of: Field): Field => ({ kind: "list", wire, entry: null, of });
/** `InstanceIds.member.1` */
export const memberList = (of: Field): Field => ({ kind: "list", wire: null, entry: "member", of });
export const renamed = (wire: string, of: Field): Field => ({ kind: "renamed", wire, of });
export const struct = <Shape>(members: MembersOf<Shape>): Field => ({ kind: "struct", members: members as Members });

/** Parameters as a tree: `Filter.1.Name=x` is Filter, 1, Name. */
interface Branch {
  value: string | null;
  readonly under: Map<string, Branch>;
}

/** Those that say what is asked, and in which version of the API. */
const ENVELOPE = new Set(["Action", "Version"]);
const WHOLE = /^-?\d{1,15}$/;
const DECIMAL = /^-?\d{1,15}(\.\d{1,9})?$/;

/** A request that no call can be read from. */
export class QueryRefusal extends Error {
  override readonly name = "QueryRefusal";
  readonly code: "UnknownParameter" | "InvalidParameterValue";

  constructor(code: "UnknownParameter" | "InvalidParameterValue", message: string) {
    super(message);
    this.code = code;
  }
}

/** @throws {QueryRefusal} for a parameter that is unknown or malformed. */
export function readQuery(parameters: URLSearchParams, members: Members): Readonly<Record<string, unknown>> {
  const root: Branch = { value: null, under: new Map() };
  for (const [name, value] of parameters) if (!ENVELOPE.has(name)) plant(root, name.split("."), value);
  return readMembers(root, members, "");
}

function plant(root: Branch, path: readonly string[], value: string): void {
  let branch = root;
  for (const part of path) {
    const next = branch.under.get(part) ?? { value: null, under: new Map() };
    branch.under.set(part, next);
    branch = next;
  }
  branch.value = value;
}

function readMembers({ under }: Branch, members: Members, path: string): Record<string, unknown> {
  const byWire = new Map(Object.entries(members).map(([name, field]) => [wireName(name, field), { name, field }]));
  const read: Record<string, unknown> = {};
  for (const [wire, branch] of under) {
    const member = byWire.get(wire);
    if (member === undefined)
      throw new QueryRefusal("UnknownParameter", `The parameter ${path}${wire} is not recognized`);
    read[member.name] = readField(branch, member.field, `${path}${wire}`);
  }
  return read;
}

function wireName(name: string, field: Field): string {
  return field.kind === "list" || field.kind === "renamed" ? (field.wire ?? name) : name;
}

function readField(branch: Branch, field: Field, path: string): unknown {
  switch (field.kind) {
    case "renamed":
      return readField(branch, field.of, path);
    case "struct":
      return readMembers(branch, field.members, `${path}.`);
    case "list":
      return readList(branch, field, path);
    default:
      return readValue(branch.value ?? "", field.kind, path);
  }
}

/** In the order of their numbers, whatever numbers they are. */
function readList(branch: Branch, { of, entry }: Extract<Field, { readonly kind: "list" }>, path: string): unknown[] {
  const entries = (entry === null ? branch.under : branch.under.get(entry)?.under) ?? new Map<string, Branch>();
  const numbered = [...entries].map(([key, branch]) => ({ number: Number(key), branch }));
  const odd = numbered.find(({ number }) => !Number.isInteger(number) || number < 1);
  if (odd !== undefined) throw new QueryRefusal("UnknownParameter", `The parameter ${path} is not a list`);
  numbered.sort((one, other) => one.number - other.number);
  return numbered.map(({ number, branch }) => readField(branch, of, `${path}.${number}`));
}

function readValue(value: string, kind: "text" | "whole" | "decimal" | "flag", path: string): unknown {
  const refuse = (): never => {
    throw new QueryRefusal("InvalidParameterValue", `Invalid value '${value}' for ${path}.`);
  };
  switch (kind) {
    case "text":
      return value;
    case "whole":
      return WHOLE.test(value) ? Number(value) : refuse();
    case "decimal":
      return DECIMAL.test(value) ? Number(value) : refuse();
    case "flag":
      return value === "true" || value === "false" ? value === "true" : refuse();
  }
}
