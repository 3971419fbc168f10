/** An EC2 of one's own: the model of ../../ec2 behind real HTTP on 127.0.0.1, and the handle on it for its process. */
import { randomInt, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { addFault } from "../../aws/faults.ts";
import type { Ec2Action, Ec2Requests } from "../../ec2/api.ts";
import { callEc2, type Ec2Outcome, isEc2Action } from "../../ec2/call.ts";
import { changeInstance, type InstanceChange, type Pool, setQuota, setRoom } from "../../ec2/control.ts";
import { createEc2, type Ec2Setup } from "../../ec2/create.ts";
import { EC2_ERRORS, type Ec2ErrorCode } from "../../ec2/errors.ts";
import type { Ec2FaultOutcome, Ec2FaultTarget } from "../../ec2/faults.ts";
import { advance, interrupt, nextDueMs, powerOff } from "../../ec2/life.ts";
import type { Ec2Options, Market } from "../../ec2/options.ts";
import type { Ec2State, Instance, RoomCode } from "../../ec2/state.ts";
import type { Transmission } from "../../github/faults.ts";
import { Chance } from "../../world/chance.ts";
import { QueryRefusal, readQuery } from "../aws/query-fields.ts";
import { writeAnswer, writeError } from "../aws/xml.ts";
import { createTimers, formatHttpDate, type Timers } from "../clock.ts";
import { readExchange } from "../exchange.ts";
import { type HttpListener, startListener } from "../listener.ts";
import { transmit } from "../transmit.ts";
import { createWatchers, type Watchers } from "../watchers.ts";
import { wireNamesOf } from "./answers.ts";
import { createIdentitySigner, type IdentitySigner } from "./identity-signer.ts";
import { type InstanceMetadata, startInstanceMetadata } from "./instance-metadata.ts";
import { membersOf } from "./requests.ts";

export interface SimulatedEc2Options {
  /** 0, the default: any free port. */
  readonly port?: number;
  /** Ids, and everything that is drawn; random unless given. */
  readonly seed?: number;
  /** Whose signature is taken: whatever key it names, unless given. The signature itself is not checked. */
  readonly accessKeyId?: string;
  /** How far EC2's clock is ahead of this machine's. */
  readonly clockOffsetMs?: number;
  /** The region, its account, and its habits. */
  readonly ec2?: Ec2Setup;
}

export interface SimulatedEc2 {
  /** For the client's `endpoint`, without a slash at the end. */
  readonly endpoint: string;
  readonly options: Ec2Options;
  /** What identity documents are good by. */
  readonly identity: Pick<IdentitySigner, "rsaCertificate" | "dsaCertificate">;
  /** Lets the next `times` (1) calls of the action go wrong, or the next calls whatever they are. Returns how to take it back. */
  injectFault(target: Ec2FaultTarget, outcome: Ec2FaultOutcome, times?: number): () => void;
  /** Every instance that ever was, oldest first. */
  instances(): readonly Readonly<Instance>[];
  /** Volumes and network interfaces that are there, attached or not. */
  belongingIds(): readonly string[];
  setRoom(pool: Pool, free: number | null, code?: RoomCode): void;
  setQuota(type: string, market: Market, vcpuCount: number | null): void;
  setPermission(action: Ec2Action, isAllowed: boolean): void;
  changeInstance(instanceId: string, change: InstanceChange): void;
  /** Spot wants its place back, after the usual notice unless told otherwise. */
  interrupt(instanceId: string, noticeMs?: number): boolean;
  /** What runs on the instance shuts it down. */
  powerOff(instanceId: string): void;
  /** Called at once for every change of an instance's phase. Returns how to stop it. */
  onInstanceChange(listener: (instance: Readonly<Instance>) => void): () => void;
  /** Looks at once and after every change of the model; see Watchers. */
  waitFor: Watchers["waitFor"];
  startMetadata(instanceId: string): Promise<InstanceMetadata>;
  /** Calls that were made, answered or not. */
  calls(): Readonly<Partial<Record<Ec2Action, number>>>;
  /** EC2's clock jumps by so much, and what is due by then happens. */
  advanceClock(byMs: number): void;
  /** Connections are reset and refused; EC2's own time goes on. */
  goOffline(): Promise<void>;
  comeBack(): Promise<void>;
  /** Ends connections, timers and metadata endpoints. Idempotent. */
  close(): Promise<void>;
}

/** Another service at the same address, whose things are made of EC2's: calls that are signed for it are its own. */
export interface Neighbour {
  /** As a signature names it. */
  readonly name: string;
  /** What is due by then has happened, in EC2 and in the neighbour. */
  advance(nowMs: number): void;
  nextDueMs(): number | null;
  /** After a change. */
  tellChanges(): void;
  answer(action: string, parameters: URLSearchParams, nowMs: number, requestId: string): NeighbourAnswer;
}

export interface NeighbourAnswer {
  readonly status: number;
  readonly text: string;
  readonly transmission: Transmission;
}

export interface Ec2Core {
  readonly state: Ec2State;
  readonly timers: Timers;
  readonly accessKeyId: string | null;
  readonly listeners: Set<(instance: Readonly<Instance>) => void>;
  readonly metadata: Set<InstanceMetadata>;
  readonly watchers: Watchers;
  /** Made when it is first needed: keys take their time. */
  readonly signer: () => IdentitySigner;
  neighbour: Neighbour | null;
  listener: HttpListener | null;
  closing: Promise<void> | null;
  pump(): void;
}

/** @throws if the port is taken. */
export async function startSimulatedEc2(options: SimulatedEc2Options = {}): Promise<SimulatedEc2> {
  return startServer(createCore(options), options.port);
}

export async function startServer(core: Ec2Core, port = 0): Promise<SimulatedEc2> {
  core.listener = await startListener(port, (request, response) => {
    void serve(core, request, response);
  });
  return createHandle(core, core.listener);
}

export function createCore({ seed, accessKeyId, clockOffsetMs, ec2 }: SimulatedEc2Options): Ec2Core {
  const state = createEc2({ ...ec2, chance: new Chance(seed ?? randomInt(2 ** 31)) });
  const timers = createTimers(clockOffsetMs);
  let cancelNext = () => {};
  let signer: IdentitySigner | null = null;
  const core: Ec2Core = {
    state,
    timers,
    accessKeyId: accessKeyId ?? null,
    listeners: new Set(),
    metadata: new Set(),
    watchers: createWatchers(timers),
    signer: () => {
      signer ??= createIdentitySigner();
      return signer;
    },
    neighbour: null,
    listener: null,
    closing: null,
    pump: () => {
      if (core.closing !== null) return;
      const nowMs = timers.nowMs();
      if (core.neighbour === null) advance(state, nowMs);
      else core.neighbour.advance(nowMs);
      tellChanges(core);
      core.neighbour?.tellChanges();
      core.watchers.changed([]);
      cancelNext();
      const dueMs = core.neighbour === null ? nextDueMs(state) : core.neighbour.nextDueMs();
      cancelNext = dueMs === null ? () => {} : timers.after(dueMs - nowMs, core.pump);
    },
  };
  return core;
}

function tellChanges({ state, listeners }: Ec2Core): void {
  const changed = [...state.changedInstanceIds];
  state.changedInstanceIds.clear();
  for (const id of changed) {
    const instance = state.instances.get(id);
    if (instance !== undefined) for (const listener of listeners) listener(instance);
  }
}

function createHandle(core: Ec2Core, listener: HttpListener): SimulatedEc2 {
  const { state, timers, listeners } = core;
  const act = <Result>(change: (nowMs: number) => Result): Result => {
    const result = change(timers.nowMs());
    core.pump();
    return result;
  };
  return {
    endpoint: `http://127.0.0.1:${listener.port}`,
    options: state.options,
    get identity() {
      return core.signer();
    },
    injectFault: (target, outcome, times) => addFault(state.faults, target, outcome, times),
    instances: () => [...state.instances.values()],
    belongingIds: () => [...state.volumes.keys(), ...state.networkInterfaces.keys()],
    setRoom: (pool, free, code) => setRoom(state, pool, free, code),
    setQuota: (type, market, vcpuCount) => setQuota(state, type, market, vcpuCount),
    setPermission: (action, isAllowed) => {
      if (isAllowed) state.denied.delete(action);
      else state.denied.add(action);
    },
    changeInstance: (instanceId, change) => changeInstance(state, instanceId, change),
    interrupt: (instanceId, noticeMs) => act((nowMs) => interrupt(state, instanceId, nowMs, noticeMs)),
    powerOff: (instanceId) => act((nowMs) => powerOff(state, instanceId, nowMs)),
    onInstanceChange: (told) => {
      listeners.add(told);
      return () => listeners.delete(told);
    },
    waitFor: core.watchers.waitFor,
    startMetadata: async (instanceId) => {
      const metadata = await startInstanceMetadata({ state, timers, signer: core.signer() }, instanceId);
      core.metadata.add(metadata);
      return metadata;
    },
    calls: () => Object.fromEntries(state.callCounts),
    advanceClock: (byMs) => act(() => timers.shift(byMs)),
    goOffline: async () => core.listener?.close(),
    comeBack: async () => core.listener?.open(),
    close: () => {
      core.closing ??= closeCore(core);
      return core.closing;
    },
  };
}

async function closeCore({ timers, metadata, watchers, listener }: Ec2Core): Promise<void> {
  watchers.close();
  timers.clear();
  await Promise.all([...metadata].map((one) => one.close()));
  await listener?.close();
}

async function serve(core: Ec2Core, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestId = randomUUID();
  const date = formatHttpDate(core.timers.nowMs());
  const headers = { "content-type": "text/xml;charset=UTF-8", "x-amzn-requestid": requestId, date };
  try {
    const exchange = await readExchange(request, response);
    if (exchange === null) return;
    const parameters = exchange.method === "POST" ? new URLSearchParams(exchange.text) : exchange.query;
    const { status, text, transmission } = answerService(core, parameters, exchange.authorization, requestId);
    core.pump();
    await transmit(exchange.response, { status, headers, text }, transmission, core.timers);
  } catch (error) {
    // A bug of the simulator: the caller must not wait for an answer that never comes.
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (!response.headersSent) response.writeHead(500, headers);
    response.end(writeError("InternalError", message, requestId));
  }
}

/** By EC2, or by its neighbour where the call is signed for that. */
function answerService(
  core: Ec2Core,
  parameters: URLSearchParams,
  authorization: string | undefined,
  requestId: string,
): NeighbourAnswer {
  const { neighbour, timers } = core;
  const action = parameters.get("Action") ?? "";
  if (neighbour !== null && isSigned(core, authorization, neighbour.name))
    return neighbour.answer(action, parameters, timers.nowMs(), requestId);
  const { result, transmission } = answerCall(core, action, parameters, authorization);
  if (result.kind === "refused")
    return { status: EC2_ERRORS[result.code], text: writeError(result.code, result.message, requestId), transmission };
  const names = isEc2Action(action) ? wireNamesOf(action) : {};
  return { status: 200, text: writeAnswer(action, result.answer, names, requestId), transmission };
}

function answerCall(
  core: Ec2Core,
  action: string,
  parameters: URLSearchParams,
  authorization: string | undefined,
): Ec2Outcome {
  const refuse = (code: Ec2ErrorCode, message: string): Ec2Outcome => ({
    result: { kind: "refused", code, message },
    transmission: { kind: "whole" },
  });
  if (!isSigned(core, authorization, "ec2"))
    return refuse("AuthFailure", "AWS was not able to validate the provided access credentials");
  if (!isEc2Action(action)) return refuse("InvalidAction", `The action ${action} is not valid for this web service.`);
  try {
    const request = readQuery(parameters, membersOf(action)) as Ec2Requests[Ec2Action];
    return callEc2(core.state, action, request, core.timers.nowMs());
  } catch (error) {
    if (error instanceof QueryRefusal) return refuse(error.code, error.message);
    throw error;
  }
}

function isSigned({ accessKeyId }: Ec2Core, authorization: string | undefined, service: string): boolean {
  const [, key, name] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/[^,]*\/([a-z0-9-]+)\/aws4_request,/.exec(authorization ?? "") ?? [];
  return key !== undefined && name === service && (accessKeyId === null || key === accessKeyId);
}
