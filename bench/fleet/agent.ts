/**
 * The agent of an instance as the controller hears it, without a machine below it: it proves itself by the instance's signed
 * document, reports, polls, and runs what its ticket brings at GitHub's own word. A hundred of them cost less than one process.
 */
import { setTimeout } from "node:timers/promises";
import type { MachineId, ProviderId, TicketId } from "../../src/domain/ids.ts";
import { parseProviderId } from "../../src/domain/ids.ts";
import {
  type CheckInAnswer,
  HEARTBEAT_MS,
  type HostReport,
  type PollAnswer,
  PROTOCOL_VERSION,
  type ReportAnswer,
} from "../../src/domain/protocol.ts";
import { strayMachineId } from "../../src/domain/stray.ts";
import type { TicketStep } from "../../src/domain/ticket.ts";
import type { InstanceMetadata } from "../../src/simulator/server/ec2/instance-metadata.ts";
import { Runner } from "./runner.ts";

export interface AgentWorld {
  readonly controllerUrl: string;
  startMetadata(instanceId: string): Promise<InstanceMetadata>;
  /** A ticket has arrived on a machine. */
  onTicket(): unknown;
  /** Jobs go on until then. */
  jobsEnd: Promise<void>;
  onFailure(error: unknown): unknown;
}

/** Of one check-in after the other: a launch may be bound in between. */
const CHECK_INS_MAX = 5;

export class Agent {
  readonly #world: AgentWorld;
  readonly #providerId: ProviderId;
  readonly #over = new AbortController();
  #machineId: MachineId;
  #document = "";
  #token = "";
  #sequence = 0;
  #isRetiring = false;
  #runner: Runner | null = null;
  #held: { readonly id: TicketId; step: TicketStep } | null = null;
  #ended: HostReport["ended"][number][] = [];
  /** A ticket is answered again until its end is attended to: it is worked once. */
  readonly #taken = new Set<TicketId>();

  constructor(world: AgentWorld, instanceId: string) {
    this.#world = world;
    this.#providerId = parseProviderId(instanceId);
    const machineId = strayMachineId(this.#providerId);
    if (machineId === null) throw new Error(`an instance of the id ${instanceId}`);
    this.#machineId = machineId;
  }

  /** Until its instance is ended. */
  async run(): Promise<void> {
    try {
      this.#document = await this.#readDocument();
      await this.#report();
      await Promise.all([this.#poll(), this.#beat()]);
    } catch (error) {
      if (!this.#over.signal.aborted) this.#world.onFailure(error);
    }
  }

  /** At once, as a machine's power goes. */
  end(): void {
    this.#over.abort();
  }

  async #poll(): Promise<void> {
    while (!this.#over.signal.aborted) {
      if (this.#held !== null || this.#isRetiring) await sleep(HEARTBEAT_MS, this.#over.signal);
      else await this.#take(await this.#post<PollAnswer>("poll", {}));
    }
  }

  async #take(answer: PollAnswer): Promise<void> {
    switch (answer.kind) {
      case "nothing":
        return;
      case "report":
        return this.#report();
      case "ticket":
        if (this.#taken.has(answer.ticket.id)) return this.#report();
        this.#taken.add(answer.ticket.id);
        this.#held = { id: answer.ticket.id, step: "delivered" };
        this.#runner = new Runner(answer.ticket.jitConfig);
        this.#world.onTicket();
        await this.#report();
        await this.#work(this.#runner);
    }
  }

  async #work(runner: Runner): Promise<void> {
    await runner.connect();
    await this.#reach("online");
    if (await runner.takeJob()) {
      await this.#reach("running");
      await this.#world.jobsEnd;
      await runner.complete();
      await this.#end("spent");
    }
  }

  async #beat(): Promise<void> {
    while (!this.#over.signal.aborted) {
      await sleep(HEARTBEAT_MS, this.#over.signal);
      if (!this.#over.signal.aborted) await this.#report();
    }
  }

  async #reach(step: TicketStep): Promise<void> {
    if (this.#held !== null) this.#held.step = step;
    await this.#report();
  }

  async #end(kind: "spent" | "handed-back"): Promise<void> {
    if (this.#held !== null) this.#ended.push({ id: this.#held.id, end: { kind } });
    [this.#held, this.#runner] = [null, null];
    await this.#report();
  }

  /** Its fence: what has no job is handed back. */
  async #heed({ confirmedEnds, handBack, isRetiring }: ReportAnswer): Promise<void> {
    this.#ended = this.#ended.filter(({ id }) => !confirmedEnds.includes(id));
    const isNews = isRetiring && !this.#isRetiring;
    this.#isRetiring = isRetiring;
    const isAskedBack = handBack !== null && handBack.ticketId === this.#held?.id && this.#held.step !== "running";
    if (isAskedBack && this.#runner !== null) {
      await this.#runner.disconnect();
      await this.#end("handed-back");
    } else if (isNews && this.#held === null) await this.#report();
  }

  async #report(): Promise<void> {
    const isHeld = this.#held !== null;
    const step = this.#held?.step ?? null;
    const report: HostReport = {
      phase: isHeld ? "engaged" : this.#isRetiring ? "leaving" : "parked",
      ticket: this.#held === null ? null : { ...this.#held },
      ended: [...this.#ended],
      sighting: { kind: "seen", hasListener: isHeld, workerCount: step === "running" ? 1 : 0 },
      fence: null,
      stillness: null,
    };
    await this.#heed(await this.#post<ReportAnswer>("report", { storeGeneration: 1, report }));
  }

  /** A refused token: check in again, and say it again. */
  async #post<Answer>(path: "poll" | "report", body: object): Promise<Answer> {
    for (let count = 0; count < CHECK_INS_MAX; count += 1) {
      if (this.#token === "") await this.#checkIn();
      this.#sequence += 1;
      const response = await this.#send(path, { sequence: this.#sequence, ...body });
      if (response.ok) return (await response.json()) as Answer;
      const text = await response.text();
      if (response.status !== 401) throw new Error(`${path} was answered with ${response.status}: ${text}`);
      this.#token = "";
    }
    throw new Error(`${path} was refused after ${CHECK_INS_MAX} check-ins`);
  }

  async #checkIn(): Promise<void> {
    const response = await this.#send("check-in", {
      protocolVersion: PROTOCOL_VERSION,
      providerId: this.#providerId,
      identity: { kind: "ec2", document: this.#document },
      bootId: `boot-of-${this.#providerId}`,
      agentVersion: "0",
    });
    if (!response.ok) throw new Error(`a check-in was answered with ${response.status}: ${await response.text()}`);
    const { token, machineId } = (await response.json()) as CheckInAnswer;
    this.#token = token;
    this.#machineId = machineId ?? this.#machineId;
  }

  #send(path: string, body: object): Promise<Response> {
    return fetch(`${this.#world.controllerUrl}/agent/v1/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${this.#token}` },
      body: JSON.stringify({ machineId: this.#machineId, incarnation: `of-${this.#providerId}`, ...body }),
      signal: this.#over.signal,
    });
  }

  async #readDocument(): Promise<string> {
    const metadata = await this.#world.startMetadata(this.#providerId);
    try {
      const ttl = { "x-aws-ec2-metadata-token-ttl-seconds": "60" };
      const token = await (await fetch(`${metadata.url}/latest/api/token`, { method: "PUT", headers: ttl })).text();
      const path = "/latest/dynamic/instance-identity/rsa2048";
      return await (await fetch(`${metadata.url}${path}`, { headers: { "x-aws-ec2-metadata-token": token } })).text();
    } finally {
      await metadata.close();
    }
  }
}

async function sleep(durationMs: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(durationMs, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
