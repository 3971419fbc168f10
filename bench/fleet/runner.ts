/** The runner of one ticket, as GitHub hears it: a session, at most one job, and no process. */
import { type BrokerAnswer, type BrokerCall, callBroker } from "../../src/simulator/runner/broker-client.ts";
import type { AcquiredJob, BrokerMessage, OpenedSession } from "../../src/simulator/runner/protocol.ts";

const VERSION = "2.336.0";

export class Runner {
  readonly #serverUrl: string;
  readonly #token: string;
  readonly #name: string;
  readonly #agentId: number;
  readonly #gone = new AbortController();
  #sessionId = "";
  #job: AcquiredJob | null = null;

  constructor(jitConfig: string) {
    const files = parse(Buffer.from(jitConfig, "base64")) as Readonly<Record<string, string>>;
    const fileOf = (name: string) =>
      parse(Buffer.from(files[name] ?? "", "base64")) as Readonly<Record<string, unknown>>;
    const { AgentId, AgentName, ServerUrlV2 } = fileOf(".runner");
    this.#agentId = Number(AgentId);
    this.#name = String(AgentName);
    this.#serverUrl = String(ServerUrlV2).replace(/\/+$/, "");
    const secret = Buffer.from(String(fileOf(".credentials_rsaparams").d), "base64").toString("utf8");
    this.#token = `${this.#agentId}:${secret}`;
  }

  async connect(): Promise<void> {
    const body = { agentId: this.#agentId, agentName: this.#name, version: VERSION, os: "Linux" };
    const answer = await this.#call({ method: "POST", path: "/sessions", token: this.#token, body });
    this.#sessionId = (answer.body as OpenedSession).sessionId;
  }

  /** @returns false where it was disconnected before one came. */
  async takeJob(): Promise<boolean> {
    const path = `/sessions/${this.#sessionId}/message?status=Online`;
    while (!this.#gone.signal.aborted) {
      const answer = await this.#poll(path);
      const message = answer?.status === 200 ? (answer.body as BrokerMessage) : null;
      if (message?.messageType !== "RunnerJobRequest") continue;
      const { runnerRequestId } = message;
      const token = this.#token;
      const taken = await this.#call({ method: "POST", path: "/acquire", token, body: { runnerRequestId } });
      this.#job = taken.body as AcquiredJob;
      await this.#call({ method: "POST", path: "/start", token: this.#job.token });
      return true;
    }
    return false;
  }

  async complete(): Promise<void> {
    const token = this.#job?.token ?? "";
    const body = { result: "Succeeded", failedStepIndex: null };
    await this.#call({ method: "POST", path: "/complete", token, body });
    await this.disconnect();
  }

  async disconnect(): Promise<void> {
    this.#gone.abort();
    await this.#call({ method: "DELETE", path: `/sessions/${this.#sessionId}`, token: this.#token });
  }

  async #poll(path: string): Promise<BrokerAnswer | null> {
    const { signal } = this.#gone;
    try {
      return await callBroker(this.#serverUrl, { method: "GET", path, token: this.#token, signal });
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
  }

  async #call(call: BrokerCall): Promise<BrokerAnswer> {
    const answer = await callBroker(this.#serverUrl, call);
    if (answer.status >= 300) throw new Error(`${call.path} was answered with ${answer.status}`);
    return answer;
  }
}

function parse(bytes: Buffer): unknown {
  return JSON.parse(bytes.toString("utf8"));
}
