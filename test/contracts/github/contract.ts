import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { fullFormats } from "ajv-formats/dist/formats.js";

/** GitHub's own description of the calls and events that we use, and what it says of a message. See README.md. */

type Json = { readonly [key: string]: unknown };

interface Call {
  readonly operationId: string;
  readonly query: { readonly [name: string]: Json };
  readonly request: Json | null;
  readonly isRequestRequired: boolean;
  readonly responses: { readonly [status: string]: Json | null };
  readonly examples: { readonly [status: string]: unknown };
}

interface RestContract {
  readonly calls: { readonly [call: string]: Call };
  readonly refusal: Json;
  readonly $defs: Json;
}

interface WebhookContract {
  readonly events: { readonly [event: string]: { readonly payload: Json; readonly headers: readonly string[] } };
  readonly $defs: Json;
}

export const restContract = read("rest.json") as RestContract;
export const webhookContract = read("webhooks.json") as WebhookContract;
const examples = read("webhook-examples.json") as {
  readonly ping: readonly Json[];
  readonly workflow_job: readonly Json[];
};

/** GitHub's own examples of `workflow_job` payloads, of every action and with every oddity that GitHub shows. */
export const workflowJobExamples: readonly Json[] = examples.workflow_job;
export const pingExamples: readonly Json[] = examples.ping;

function read(name: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, name), "utf8"));
}

/**
 * What is wrong with the answer to that call (`GET /orgs/{org}/actions/runners`), in words; empty if nothing is.
 * Properties that GitHub does not describe are wrong too: a client could come to need them.
 */
export function checkAnswer(call: string, status: number, body: unknown): readonly string[] {
  const described = findCall(call).responses[String(status)];
  if (described === null) return body === undefined || body === null ? [] : [`${call} ${status} has no body at GitHub`];
  // Statuses such as 401 are not listed with each call, but look the same everywhere.
  const schema = described ?? (status >= 400 ? restContract.refusal : undefined);
  if (schema === undefined) return [`${call} never answers ${status}`];
  return check(`${call} ${status}`, schema, restContract.$defs, body);
}

/** What is wrong with a request's body and query. */
export function checkRequest(
  call: string,
  body: unknown,
  query: URLSearchParams = new URLSearchParams(),
): readonly string[] {
  const { request, isRequestRequired, query: described } = findCall(call);
  const unknown = [...query.keys()]
    .filter((name) => !(name in described))
    .map((name) => `${call} has no query ${name}`);
  if (request === null) return body === undefined ? unknown : [...unknown, `${call} takes no body`];
  if (body === undefined && !isRequestRequired) return unknown;
  return [...unknown, ...check(`${call} request`, request, restContract.$defs, body)];
}

/** What is wrong with a webhook's payload. @param event `ping`, or `workflow_job` whose action is read from the payload. */
export function checkPayload(event: string, payload: unknown): readonly string[] {
  const action = (payload as { readonly action?: string } | null)?.action;
  const name = event === "workflow_job" ? `workflow-job-${String(action).replaceAll("_", "-")}` : event;
  const described = webhookContract.events[name];
  if (described === undefined) return [`GitHub sends no ${name}`];
  return check(name, described.payload, webhookContract.$defs, payload);
}

function findCall(call: string): Call {
  const found = restContract.calls[call];
  if (found === undefined) throw new Error(`${call} is not among the extracted calls`);
  return found;
}

const compiled = new Map<string, ValidateFunction>();

function check(name: string, schema: Json, defs: Json, value: unknown): readonly string[] {
  const validate = compiled.get(name) ?? compile(schema, defs);
  compiled.set(name, validate);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    return `${name}${instancePath}: ${message} ${JSON.stringify(params)}`;
  });
}

function compile(schema: Json, defs: Json): ValidateFunction {
  const ajv = new Ajv2020({ strict: false, allErrors: true, formats: fullFormats });
  const closed = { ...closeObjects(schema), $defs: closeObjects(defs) };
  return ajv.compile(closed);
}

/** The same schema, in which an object has no properties but those described. Parts of an `allOf` are left open. */
function closeObjects(value: unknown): Json {
  return close(value) as Json;
}

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
