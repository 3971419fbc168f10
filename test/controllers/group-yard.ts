/** A yard whose pool is a group: the group starts, moves and ends its machines as a test says, and is held by what it is told. */
import { holdMembers } from "../../src/controllers/hold-members.ts";
import { HoldfastError, type ProviderError } from "../../src/domain/errors.ts";
import { type MachineId, parseMachineId, parseProviderId, type TicketId } from "../../src/domain/ids.ts";
import { type Machine, type MachineEvent, moveMachine } from "../../src/domain/machine.ts";
import type { Membership } from "../../src/domain/membership.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { type Group, type HeldUp, type Hold, NO_ABILITIES } from "../../src/ports/provider.ts";
import { listDecisions } from "../../src/store/evidence/decisions.ts";
import { listEvidence } from "../../src/store/evidence/evidence.ts";
import { saveMachine } from "../../src/store/machines/save.ts";
import { machineSubject } from "../../src/store/subjects.ts";
import { type Agent, Yard } from "./yard.ts";

export const MEMBER = parseMachineId("m-member00000001");
const OTHER = parseMachineId("m-other000000001");
export const SERVING: Membership = { place: "serving", departure: "none" };
/** As while its terminate hook waits. */
export const WAITS: Membership = { place: "serving", departure: "waits" };
export const TIMEOUT_MS = 30 * MINUTE_MS;
export const LIMIT_MS = 48 * HOUR_MS;

class FakeGroup implements Group {
  readonly held: string[] = [];
  /** Whom the group's own service shows held up. */
  heldUp: readonly HeldUp[] = [];
  listHeldUpError: ProviderError | null = null;
  askedAloneCount = 0;
  minimumCount = 0;
  hookEdition = "1";
  timeoutMs = TIMEOUT_MS;
  error: ProviderError | null = null;
  isWaiting = true;
  isRetained = false;
  /** Where each that is held was before, by the last word that asked for it. */
  readonly lastOf = new Map<string, Membership | null>();
  sinceMs: number;

  constructor(sinceMs: number) {
    this.sinceMs = sinceMs;
  }

  async hold(providerId: string, last: Membership | null = null): Promise<Hold | null> {
    this.held.push(providerId);
    this.lastOf.set(providerId, last);
    if (this.error !== null) throw this.error;
    if (!this.isWaiting) return null;
    const time = { forMs: this.timeoutMs, sinceMs: this.sinceMs, untilMs: this.sinceMs + LIMIT_MS };
    return { ...time, isRetained: this.isRetained };
  }

  async listHeldUp(): Promise<readonly HeldUp[]> {
    this.askedAloneCount += 1;
    if (this.listHeldUpError !== null) throw this.listHeldUpError;
    return this.heldUp;
  }

  async readHookEdition(): Promise<string> {
    return this.hookEdition;
  }

  readonly noted = new Set<string>();

  async noteRows(providerIds: readonly string[]): Promise<void> {
    for (const id of providerIds) this.noted.add(id);
  }

  readMinimumCount(): number {
    return this.minimumCount;
  }
}

export class GroupYard {
  readonly yard: Yard;
  readonly group: FakeGroup;

  static async open(pool: Partial<PoolPolicy> = {}): Promise<GroupYard> {
    return new GroupYard(await Yard.open({ machineCountMax: 3, ...pool }));
  }

  private constructor(yard: Yard) {
    this.yard = yard;
    this.group = new FakeGroup(yard.clock.nowMs());
    yard.heardSinceMs -= yard.context.pool.deadlines.bootMs;
    Object.assign(yard.context, { abilities: { ...NO_ABILITIES, group: this.group } });
    const launch = yard.provider.launch.bind(yard.provider);
    yard.provider.launch = async (request) => {
      for (const { machineId } of request.machines) this.show(SERVING, machineId);
      return launch(request);
    };
  }

  /** What the group's listings show of it from now on. */
  show(membership: Membership | null, id: MachineId = MEMBER, isNew = false): void {
    const newcomerSinceMs = isNew ? this.yard.clock.nowMs() : null;
    this.yard.provider.remarks.set(id, { membership, newcomerSinceMs });
  }

  /** What the last listing showed of it. */
  remember(membership: Membership): void {
    const providerId = parseProviderId(MEMBER);
    const { clock, context } = this.yard;
    const marks = { machineId: MEMBER, launchId: null, pool: context.pool.name };
    const seen = { state: "running", observedAtMs: clock.nowMs(), membership } as const;
    context.memory.observed.set(MEMBER, { providerId, ...marks, ...seen });
  }

  async moveTo(...moves: readonly MachineEvent[]): Promise<void> {
    for (const move of moves) {
      const before = await this.machine();
      if (before === undefined) throw new Error("the member has its row");
      await saveMachine(this.yard.store.db, moveMachine(before, move, this.yard.clock.nowMs()), before.version);
    }
  }

  /** The group starts a machine. */
  async comes(membership: Membership = SERVING, isNew = true): Promise<Agent> {
    this.yard.provider.machines.set(MEMBER, { state: "running", machineId: MEMBER });
    this.show(membership, MEMBER, isNew);
    await this.yard.pass();
    return this.yard.agent(MEMBER);
  }

  async parked(): Promise<Agent> {
    const agent = await this.comes();
    await agent.checkIn();
    await agent.report();
    await this.yard.pass();
    return agent;
  }

  /** The group starts another, and an agent of ours is heard as it. */
  async otherWithAgent(): Promise<void> {
    this.yard.provider.machines.set(OTHER, { state: "running", machineId: OTHER });
    this.show(SERVING, OTHER, true);
    await this.yard.pass();
    const agent = this.yard.agent(OTHER);
    await agent.checkIn();
    await agent.report();
  }

  /** A ticket that has left, of which its host has not spoken yet. */
  async withTicket(): Promise<{ readonly agent: Agent; readonly ticketId: TicketId }> {
    const agent = await this.parked();
    await this.yard.queue();
    await this.yard.pass();
    const answer = await agent.poll();
    if (answer.kind !== "ticket") throw new Error(`the poll answered ${answer.kind}`);
    return { agent, ticketId: answer.ticket.id };
  }

  async withJob(): Promise<{ readonly agent: Agent; readonly ticketId: TicketId }> {
    const { agent, ticketId } = await this.withTicket();
    await agent.report({
      phase: "engaged",
      ticket: { id: ticketId, step: "running" },
      sighting: { kind: "seen", hasListener: true, workerCount: 1 },
    });
    await this.yard.pass();
    return { agent, ticketId };
  }

  /** One pass of the controller that holds. @returns the calls that it made. */
  async hold(): Promise<readonly string[]> {
    this.group.held.length = 0;
    await holdMembers(this.yard.context);
    return [...this.group.held];
  }

  /** The store cannot be read for as long as that takes. */
  async withoutStore(work: () => Promise<void>): Promise<void> {
    const { context, store } = this.yard;
    const lost = () => {
      throw new HoldfastError("store-unavailable", "reading rows");
    };
    Object.assign(context, { store: { ...store, db: new Proxy(store.db, { get: lost }) } });
    await work();
    Object.assign(context, { store });
  }

  async machine(id: MachineId = MEMBER): Promise<Machine | undefined> {
    return (await this.yard.machines()).find((one) => one.id === id);
  }

  /** By which the member was to be ended. */
  proofs(): readonly string[] {
    const { terminated } = this.yard.provider;
    return terminated.filter(({ machineId }) => machineId === MEMBER).map(({ proof }) => proof);
  }

  async facts(): Promise<readonly string[]> {
    return (await listEvidence(this.yard.store.db, machineSubject(MEMBER), 100)).map(({ fact }) => fact);
  }

  /** What its record says of when its group goes on whatever runs there. */
  async toldLimits(): Promise<readonly string[]> {
    return (await this.facts()).filter((fact) => fact.startsWith("its group goes on at "));
  }

  /** Why the member is kept. */
  async reason(): Promise<string | undefined> {
    return (await listDecisions(this.yard.store.db, machineSubject(MEMBER), 10))[0]?.reason;
  }

  counted(metric: string): number {
    return this.yard.telemetry.counts.filter((one) => one.startsWith(metric)).length;
  }

  close(): Promise<void> {
    return this.yard.close();
  }
}
