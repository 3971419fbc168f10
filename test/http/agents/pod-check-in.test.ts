/** How a pod says who it is: by its projected token, which its cluster reviews. */
import type { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ProviderError } from "../../../src/domain/errors.ts";
import type { MachineId } from "../../../src/domain/ids.ts";
import { type MachineState, moveMachine } from "../../../src/domain/machine.ts";
import { podNameOf, podProviderId } from "../../../src/domain/pod/provider-id.ts";
import { PROTOCOL_VERSION } from "../../../src/domain/protocol.ts";
import { createAgentApp } from "../../../src/http/agents/app.ts";
import type { PodAuthority } from "../../../src/http/agents/pod-identity.ts";
import { OpenPolls } from "../../../src/http/agents/polls.ts";
import { POD_TOKEN_AUDIENCE, type PodIdentity } from "../../../src/ports/pod-identity.ts";
import { listEvidence } from "../../../src/store/evidence/evidence.ts";
import { loadMachine } from "../../../src/store/machines/load.ts";
import { insertMachine, saveMachine } from "../../../src/store/machines/save.ts";
import { machineSubject } from "../../../src/store/subjects.ts";
import { NOTHING_SEEN, Yard } from "../../controllers/yard.ts";
import { machineId, machine as machineOf, poolName } from "../../domain/builders.ts";

const NAMESPACE = "ci-runners";
const OWN = machineId(7);
const OTHER = machineId(8);
/** What is waited for comes sooner, however slow the machine; past it something hangs. */
const HANG_MS = 20_000;

const uidOf = (id: MachineId) => `00000000-0000-4000-8000-0000${id.slice(2)}`;
const placeOf = (id: MachineId): PodIdentity => ({
  namespace: NAMESPACE,
  podName: podNameOf(id),
  podUid: uidOf(id),
});
const providerIdOf = (id: MachineId) => podProviderId(placeOf(id));

/** A cluster that vouches for tokens as a real one does: for their audience, and for as long as their pod is there. */
class Cluster {
  readonly pods = new Map<string, PodIdentity>();
  readonly reviewed: string[] = [];
  failure: ProviderError | null = null;
  hold: Promise<void> = Promise.resolve();

  start(place: PodIdentity): string {
    this.pods.set(place.podUid, place);
    return this.tokenOf(place.podUid);
  }

  tokenOf(podUid: string, audience = POD_TOKEN_AUDIENCE): string {
    return `${audience}.${podUid}`;
  }

  readonly reviewPodToken = async (token: string): Promise<PodIdentity | null> => {
    this.reviewed.push(token);
    await this.hold;
    if (this.failure !== null) throw this.failure;
    const [audience, podUid = ""] = token.split(".");
    return audience === POD_TOKEN_AUDIENCE ? (this.pods.get(podUid) ?? null) : null;
  };
}

let yard: Yard;
let cluster: Cluster;
let app: Hono;

beforeEach(async () => {
  yard = await Yard.open();
  cluster = new Cluster();
  app = appWith([authority()]);
});
afterEach(() => yard.close());

function authority(changes: Partial<PodAuthority> = {}): PodAuthority {
  return { namespace: NAMESPACE, pools: [poolName()], reviewPodToken: cluster.reviewPodToken, ...changes };
}

function appWith(podAuthorities: readonly PodAuthority[]): Hono {
  return createAgentApp({ ...yard.context, tokens: yard.tokens, polls: new OpenPolls(), podAuthorities });
}

function startMachine(id: MachineId, state?: MachineState): Promise<void> {
  const nowMs = yard.clock.nowMs();
  const provisioning = { kind: "provisioning", providerId: providerIdOf(id), sinceMs: nowMs } as const;
  return insertMachine(yard.store.db, machineOf({ id, state: state ?? provisioning, createdAtMs: nowMs }));
}

interface Answer {
  readonly status: number;
  readonly answer: Readonly<Record<string, unknown>>;
}

async function post(path: string, body: object, token?: unknown): Promise<Answer> {
  const headers = token === undefined ? undefined : { authorization: `Bearer ${token}` };
  const request = { method: "POST", body: JSON.stringify(body), ...(headers === undefined ? {} : { headers }) };
  const response = await app.request(`/agent/v1/${path}`, request);
  return { status: response.status, answer: (await response.json()) as Answer["answer"] };
}

const checkIn = (id: MachineId, token: string, changes: object = {}) =>
  post("check-in", {
    machineId: id,
    incarnation: "incarnation-1",
    protocolVersion: PROTOCOL_VERSION,
    providerId: providerIdOf(id),
    identity: { kind: "kubernetes", token },
    bootId: `${uidOf(id)}/boot`,
    agentVersion: "0",
    ...changes,
  });

const report = (id: unknown, token: unknown, incarnation = "incarnation-1") =>
  post(
    "report",
    {
      machineId: id,
      incarnation,
      sequence: 1,
      storeGeneration: 1,
      report: { phase: "parked", ticket: null, ended: [], sighting: NOTHING_SEEN },
    },
    token,
  );

const isAgentSeen = async (id: MachineId) => (await loadMachine(yard.store.db, id))?.isAgentSeen;

async function factsOf(id: MachineId): Promise<readonly string[]> {
  return (await listEvidence(yard.store.db, machineSubject(id), 100)).map(({ fact }) => fact);
}

describe("a pod that checks in", () => {
  it("is the machine that it is named after, and speaks as that", async () => {
    await startMachine(OWN);
    const { status, answer } = await checkIn(OWN, cluster.start(placeOf(OWN)));
    expect([status, answer.machineId]).toEqual([200, OWN]);
    expect((await report(OWN, answer.token)).status).toBe(200);
    expect((await loadMachine(yard.store.db, OWN))?.report?.phase).toBe("parked");
  });

  it("may do so before its launch is bound, and before it is adopted", async () => {
    const token = cluster.start(placeOf(OWN));
    expect((await checkIn(OWN, token)).answer.machineId).toBe(OWN);
    await startMachine(OWN, { kind: "planned", sinceMs: yard.clock.nowMs() });
    const { status, answer } = await checkIn(OWN, token);
    expect([status, answer.machineId]).toEqual([200, OWN]);
    expect((await report(OWN, answer.token)).status).toBe(200);
  });

  it("is the machine whose row has its uid, whatever the name of that", async () => {
    await startMachine(OTHER, { kind: "provisioning", providerId: providerIdOf(OWN), sinceMs: yard.clock.nowMs() });
    const { status, answer } = await checkIn(OWN, cluster.start(placeOf(OWN)));
    expect([status, answer.machineId]).toEqual([200, OTHER]);
    expect((await report(OTHER, answer.token)).status).toBe(200);
  });

  it("is in quarantine once a second one speaks as it", async () => {
    await startMachine(OWN);
    const token = cluster.start(placeOf(OWN));
    const real = await checkIn(OWN, token);
    await checkIn(OWN, token, { incarnation: "incarnation-2" });
    expect((await report(OWN, real.answer.token)).status).toBe(401);
    await checkIn(OWN, token);
    expect((await loadMachine(yard.store.db, OWN))?.retireWhenSpent).toBe("quarantined");
  });
});

describe("a pod's token", () => {
  beforeEach(async () => {
    await startMachine(OWN);
    cluster.start(placeOf(OWN));
  });

  it.each<readonly [string, () => string, object]>([
    ["of another audience", () => cluster.tokenOf(uidOf(OWN), "https://kubernetes.default.svc"), {}],
    ["of no pod", () => cluster.tokenOf(uidOf(OTHER)), {}],
    ["that is none", () => "", {}],
    [
      "for a pod of a namespace that no pool has",
      () => cluster.tokenOf(uidOf(OWN)),
      { providerId: `other:${OWN}:${uidOf(OWN)}` },
    ],
    ["for what is no pod", () => cluster.tokenOf(uidOf(OWN)), { providerId: "i-0123456789abcdef0" }],
  ])("%s proves nothing", async (_name, token, changes) => {
    expect((await checkIn(OWN, token(), changes)).status).toBe(401);
    expect(await isAgentSeen(OWN)).toBe(true);
  });

  it.each<readonly [string, () => PodIdentity, object]>([
    ["of a job's pod of another name", () => ({ ...placeOf(OWN), podName: "job-pod", podUid: uidOf(OTHER) }), {}],
    [
      "of a pod that Holdfast would never have made",
      () => ({ ...placeOf(OWN), podName: "a.pod", podUid: "static" }),
      {},
    ],
    ["of the same name and another uid", () => ({ ...placeOf(OWN), podUid: uidOf(OTHER) }), {}],
    ["of another namespace", () => ({ ...placeOf(OWN), namespace: "elsewhere", podUid: uidOf(OTHER) }), {}],
    ["of its own pod under another machine's name", () => placeOf(OWN), { machineId: OTHER }],
  ])("%s is refused as another's", async (_name, place, changes) => {
    expect((await checkIn(OWN, cluster.start(place()), changes)).status).toBe(403);
    expect(await isAgentSeen(OWN)).toBe(true);
  });

  it("does not make a later pod of the machine's name the machine", async () => {
    const later = { ...placeOf(OWN), podUid: uidOf(OTHER) };
    const answer = await checkIn(OWN, cluster.start(later), { providerId: podProviderId(later) });
    expect(answer.status).toBe(403);
  });

  it("does not make a pod that is no machine one", async () => {
    const place = { ...placeOf(OTHER), podName: "job-pod" };
    const answer = await checkIn(OTHER, cluster.start(place), { providerId: podProviderId(place) });
    expect(answer.status).toBe(403);
  });

  it("is good for nothing once its pod is gone", async () => {
    expect((await checkIn(OWN, cluster.tokenOf(uidOf(OWN)))).status).toBe(200);
    cluster.pods.clear();
    expect((await checkIn(OWN, cluster.tokenOf(uidOf(OWN)))).status).toBe(401);
  });

  it("is worth the machines of its cluster's pools only", async () => {
    app = appWith([authority({ pools: [poolName("elsewhere")] })]);
    expect((await checkIn(OWN, cluster.tokenOf(uidOf(OWN)))).status).toBe(401);
    expect(cluster.reviewed).toEqual([]);
  });
});

describe("a pod that was deleted by force and runs on, while its launch has made another of its name", () => {
  it("speaks as the machine no more", async () => {
    const planned = machineOf({ id: OWN, state: "planned", isAgentSeen: false, incarnation: null, report: null });
    await insertMachine(yard.store.db, planned);
    const { answer } = await checkIn(OWN, cluster.start(placeOf(OWN)));
    expect((await report(OWN, answer.token)).status).toBe(200);
    const row = (await loadMachine(yard.store.db, OWN)) ?? never();
    const providerId = podProviderId({ ...placeOf(OWN), podUid: uidOf(OTHER) });
    const bound = moveMachine(row, { kind: "launched", providerId }, yard.clock.nowMs());
    await saveMachine(yard.store.db, bound, row.version);
    expect((await report(OWN, answer.token)).status).toBe(401);
    expect(
      (await post("poll", { machineId: OWN, incarnation: "incarnation-1", sequence: 2 }, answer.token)).status,
    ).toBe(401);
  });
});

describe("a pod that came under the name of a machine that is gone", () => {
  const later = { ...placeOf(OWN), podUid: uidOf(OTHER) };
  const providerId = podProviderId(later);

  it("speaks as the machine of its own row once it has one, though it checked in before", async () => {
    const sinceMs = yard.clock.nowMs();
    await startMachine(OWN, { kind: "gone", providerId: null, reason: "never-launched", sinceMs });
    const podToken = cluster.start(later);
    const before = await checkIn(OWN, podToken, { providerId });
    expect(before.answer.machineId).toBe(OWN);
    expect((await report(OWN, before.answer.token)).status).toBe(200);
    await startMachine(OTHER, { kind: "provisioning", providerId, sinceMs });
    expect((await report(OWN, before.answer.token)).status).toBe(401);
    const { answer } = await checkIn(OWN, podToken, { providerId });
    expect(answer.machineId).toBe(OTHER);
    expect((await report(OTHER, answer.token)).status).toBe(200);
    expect((await loadMachine(yard.store.db, OTHER))?.report?.phase).toBe("parked");
  });
});

function never(): never {
  throw new Error("it has a row");
}

describe("a job that took what its own machine has", () => {
  it("gets 403 for every word in another machine's name", async () => {
    await startMachine(OWN);
    await startMachine(OTHER);
    const podToken = cluster.start(placeOf(OWN));
    cluster.start(placeOf(OTHER));
    const { answer } = await checkIn(OWN, podToken);
    expect((await checkIn(OTHER, podToken)).status).toBe(403);
    expect((await report(OTHER, answer.token)).status).toBe(403);
    const message = { machineId: OTHER, incarnation: "incarnation-1" };
    expect((await post("poll", { ...message, sequence: 1 }, answer.token)).status).toBe(403);
    expect((await post("logs", { ...message, ticketId: null, logs: [] }, answer.token)).status).toBe(403);
    expect((await loadMachine(yard.store.db, OTHER))?.report).toBeNull();
  });
});

describe("a cluster that cannot be asked", () => {
  const refusal = () => new ProviderError("provider-invalid", "reviewing a token");

  it.each([
    ["does not answer", () => new ProviderError("provider-unavailable", "reviewing a token")],
    ["refuses to be asked", refusal],
  ])("%s: the agent is told to try again, and somebody is there", async (_name, failure) => {
    await startMachine(OWN);
    const token = cluster.start(placeOf(OWN));
    cluster.failure = failure();
    const { status, answer } = await checkIn(OWN, token);
    expect([status, answer.code]).toEqual([503, "provider-unavailable"]);
    expect(await isAgentSeen(OWN)).toBe(true);
    expect(await factsOf(OWN)).toContain("a check-in that nobody could vouch for at the time was refused");
    cluster.failure = null;
    expect((await checkIn(OWN, token)).status).toBe(200);
  });

  it("does not stand in the way of another that knows the token, and keeps it from being called wrong", async () => {
    await startMachine(OWN);
    const token = cluster.start(placeOf(OWN));
    const away = new Cluster();
    away.failure = refusal();
    app = appWith([authority({ reviewPodToken: away.reviewPodToken }), authority()]);
    expect((await checkIn(OWN, token)).status).toBe(200);
    expect((await checkIn(OWN, cluster.tokenOf(uidOf(OTHER)))).status).toBe(503);
  });

  it("is not asked more at a time than it can bear", async () => {
    await startMachine(OWN);
    const token = cluster.start(placeOf(OWN));
    const { promise, resolve } = Promise.withResolvers<void>();
    cluster.hold = promise;
    const many = Array.from({ length: 80 }, () => checkIn(OWN, token));
    const refused: Answer[] = [];
    for (const one of many) void one.then((answer) => (refused.length < 16 ? refused.push(answer) : null));
    await vi.waitUntil(() => refused.length === 16, { timeout: HANG_MS });
    for (const { status, answer } of refused) expect([status, answer.code]).toEqual([503, "overloaded"]);
    resolve();
    const statuses = (await Promise.all(many)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(64);
    expect(cluster.reviewed).toHaveLength(64);
    expect((await checkIn(OWN, token)).status).toBe(200);
  });
});
