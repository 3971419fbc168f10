/**
 * Reads what an instance is told about itself (IMDSv2): a session token is asked for by PUT, and every reading carries it.
 * The answer to the PUT dies at the first hop, so the agent itself reads, never a container. (EC2 user guide, "Use the
 * Instance Metadata Service".)
 */
import { type BackoffPolicy, backoffMs } from "../domain/backoff.ts";
import { SECOND_MS } from "../domain/units.ts";
import { describeError } from "./log.ts";
import type { System } from "./system.ts";

/** Where every instance finds it; the variable is the one by which the official tools are told of another place. */
const METADATA_URL = "http://169.254.169.254";
const METADATA_URL_VARIABLE = "AWS_EC2_METADATA_SERVICE_ENDPOINT";

const TOKEN_PATH = "/latest/api/token";
const TTL_HEADER = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN_HEADER = "x-aws-ec2-metadata-token";
/** The longest that there is: six hours. */
const TOKEN_TTL_SECONDS = 21_600;
/** The service is on the instance's own host: what takes longer is not coming. */
const ANSWER_TIMEOUT_MS = 2 * SECOND_MS;
const ANSWER_BYTES_MAX = 64 * 1024;
/** For a reading that something waits for; a few seconds after the boot there may be no network yet. */
const TRIES_MAX = 6;
const TRY_BACKOFF: BackoffPolicy = { firstMs: SECOND_MS / 2, limitMs: 5 * SECOND_MS };

/** The metadata could not be read: nothing is known of what was asked. */
export class MetadataError extends Error {
  override readonly name = "MetadataError";
}

export class InstanceMetadata {
  readonly #url: string;
  readonly #system: System;
  #token: string | null = null;

  constructor(environment: Readonly<Record<string, string | undefined>>, system: System) {
    this.#url = (environment[METADATA_URL_VARIABLE] || METADATA_URL).replace(/\/+$/, "");
    this.#system = system;
  }

  /**
   * Tries until there is an answer, `TRIES_MAX` times at most.
   * @returns null where there is nothing of that name.
   * @throws {MetadataError}
   */
  async read(path: string): Promise<string | null> {
    for (let failureCount = 1; ; failureCount += 1) {
      try {
        return await this.readOnce(path);
      } catch (error) {
        if (!(error instanceof MetadataError) || failureCount >= TRIES_MAX) throw error;
        await this.#system.sleep(backoffMs(TRY_BACKOFF, failureCount, this.#system.fraction()));
      }
    }
  }

  /** As `read`, for who asks again anyway. */
  async readOnce(path: string): Promise<string | null> {
    const { status, text } = await this.#readWithToken(path);
    // Tokens end, with the service's restart as well.
    if (status === 401) this.#token = null;
    const answer = status === 401 ? await this.#readWithToken(path) : { status, text };
    if (answer.status === 404) return null;
    if (answer.status !== 200) throw new MetadataError(`reading ${path}: answered with ${answer.status}`);
    return answer.text;
  }

  async #readWithToken(path: string): Promise<Answer> {
    this.#token ??= await this.#takeToken();
    return this.#exchange(path, "GET", { [TOKEN_HEADER]: this.#token });
  }

  async #takeToken(): Promise<string> {
    const { status, text } = await this.#exchange(TOKEN_PATH, "PUT", { [TTL_HEADER]: String(TOKEN_TTL_SECONDS) });
    if (status !== 200 || text === "") throw new MetadataError(`asking for a metadata token: answered with ${status}`);
    return text;
  }

  async #exchange(path: string, method: "GET" | "PUT", headers: Readonly<Record<string, string>>): Promise<Answer> {
    try {
      const signal = this.#system.timeout(ANSWER_TIMEOUT_MS);
      const response = await fetch(`${this.#url}${path}`, { method, headers, redirect: "error", signal });
      const text = await response.text();
      if (text.length > ANSWER_BYTES_MAX) throw new MetadataError(`reading ${path}: the answer is too long`);
      return { status: response.status, text };
    } catch (error) {
      if (error instanceof MetadataError) throw error;
      throw new MetadataError(`reading ${path} of the instance's metadata: ${describeError(error)}`, { cause: error });
    }
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
}
