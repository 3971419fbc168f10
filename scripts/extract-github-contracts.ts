/**
 * Cuts what we use out of GitHub's own descriptions of its REST interface and its webhooks, and writes it into
 * test/contracts/github: one file for each place that GitHub runs at. The three packages are 430 MB unpacked, so they are
 * not dependencies: unpack them somewhere outside the repository and name the folders.
 *
 *   npm pack @octokit/openapi@23.0.2 @octokit/openapi-webhooks@12.1.0 @octokit/webhooks-examples@7.6.1
 *   (unpack each into a folder of its own)
 *   node scripts/extract-github-contracts.ts --openapi DIR --webhooks DIR --examples DIR [--out DIR]
 *
 * The result depends on nothing but these packages and this file. What is cut is rewritten into JSON Schema 2020-12:
 * references point into one `$defs` per file, OpenAPI 3.0's `nullable` becomes a type, and words for people
 * (descriptions, examples, titles) are left out.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

type Json = { [key: string]: unknown };

/** Where pools may be. */
const SCOPES = ["/orgs/{org}", "/repos/{owner}/{repo}", "/enterprises/{enterprise}"];
/** Where webhooks may be. No description has those of an enterprise. */
const HOOKS = [
  ...["/orgs/{org}", "/repos/{owner}/{repo}", "/enterprises/{enterprise}"].map((scope) => `${scope}/hooks/{hook_id}`),
  "/app/hook",
];

/** Every call that the product or its simulator makes or answers. */
const CALLS = [
  "GET /app",
  "GET /app/installations",
  "POST /app/installations/{installation_id}/access_tokens",
  "POST /app-manifests/{code}/conversions",
  "GET /app/hook/config",
  "GET /installation/repositories",
  "GET /orgs/{org}/repos",
  "GET /user",
  "GET /user/repos",
  "GET /users/{username}/installation",
  "GET /repos/{owner}/{repo}/actions/jobs/{job_id}",
  "POST /repos/{owner}/{repo}/actions/jobs/{job_id}/rerun",
  "GET /repos/{owner}/{repo}/actions/runs",
  "GET /repos/{owner}/{repo}/actions/runs/{run_id}",
  "GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs",
  "GET /orgs/{org}/actions/runner-groups",
  "GET /enterprises/{enterprise}/actions/runner-groups",
  ...SCOPES.flatMap((scope) => [
    `GET ${scope}/installation`,
    `GET ${scope}/actions/runners`,
    `GET ${scope}/actions/runners/{runner_id}`,
    `DELETE ${scope}/actions/runners/{runner_id}`,
    `POST ${scope}/actions/runners/generate-jitconfig`,
    `GET ${scope}/actions/runners/deprecations/{version}`,
    `GET ${scope}/hooks`,
  ]),
  ...HOOKS.flatMap((hook) => [
    `GET ${hook}/deliveries`,
    `GET ${hook}/deliveries/{delivery_id}`,
    `POST ${hook}/deliveries/{delivery_id}/attempts`,
  ]),
];

/**
 * Answers whose description is mistaken, and the schema whose list is meant. In the first the account of an installation
 * would have to be a user and an enterprise at once; GitHub's own example is a user.
 */
const CORRECTED_LISTS: Readonly<Record<string, string>> = {
  "GET /app/installations": "#/components/schemas/installation",
};

/** The places that GitHub runs at; of Enterprise Server the oldest and the newest release that the package describes. */
const DESCRIPTIONS = [
  ["rest.json", "api.github.com"],
  ["rest-ghec.json", "ghec"],
  ["rest-ghes-3.17.json", "ghes-3.17"],
  ["rest-ghes-3.19.json", "ghes-3.19"],
] as const;

const EVENTS = [
  "ping",
  "workflow-job-queued",
  "workflow-job-waiting",
  "workflow-job-in-progress",
  "workflow-job-completed",
];
const EXAMPLE_EVENTS = ["ping", "workflow_job"];

const FOR_PEOPLE = new Set([
  "description",
  "example",
  "examples",
  "title",
  "summary",
  "externalDocs",
  "x-github",
  "deprecated",
]);

/** Collects what is referred to, and what that refers to in turn. */
class Extract {
  readonly #document: Json;
  readonly #defs = new Map<string, unknown>();

  constructor(document: Json) {
    this.#document = document;
  }

  /** The part that a reference such as `#/components/schemas/runner` names. */
  resolve(reference: string): unknown {
    let part: unknown = this.#document;
    for (const segment of reference.replace(/^#\//, "").split("/"))
      part = asObject(part)[segment.replaceAll("~1", "/")];
    return part;
  }

  /** A response, parameter or the like: itself, or what it refers to. */
  deref(value: unknown): Json {
    const object = asObject(value);
    return typeof object.$ref === "string" ? this.deref(this.resolve(object.$ref)) : object;
  }

  schema(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.schema(item));
    if (typeof value !== "object" || value === null) return value;
    const { $ref: reference, nullable, ...rest } = value as Json;
    if (typeof reference === "string") return allowNull(this.#refer(reference), nullable);
    const cut: Json = {};
    for (const [key, part] of Object.entries(rest)) {
      if (key === "properties" || key === "patternProperties") cut[key] = this.#properties(part);
      else if (key === "enum" || key === "required" || key === "const" || key === "default") cut[key] = part;
      else if (!FOR_PEOPLE.has(key) && key !== "discriminator") cut[key] = this.schema(part);
    }
    return allowNull(cut, nullable);
  }

  /** A property may be called "title" or "description"; those are names here, not words for people. */
  #properties(value: unknown): Json {
    return Object.fromEntries(Object.entries(asObject(value)).map(([name, part]) => [name, this.schema(part)]));
  }

  #refer(reference: string): Json {
    const name = reference.split("/").at(-1) ?? reference;
    if (!this.#defs.has(name)) {
      // Before it is filled, because a schema may refer to itself.
      this.#defs.set(name, {});
      this.#defs.set(name, this.schema(this.resolve(reference)));
    }
    return { $ref: `#/$defs/${name}` };
  }

  defs(): Json {
    return Object.fromEntries([...this.#defs].sort(([one], [other]) => (one < other ? -1 : 1)));
  }
}

function allowNull(schema: Json, nullable: unknown): unknown {
  if (nullable !== true) return schema;
  if (typeof schema.type !== "string") return { anyOf: [schema, { type: "null" }] };
  const withNull: Json = { ...schema, type: [schema.type, "null"] };
  if (Array.isArray(schema.enum) && !schema.enum.includes(null)) withNull.enum = [...schema.enum, null];
  return withNull;
}

function asObject(value: unknown): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`expected an object in GitHub's description, found ${JSON.stringify(value)?.slice(0, 80)}`);
  }
  return value as Json;
}

function extractRest(document: Json): Json {
  const extract = new Extract(document);
  const calls: Json = {};
  const absent: string[] = [];
  for (const call of CALLS) {
    const [method = "", path = ""] = call.split(" ");
    const operation = asObject(asObject(document.paths)[path] ?? {})[method.toLowerCase()];
    if (operation === undefined) absent.push(call);
    else calls[call] = extractCall(extract, asObject(operation), CORRECTED_LISTS[call]);
  }
  // What every refusal looks like, also of calls whose description does not list it.
  const refusal = extract.schema({ $ref: "#/components/schemas/basic-error" });
  return { absent, calls, refusal, $defs: extract.defs() };
}

/** @param correctedItem what the answer is a list of, where the description is mistaken. */
function extractCall(extract: Extract, operation: Json, correctedItem: string | undefined): Json {
  const query = findParameters(extract, operation, "query");
  return {
    operationId: operation.operationId,
    isForApps: asObject(operation["x-github"]).enabledForGitHubApps === true,
    path: schemasByName(extract, findParameters(extract, operation, "path")),
    query: schemasByName(extract, query),
    requiredQuery: query.filter(({ required }) => required === true).map(({ name }) => name),
    request: operation.requestBody === undefined ? null : contentSchema(extract, operation.requestBody),
    isRequestRequired: isRequired(extract, operation),
    responses: {
      ...extractResponses(extract, operation),
      ...(correctedItem === undefined
        ? {}
        : { 200: { type: "array", items: extract.schema({ $ref: correctedItem }) } }),
    },
    examples: extractExamples(extract, operation),
  };
}

function extractResponses(extract: Extract, operation: Json): Json {
  const responses = Object.entries(asObject(operation.responses));
  return Object.fromEntries(responses.map(([status, response]) => [status, contentSchema(extract, response)]));
}

function isRequired(extract: Extract, operation: Json): boolean {
  const body = operation.requestBody;
  return body !== undefined && extract.deref(body).required === true;
}

function findParameters(extract: Extract, operation: Json, place: "path" | "query"): readonly Json[] {
  const parameters = (operation.parameters ?? []) as unknown[];
  return parameters.map((parameter) => extract.deref(parameter)).filter((parameter) => parameter.in === place);
}

function schemasByName(extract: Extract, parameters: readonly Json[]): Json {
  return Object.fromEntries(parameters.map(({ name, schema }) => [String(name), extract.schema(schema)]));
}

/** Null for a body that is not there. */
function contentSchema(extract: Extract, value: unknown): unknown {
  const content = extract.deref(value).content;
  return content === undefined ? null : extract.schema(asObject(asObject(content)["application/json"]).schema);
}

/** GitHub's own example of each answer, by status. */
function extractExamples(extract: Extract, operation: Json): Json {
  const examples: Json = {};
  for (const [status, response] of Object.entries(asObject(operation.responses))) {
    const content = extract.deref(response).content;
    if (content === undefined) continue;
    const named = asObject(content)["application/json"];
    const [first] = Object.values(asObject(asObject(named).examples ?? {}));
    if (first !== undefined) examples[status] = extract.deref(first).value;
  }
  return examples;
}

function extractWebhooks(document: Json): Json {
  const extract = new Extract(document);
  const events: Json = {};
  for (const event of EVENTS) {
    const operation = asObject(asObject(asObject(document.webhooks)[event]).post);
    const parameters = (operation.parameters ?? []) as unknown[];
    const headers = parameters
      .map((parameter) => extract.deref(parameter))
      .filter(({ in: place }) => place === "header");
    events[event] = {
      payload: contentSchema(extract, operation.requestBody),
      headers: headers.map(({ name }) => name),
    };
  }
  return { events, $defs: extract.defs() };
}

function extractWebhookExamples(events: readonly Json[]): Json {
  return Object.fromEntries(
    EXAMPLE_EVENTS.map((name) => [name, events.find((event) => event.name === name)?.examples]),
  );
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** The folder of one unpacked package, and where a file was cut from. */
function source(folder: string, file: string) {
  const { name, version } = asObject(readJson(join(folder, "package.json")));
  return { label: `${String(name)}@${String(version)} ${file}`, content: readJson(join(folder, file)) };
}

function main(): void {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: { openapi: text, webhooks: text, examples: text, out: text } });
  const { openapi, webhooks, examples } = values;
  if (openapi === undefined || webhooks === undefined || examples === undefined) {
    throw new Error("usage: extract-github-contracts.ts --openapi DIR --webhooks DIR --examples DIR [--out DIR]");
  }
  const out = values.out ?? join(import.meta.dirname, "..", "test", "contracts", "github");
  const hooks = source(webhooks, "generated/api.github.com.json");
  const payloads = source(examples, "api.github.com/index.json");
  const files: readonly (readonly [name: string, from: string, content: Json])[] = [
    ...DESCRIPTIONS.map(([name, description]) => {
      const { label, content } = source(openapi, `generated/${description}.json`);
      return [name, label, extractRest(asObject(content))] as const;
    }),
    ["webhooks.json", hooks.label, extractWebhooks(asObject(hooks.content))],
    ["webhook-examples.json", payloads.label, extractWebhookExamples(payloads.content as Json[])],
  ];
  for (const [name, from, content] of files) {
    writeFileSync(join(out, name), `${JSON.stringify({ extractedFrom: from, ...content }, null, 1)}\n`);
  }
}

main();
