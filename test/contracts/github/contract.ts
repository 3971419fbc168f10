/** GitHub's own description of the calls and events that we use, and what it says of a message. See README.md. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readCall, readDescription } from "./rest-contract.ts";
import { type Json, Schemas } from "./schema.ts";

export { DESCRIPTION_NAMES, type DescriptionName, describeCall, readDescription } from "./rest-contract.ts";

interface WebhookContract {
  readonly events: { readonly [event: string]: { readonly payload: Json; readonly headers: readonly string[] } };
  readonly $defs: Json;
}

/** Of github.com. */
export const restContract = readDescription("dotcom");
export const webhookContract = read("webhooks.json") as WebhookContract;
const webhookSchemas = new Schemas(webhookContract.$defs);
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
 * What is wrong with the answer to that call (`GET /orgs/{org}/actions/runners`) at github.com, in words; empty if
 * nothing is. Properties that GitHub does not describe are wrong too: a client could come to need them.
 */
export function checkAnswer(call: string, status: number, body: unknown): readonly string[] {
  return readCall("dotcom", call).checkAnswer(status, body);
}

/** What is wrong with a request's body and query. */
export function checkRequest(
  call: string,
  body: unknown,
  query: URLSearchParams = new URLSearchParams(),
): readonly string[] {
  return readCall("dotcom", call).checkRequest(query, body);
}

/** What is wrong with a webhook's payload. @param event `ping`, or `workflow_job` whose action is read from the payload. */
export function checkPayload(event: string, payload: unknown): readonly string[] {
  const action = (payload as { readonly action?: string } | null)?.action;
  const name = event === "workflow_job" ? `workflow-job-${String(action).replaceAll("_", "-")}` : event;
  const described = webhookContract.events[name];
  if (described === undefined) return [`GitHub sends no ${name}`];
  return webhookSchemas.check(name, described.payload, payload, "closed");
}
