/**
 * GitHub's words for a job, in a webhook's body and in an answer of its REST interface alike: the field sets are the
 * same. Pure, and by hand: what is missing or of the wrong kind is named, never guessed and never quoted.
 */
import type { ConnectionName } from "./ids.ts";
import { parseJobId, parseRunnerId } from "./ids.ts";
import { type JobEvent, parseJobStatus } from "./job.ts";

export type ParsedJob =
  | { readonly kind: "job"; readonly job: JobEvent }
  /** `problem` names the field, as in "workflow_job.labels is not a list of texts". */
  | { readonly kind: "invalid"; readonly problem: string };

export interface JobOrigin {
  readonly connection: ConnectionName;
  /** `owner/name`, as GitHub writes it. */
  readonly repository: string;
  /** The webhook's action; null for an answer of the REST interface. */
  readonly action: string | null;
  /** When it was heard: becomes `queuedSeenAtMs` where it says queued. */
  readonly nowMs: number;
}

/** The body of a `workflow_job` webhook. */
export function parseWorkflowJobEvent(payload: unknown, connection: ConnectionName, nowMs: number): ParsedJob {
  if (!isObject(payload)) return invalid("the body is not an object");
  const { action, workflow_job: job, repository } = payload;
  if (typeof action !== "string" || action === "") return invalid("action is not a text");
  if (!isObject(repository) || typeof repository.full_name !== "string")
    return invalid("repository.full_name is not a text");
  const parsed = parseJob(job, { connection, repository: repository.full_name, action, nowMs });
  return parsed.kind === "invalid" ? invalid(`workflow_job: ${parsed.problem}`) : parsed;
}

/** A job object. */
export function parseJob(json: unknown, origin: JobOrigin): ParsedJob {
  if (!isObject(json)) return invalid("it is not an object");
  if (!/^[^/\s]+\/[^/\s]+$/.test(origin.repository)) return invalid("its repository is not owner/name");
  try {
    return { kind: "job", job: readJob(json, origin) };
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    return invalid(error.message);
  }
}

function readJob(json: JsonObject, origin: JobOrigin): JobEvent {
  const action = origin.action;
  const status = parseJobStatus(action, readText(json, "status"));
  if (status === null) throw new FieldError("status", "is not a status that we know");
  const hasStarted = status === "in_progress" || status === "completed";
  const startedAtMs = readInstant(json, "started_at");
  // GitHub's own older examples have no created_at. The earliest that we hear of counts in the end.
  const createdAtMs = readInstant(json, "created_at") ?? startedAtMs;
  if (createdAtMs === null) throw new FieldError("created_at", "is missing");
  const runnerId = readRunnerId(json);
  return {
    id: parseJobId(readNumber(json, "id")),
    connection: origin.connection,
    repository: origin.repository,
    runId: readNumber(json, "run_id"),
    // Optional in GitHub's own description.
    runAttempt: json.run_attempt === undefined || json.run_attempt === null ? 1 : readNumber(json, "run_attempt"),
    name: readText(json, "name"),
    workflowName: readTextOrNull(json, "workflow_name") ?? "",
    htmlUrl: readTextOrNull(json, "html_url") ?? "",
    labels: readLabels(json),
    status,
    conclusion: readTextOrNull(json, "conclusion"),
    runnerId: runnerId === null ? null : parseRunnerId(runnerId),
    runnerName: readTextOrNull(json, "runner_name"),
    createdAtMs,
    // Set on queued jobs too, where it means nothing.
    startedAtMs: hasStarted ? startedAtMs : null,
    completedAtMs: readInstant(json, "completed_at"),
    queuedSeenAtMs: status === "queued" ? origin.nowMs : null,
  };
}

type JsonObject = Readonly<Record<string, unknown>>;

class FieldError extends Error {
  constructor(field: string, what: string) {
    super(`${field} ${what}`);
  }
}

function invalid(problem: string): ParsedJob {
  return { kind: "invalid", problem };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readNumber(json: JsonObject, field: string): number {
  const value = json[field];
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw new FieldError(field, "is not a positive whole number");
}

/** None is written as null, 0 or an empty text. */
function readRunnerId(json: JsonObject): number | null {
  const { runner_id: value } = json;
  if (value === undefined || value === null || value === 0 || value === "") return null;
  return readNumber(json, "runner_id");
}

function readText(json: JsonObject, field: string): string {
  const value = json[field];
  if (typeof value === "string") return value;
  throw new FieldError(field, "is not a text");
}

function readTextOrNull(json: JsonObject, field: string): string | null {
  const value = json[field];
  if (value === undefined || value === null || value === "") return null;
  return readText(json, field);
}

function readInstant(json: JsonObject, field: string): number | null {
  const text = readTextOrNull(json, field);
  if (text === null) return null;
  const instantMs = Date.parse(text);
  if (Number.isSafeInteger(instantMs)) return instantMs;
  throw new FieldError(field, "is not an instant");
}

function readLabels(json: JsonObject): readonly string[] {
  const { labels } = json;
  const isList = Array.isArray(labels) && labels.every((label): label is string => typeof label === "string");
  if (isList) return labels;
  throw new FieldError("labels", "is not a list of texts");
}
