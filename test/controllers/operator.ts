/** An operator at a yard: speaks through the real operator API, as the commands do. */
import type { z } from "zod";
import { CommandAnswer, ProblemAnswer } from "../../src/http/operators/answers.ts";
import { createOperatorApp } from "../../src/http/operators/app.ts";
import { sampleSources } from "../http/sample-fleet.ts";
import { recordWakes } from "../http/stand-ins.ts";
import type { Yard } from "./yard.ts";

const ALICE = { name: "alice", role: "operator", token: "alice-token-0123456789" } as const;

export class OperatorAtYard {
  readonly wake = recordWakes();
  readonly #yard: Yard;

  constructor(yard: Yard) {
    this.#yard = yard;
  }

  /** The command must be taken. */
  async say(command: string, body: object): Promise<CommandAnswer> {
    return this.#send(command, body, 200, CommandAnswer);
  }

  /** The command must be refused. @returns the code. */
  async refused(command: string, body: object, status = 409): Promise<string> {
    return (await this.#send(command, body, status, ProblemAnswer)).code;
  }

  async get<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
    const response = await this.#app().request(`/api/v1${path}`, { headers: HEADERS });
    return schema.parse(await response.json());
  }

  async #send<Schema extends z.ZodType>(
    command: string,
    body: object,
    status: number,
    schema: Schema,
  ): Promise<z.output<Schema>> {
    const request = { method: "POST", headers: HEADERS, body: JSON.stringify(body) };
    const response = await this.#app().request(`/api/v1/${command}`, request);
    const answer = await response.json();
    if (response.status !== status)
      throw new Error(`${command} answered ${response.status}: ${JSON.stringify(answer)}`);
    return schema.parse(answer);
  }

  #app() {
    const { store, clock, context } = this.#yard;
    const sources = sampleSources(store, {
      pools: context.pools,
      clock,
      heardAtMs: (id) => context.hearing.heardAtMs(id),
    });
    return createOperatorApp({ operators: [ALICE], sources, telemetry: context.telemetry, wake: this.wake });
  }
}

const HEADERS = { authorization: `Bearer ${ALICE.token}`, "content-type": "application/json" };
