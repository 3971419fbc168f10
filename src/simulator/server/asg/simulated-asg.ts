/**
 * Auto Scaling and its EC2 of one's own: the models of ../../asg and ../../ec2 behind one address on 127.0.0.1, where a call
 * goes to the service that it is signed for. Both official clients take the same `endpoint`:
 *
 * ```ts
 * const aws = await startSimulatedAsg({ seed: 1 });
 * const template = aws.createLaunchTemplate("runner", { ImageId: "ami-…", InstanceType: "c5.xlarge" });
 * aws.createGroup({ name: "runners", launchTemplate: template, maxSize: 5, desired: 2, hooks: [{ name: "drain" }] });
 * new AutoScalingClient({ endpoint: aws.endpoint, region: aws.ec2.options.region, credentials });
 * aws.advanceClock(60_000);          // instances come into service: nothing waits for real time
 * aws.member("i-…")?.state;          // the truth, whatever readings show
 * await aws.ec2.startMetadata("i-…"); // with `autoscaling/target-lifecycle-state`
 * ```
 *
 * Time is the machine's own, and `advanceClock` lets it jump. Readings lag only where `asg.lags` or `ec2.lags` say so.
 */
import type { AsgAction, AsgRequests } from "../../asg/api.ts";
import { callAsg, isAsgAction } from "../../asg/call.ts";
import { changeGroup, type GroupChange, scaleByPolicy, takeChanges } from "../../asg/control.ts";
import { type AsgSetup, createAsg, createGroup, type GroupSetup } from "../../asg/create.ts";
import { ASG_ERRORS, type AsgErrorCode } from "../../asg/errors.ts";
import { advance, nextDueMs } from "../../asg/life.ts";
import type { AsgState, Group, Member, MemberChange } from "../../asg/state.ts";
import { type AwsFaultOutcome, type AwsFaultTarget, addFault } from "../../aws/faults.ts";
import type { LaunchTemplateData, LaunchTemplateSpecification } from "../../ec2/api.ts";
import { callEc2 } from "../../ec2/call.ts";
import { QueryRefusal, readQuery } from "../aws/query-fields.ts";
import { writeQueryAnswer, writeQueryError } from "../aws/xml.ts";
import {
  createCore,
  type Ec2Core,
  type Neighbour,
  type NeighbourAnswer,
  type SimulatedEc2,
  type SimulatedEc2Options,
  startServer,
} from "../ec2/simulated-ec2.ts";
import type { Watchers } from "../watchers.ts";
import { membersOf } from "./requests.ts";

export interface SimulatedAsgOptions extends SimulatedEc2Options {
  readonly asg?: AsgSetup;
}

export interface SimulatedAsg {
  /** Of both services, for the clients' `endpoint`, without a slash at the end. */
  readonly endpoint: string;
  readonly ec2: SimulatedEc2;
  /** One version of it, which EC2 has at once. */
  createLaunchTemplate(name: string, data: LaunchTemplateData): LaunchTemplateSpecification;
  /** Its first members are launched at once. */
  createGroup(setup: GroupSetup): void;
  /** As it is, whatever readings show. */
  group(name: string): Readonly<Group>;
  /** Null: it is in no group, or no more. */
  member(instanceId: string): Readonly<Member> | null;
  /** A scaling policy or a schedule wants so many. */
  scale(groupName: string, wanted: number): void;
  /** A person changes its settings. */
  changeGroup(groupName: string, change: GroupChange): void;
  /** Makes a call as somebody else would, past faults' and wires' reach. @throws {Error} where it is refused. */
  call<Action extends AsgAction>(action: Action, request: AsgRequests[Action]): void;
  /** Lets the next `times` (1) calls of the action go wrong, or the next calls whatever they are. Returns how to take it back. */
  injectFault(target: AwsFaultTarget<AsgAction>, outcome: AwsFaultOutcome<AsgErrorCode>, times?: number): () => void;
  /** Called at once for every change of a member's state. Returns how to stop it. */
  onMemberChange(listener: (change: MemberChange) => void): () => void;
  /** Looks at once and after every change of either model; see Watchers. */
  waitFor: Watchers["waitFor"];
  /** Calls of Auto Scaling that were made, answered or not. */
  calls(): Readonly<Partial<Record<AsgAction, number>>>;
  /** The clock of both jumps by so much, and what is due by then happens, each at its time. */
  advanceClock(byMs: number): void;
  /** Ends connections, timers and metadata endpoints. Idempotent. */
  close(): Promise<void>;
}

const NAMESPACE = "http://autoscaling.amazonaws.com/doc/2011-01-01/";
const SERVICE = "autoscaling";
const SERVER_ERROR = 500;

/** @throws if the port is taken. */
export async function startSimulatedAsg({ asg, ...options }: SimulatedAsgOptions = {}): Promise<SimulatedAsg> {
  const core = createCore(options);
  const state = createAsg(core.state, asg);
  const listeners = new Set<(change: MemberChange) => void>();
  core.neighbour = createNeighbour(state, listeners);
  const ec2 = await startServer(core, options.port);
  return createHandle(core, state, ec2, listeners);
}

function createNeighbour(state: AsgState, listeners: ReadonlySet<(change: MemberChange) => void>): Neighbour {
  return {
    name: SERVICE,
    advance: (nowMs) => advance(state, nowMs),
    nextDueMs: () => nextDueMs(state),
    tellChanges: () => {
      for (const change of takeChanges(state)) for (const listener of listeners) listener(change);
    },
    answer: (action, parameters, nowMs, requestId) => answerCall(state, { action, parameters, nowMs, requestId }),
  };
}

interface Call {
  readonly action: string;
  readonly parameters: URLSearchParams;
  readonly nowMs: number;
  readonly requestId: string;
}

function answerCall(state: AsgState, { action, parameters, nowMs, requestId }: Call): NeighbourAnswer {
  const refuse = (code: AsgErrorCode, message: string, transmission: NeighbourAnswer["transmission"]) => {
    const status = ASG_ERRORS[code];
    const side = status >= SERVER_ERROR ? "Receiver" : "Sender";
    return { status, text: writeQueryError({ code, message, side }, NAMESPACE, requestId), transmission };
  };
  const whole = { kind: "whole" } as const;
  if (!isAsgAction(action))
    return refuse("InvalidAction", `Could not find operation ${action} for version 2011-01-01`, whole);
  try {
    const request = readQuery(parameters, membersOf(action)) as AsgRequests[AsgAction];
    const { result, transmission } = callAsg(state, action, request, nowMs);
    if (result.kind === "refused") return refuse(result.code, result.message, transmission);
    return { status: 200, text: writeQueryAnswer(action, result.answer, NAMESPACE, requestId), transmission };
  } catch (error) {
    if (error instanceof QueryRefusal) return refuse("ValidationError", error.message, whole);
    throw error;
  }
}

function createHandle(
  core: Ec2Core,
  state: AsgState,
  ec2: SimulatedEc2,
  listeners: Set<(change: MemberChange) => void>,
): SimulatedAsg {
  const act = (change: (nowMs: number) => void): void => {
    change(core.timers.nowMs());
    core.pump();
  };
  return {
    endpoint: ec2.endpoint,
    ec2,
    createLaunchTemplate: (name, data) => {
      act((nowMs) => {
        const request = { LaunchTemplateName: name, LaunchTemplateData: data };
        const { result } = callEc2(state.ec2, "CreateLaunchTemplate", request, nowMs);
        if (result.kind === "refused") throw new Error(`creating launch template ${name}: ${result.message}`);
      });
      return { LaunchTemplateName: name, Version: "$Latest" };
    },
    createGroup: (setup) => act((nowMs) => createGroup(state, setup, nowMs)),
    group: (name) => {
      const group = state.groups.get(name);
      if (group === undefined) throw new Error(`the group ${name}, which there is not`);
      return group;
    },
    member: (instanceId) => {
      for (const { members } of state.groups.values()) {
        const member = members.get(instanceId);
        if (member !== undefined) return member;
      }
      return null;
    },
    scale: (groupName, wanted) => act((nowMs) => scaleByPolicy(state, groupName, wanted, nowMs)),
    changeGroup: (groupName, change) => act((nowMs) => changeGroup(state, groupName, change, nowMs)),
    call: (action, request) =>
      act((nowMs) => {
        const faults = state.faults.splice(0);
        const { result } = callAsg(state, action, request, nowMs);
        state.faults.push(...faults);
        if (result.kind === "refused") throw new Error(`${action}: ${result.code}: ${result.message}`);
      }),
    injectFault: (target, outcome, times) => addFault(state.faults, target, outcome, times),
    onMemberChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    waitFor: ec2.waitFor,
    calls: () => Object.fromEntries(state.callCounts),
    advanceClock: (byMs) => ec2.advanceClock(byMs),
    close: () => ec2.close(),
  };
}
