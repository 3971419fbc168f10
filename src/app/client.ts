/** Finds a Holdfast server and asks it. */
import { readFile } from "node:fs/promises";
import type { z } from "zod";
import { HoldfastError } from "../domain/errors.ts";
import { SECOND_MS } from "../domain/units.ts";
import { ProblemAnswer } from "../http/operators/answers.ts";
import { COMMAND_HEADER } from "../http/operators/auth.ts";
import { CommandError } from "./commands/failure.ts";
import { isWildcard, parseUrl, urlOf } from "./config/addresses.ts";
import type { Environment } from "./config/environment.ts";
import { readConfig } from "./config/read.ts";

const SERVER_VARIABLE = "HOLDFAST_SERVER";
const TOKEN_VARIABLE = "HOLDFAST_TOKEN";
/** Where the configuration is looked for when nothing else says where the server is. */
export const CONFIG_DEFAULT = "holdfast.yaml";

const ANSWER_TIMEOUT_MS = 10 * SECOND_MS;

export interface ServerOptions {
  /** `http://127.0.0.1:8082` */
  readonly server?: string | undefined;
  /** Path of a configuration, whose operators' address is asked. */
  readonly config?: string | undefined;
  readonly tokenFile?: string | undefined;
}

export interface Client {
  readonly url: string;
  /**
   * @param what for the error, as in "for its status".
   * @throws {CommandError} unreachable, unauthorized, not found, or an answer that is none of ours.
   */
  get<Schema extends z.ZodType>(path: string, schema: Schema, what: string): Promise<z.output<Schema>>;
  /**
   * Sends a command. It may have taken effect where no answer comes; sent again, it changes nothing twice.
   * @throws {CommandError} as `get`, and with the code of a refusal.
   */
  post<Schema extends z.ZodType>(path: string, body: object, schema: Schema, what: string): Promise<z.output<Schema>>;
}

/**
 * By `--server`, then HOLDFAST_SERVER, then the address in the local configuration.
 * @param patienceMs how long an answer is waited for.
 */
export async function openClient(
  options: ServerOptions,
  environment: Environment,
  patienceMs = ANSWER_TIMEOUT_MS,
): Promise<Client> {
  const url = await findServer(options, environment);
  const token = await readToken(options, environment);
  const address = (path: string) => `${url}/api/v1${path}`;
  return {
    url,
    get: (path, schema, what) =>
      ask({ url: address(path), token, body: null, patienceMs }, schema, `asking ${url} ${what}`),
    post: (path, body, schema, what) =>
      ask({ url: address(path), token, body, patienceMs }, schema, `asking ${url} ${what}`),
  };
}

async function findServer({ server, config }: ServerOptions, environment: Environment): Promise<string> {
  if (server !== undefined) return parseServer(server, "--server");
  if (config !== undefined) return serverOf(config, environment);
  const named = environment[SERVER_VARIABLE];
  if (named !== undefined && named !== "") return parseServer(named, SERVER_VARIABLE);
  try {
    return await serverOf(CONFIG_DEFAULT, environment);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    throw new CommandError("finding the server", {
      code: "server-unreachable",
      wrong: `neither --server nor ${SERVER_VARIABLE} names one, and there is no usable ${CONFIG_DEFAULT} here`,
      mend: `Name it, as in \`--server http://127.0.0.1:8080\`, or start one with \`holdfast serve\`.`,
      cause: error,
    });
  }
}

function parseServer(text: string, from: string): string {
  const url = parseUrl(text.includes("://") ? text : `http://${text}`);
  if (url !== null) return url;
  throw new CommandError(`reading ${from}`, {
    code: "usage",
    wrong: "it is not the address of a server",
    mend: "Write it as in `http://127.0.0.1:8080`.",
  });
}

/** Under the name that people use; else where it listens, and one that listens everywhere is asked on this machine. */
async function serverOf(path: string, environment: Environment): Promise<string> {
  const { listen, urls } = await readConfig(path, environment);
  const { operators, tls } = listen;
  const address = isWildcard(operators.host) ? { ...operators, host: "127.0.0.1" } : operators;
  return urls.operators ?? urlOf(address, tls === null ? "http" : "https");
}

async function readToken({ tokenFile }: ServerOptions, environment: Environment): Promise<string | null> {
  if (tokenFile === undefined) return environment[TOKEN_VARIABLE]?.trim() || null;
  try {
    return (await readFile(tokenFile, "utf8")).trim();
  } catch (error) {
    throw new CommandError(`reading the token file ${tokenFile}`, {
      code: "usage",
      wrong: error instanceof Error ? error.message : "it cannot be read",
      mend: "Check the path and the permissions of the file.",
      cause: error,
    });
  }
}

interface Question {
  readonly url: string;
  readonly token: string | null;
  /** Of a command; null for what only reads. */
  readonly body: object | null;
  readonly patienceMs: number;
}

async function ask<Schema extends z.ZodType>(
  question: Question,
  schema: Schema,
  attempted: string,
): Promise<z.output<Schema>> {
  const { token } = question;
  const response = await send(question, attempted);
  const body = await readJson(response);
  if (response.ok) {
    const answer = schema.safeParse(body);
    if (answer.success) return answer.data;
  }
  const problem = ProblemAnswer.safeParse(body);
  if (!problem.success) throw notOurs(response.status, attempted);
  const { code, message, mend } = problem.data;
  const isTokenMissing = code === "unauthorized" && token === null;
  throw new CommandError(attempted, {
    code,
    wrong: message,
    mend: isTokenMissing ? `Give a token by ${TOKEN_VARIABLE} or --token-file. ${mend}` : mend,
  });
}

async function send({ url, token, body, patienceMs }: Question, attempted: string): Promise<Response> {
  const headers = {
    accept: "application/json",
    ...(token !== null && { authorization: `Bearer ${token}` }),
    ...(body !== null && { "content-type": "application/json", [COMMAND_HEADER]: "1" }),
  };
  const command = body === null ? {} : { method: "POST", body: JSON.stringify(body) };
  const signal = AbortSignal.timeout(patienceMs);
  try {
    return await fetch(url, { headers, redirect: "error", signal, ...command });
  } catch (error) {
    throw new CommandError(attempted, {
      code: "server-unreachable",
      wrong: `no answer: ${innermost(error)}`,
      cause: error,
    });
  }
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

function notOurs(status: number, attempted: string): CommandError {
  return new CommandError(attempted, {
    code: "server-unreachable",
    wrong: `something answered (status ${status}), but not as this version of Holdfast does`,
    mend: "Check the address: the commands ask the one under `listen.operators`. Use a command of the server's version.",
  });
}

/** What `fetch` throws says only that it failed; its cause says why. */
function innermost(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return innermost(error.cause);
  return error.message === "" && "code" in error ? String(error.code) : error.message;
}
