/**
 * GitHub's descriptions of its REST interface, one for each place that it runs at: which call a path is, and what is
 * wrong with a request or an answer.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Json, Schemas, type Strictness } from "./schema.ts";

/** `dotcom` is a plain account of github.com, `ghec` Enterprise Cloud there and at ghe.com. */
export const DESCRIPTION_NAMES = ["dotcom", "ghec", "ghes-3.17", "ghes-3.19"] as const;
export type DescriptionName = (typeof DESCRIPTION_NAMES)[number];

export interface Call {
  readonly operationId: string;
  /** Whether an App's installation token may make it; what an App signs itself is not told by this. */
  readonly isForApps: boolean;
  readonly path: { readonly [name: string]: Json };
  readonly query: { readonly [name: string]: Json };
  readonly requiredQuery: readonly string[];
  readonly request: Json | null;
  readonly isRequestRequired: boolean;
  /** Null where the answer has no body. */
  readonly responses: { readonly [status: string]: Json | null };
  readonly examples: { readonly [status: string]: unknown };
}

interface RestDescription {
  /** Calls that we know of and that this place does not have. */
  readonly absent: readonly string[];
  readonly calls: { readonly [call: string]: Call };
  readonly refusal: Json;
  readonly $defs: Json;
}

export interface DescribedCall extends Call {
  /** As GitHub writes it: `GET /orgs/{org}/actions/runners`. */
  readonly name: string;
  checkRequest(query: URLSearchParams, body: unknown): readonly string[];
  checkAnswer(status: number, body: unknown): readonly string[];
}

/** GitHub says so of `per_page` in words only. */
const PAGE_SIZE_MAX = 100;

/** What is not described is a mistake where GitHub is newest; older servers know fewer properties. */
const STRICTNESS: Readonly<Record<DescriptionName, Strictness>> = {
  dotcom: "closed",
  ghec: "closed",
  "ghes-3.17": "open",
  "ghes-3.19": "open",
};

const loaded = new Map<DescriptionName, { readonly rest: RestDescription; readonly schemas: Schemas }>();

function load(name: DescriptionName) {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const file = name === "dotcom" ? "rest.json" : `rest-${name}.json`;
  const rest = JSON.parse(readFileSync(join(import.meta.dirname, file), "utf8")) as RestDescription;
  const one = { rest, schemas: new Schemas(rest.$defs) };
  loaded.set(name, one);
  return one;
}

export function readDescription(name: DescriptionName): RestDescription {
  return load(name).rest;
}

/**
 * The call that a request is, by the description of one place; null where that place has no such call.
 * @param path without the base of the interface and without the query: `/orgs/acme/actions/runners/7`.
 */
export function describeCall(description: DescriptionName, method: string, path: string): DescribedCall | null {
  const matching = Object.keys(readDescription(description).calls).filter((call) => isCall(call, method, path));
  // `…/generate-jitconfig` before `…/{runner_id}`.
  const [name] = matching.sort((one, other) => one.split("{").length - other.split("{").length);
  if (name === undefined) return null;
  const call = readCall(description, name);
  const inPath = checkPath(description, name, call, path);
  return { ...call, checkRequest: (query, body) => [...inPath, ...call.checkRequest(query, body)] };
}

/** The call of that name. @throws where the description has none. */
export function readCall(description: DescriptionName, name: string): DescribedCall {
  const call = readDescription(description).calls[name];
  if (call === undefined) throw new Error(`${name} is not in the description of ${description}`);
  return {
    ...call,
    name,
    checkRequest: (query, body) => checkRequest(description, name, call, query, body),
    checkAnswer: (status, body) => checkAnswer(description, name, call, status, body),
  };
}

function isCall(call: string, method: string, path: string): boolean {
  const [wantedMethod, template = ""] = call.split(" ");
  const parts = template.split("/");
  const given = path.split("/");
  const isSame = (part: string, index: number) => (part.startsWith("{") ? given[index] !== "" : part === given[index]);
  return wantedMethod === method && parts.length === given.length && parts.every(isSame);
}

function checkPath(description: DescriptionName, name: string, call: Call, path: string): readonly string[] {
  const given = path.split("/");
  return name.split("/").flatMap((part, index) => {
    const parameter = /^\{(.+)\}$/.exec(part)?.[1];
    const schema = parameter === undefined ? undefined : call.path[parameter];
    if (schema === undefined) return parameter === undefined ? [] : [`${name} does not describe ${parameter}`];
    return checkText(description, `${name} ${parameter}`, schema, decodeURIComponent(given[index] ?? ""));
  });
}

function checkRequest(
  description: DescriptionName,
  name: string,
  call: Call,
  query: URLSearchParams,
  body: unknown,
): readonly string[] {
  const problems = call.requiredQuery.filter((key) => !query.has(key)).map((key) => `${name} needs the query ${key}`);
  for (const [key, text] of query) {
    const schema = call.query[key];
    if (schema === undefined) problems.push(`${name} has no query ${key}`);
    else problems.push(...checkText(description, `${name} query ${key}`, schema, text));
    if (key === "per_page" && Number(text) > PAGE_SIZE_MAX) problems.push(`${name} gives ${PAGE_SIZE_MAX} at a time`);
  }
  if (call.request === null) return body === undefined ? problems : [...problems, `${name} takes no body`];
  if (body === undefined && !call.isRequestRequired) return problems;
  // What we send has to be described everywhere: a property that a server does not know may be refused.
  return [...problems, ...load(description).schemas.check(`${name} request`, call.request, body, "closed")];
}

/** Parts of an address are texts; a number is one by its digits, of whatever size. */
function checkText(description: DescriptionName, name: string, schema: Json, text: string): readonly string[] {
  if (schema.type === "integer" && !/^\d{1,20}$/.test(text)) return [`${name}: ${text} is no integer`];
  if (schema.type === "boolean" && !/^(true|false)$/.test(text)) return [`${name}: ${text} is no boolean`];
  const value = schema.type === "integer" ? Number(text) : schema.type === "boolean" ? text === "true" : text;
  return load(description).schemas.check(name, schema, value, "closed");
}

function checkAnswer(
  description: DescriptionName,
  name: string,
  call: Call,
  status: number,
  body: unknown,
): readonly string[] {
  const { rest, schemas } = load(description);
  // Every GET may be answered so (docs.github.com, "Best practices for using the REST API", conditional requests).
  const isUnchanged = status === 304 && name.startsWith("GET ");
  const described = isUnchanged ? null : call.responses[String(status)];
  if (described === null) return body === undefined || body === null ? [] : [`${name} ${status} has no body at GitHub`];
  // Statuses such as 401 and 301 are not listed with each call, but look the same everywhere.
  const schema = described ?? (status >= 300 ? rest.refusal : undefined);
  if (schema === undefined) return [`${name} never answers ${status}`];
  // Described as an object, but GitHub's own example has none.
  if ((body === undefined || body === null) && call.examples[String(status)] === null) return [];
  return schemas.check(`${name} ${status}`, schema, body, STRICTNESS[description]);
}
