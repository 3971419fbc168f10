/** A group in a time of its own, and callers. */
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import type { AsgAction, AsgRequests } from "../../../src/simulator/asg/api.ts";
import { callAsg } from "../../../src/simulator/asg/call.ts";
import { type AsgSetup, createAsg, createGroup, type GroupSetup } from "../../../src/simulator/asg/create.ts";
import { advance } from "../../../src/simulator/asg/life.ts";
import type { AsgState, Group, LifecycleState, Member } from "../../../src/simulator/asg/state.ts";
import { callEc2 } from "../../../src/simulator/ec2/call.ts";
import { createEc2, type Ec2Setup } from "../../../src/simulator/ec2/create.ts";
import type { Instance } from "../../../src/simulator/ec2/state.ts";
import { Chance } from "../../../src/simulator/world/chance.ts";
import { IMAGE } from "../ec2/ec2-scene.ts";

const START_MS = Date.UTC(2026, 0, 30, 10, 31, 4);
export const GROUP = "runners";
export const TEMPLATE = { LaunchTemplateName: "runner", Version: "$Latest" };
/** As the incident's: half an hour a heartbeat, ABANDON by default. */
export const DRAIN = { name: "deregistration", heartbeatTimeoutSeconds: 1_800 } as const;
/** Longer than anything that a group does by itself, and shorter than any hook. */
export const A_WHILE_MS = 3 * MINUTE_MS;

/** An answer as its readers take it: whatever is asked of it is there. */
// biome-ignore lint/suspicious/noExplicitAny: what is in it is what the tests look at
type Read = any;

export interface SceneSetup extends Partial<GroupSetup> {
  readonly asg?: AsgSetup;
  readonly ec2?: Ec2Setup;
}

export class AsgScene {
  readonly state: AsgState;
  readonly group: Group;
  nowMs = START_MS;

  /** With its first members in service. */
  constructor({ asg, ec2, ...group }: SceneSetup = {}, seed = 1) {
    const chance = new Chance(seed);
    this.state = createAsg(createEc2({ rates: null, ...ec2, chance }), asg);
    const data = { ImageId: IMAGE, InstanceType: "c5.xlarge" };
    callEc2(
      this.state.ec2,
      "CreateLaunchTemplate",
      { LaunchTemplateName: "runner", LaunchTemplateData: data },
      this.nowMs,
    );
    const setup = { name: GROUP, launchTemplate: TEMPLATE, maxSize: 10, suspended: ["AZRebalance"], ...group } as const;
    this.group = createGroup(this.state, setup, this.nowMs);
    this.pass(A_WHILE_MS);
  }

  pass(forMs: number): void {
    this.nowMs += forMs;
    advance(this.state, this.nowMs);
  }

  /** @throws {Error} where it is refused. */
  call<Action extends AsgAction>(action: Action, request: AsgRequests[Action]): Read {
    const { result } = callAsg(this.state, action, request, this.nowMs);
    if (result.kind === "refused") throw new Error(`${action}: ${result.code}: ${result.message}`);
    return result.answer;
  }

  /** The code and the message that it is refused with; null where it is answered. */
  refusal<Action extends AsgAction>(action: Action, request: AsgRequests[Action]): string | null {
    const { result } = callAsg(this.state, action, request, this.nowMs);
    return result.kind === "refused" ? `${result.code}: ${result.message}` : null;
  }

  /** Those of its members that are in that state, in the order of their launches. */
  ids(state: LifecycleState = "InService"): readonly string[] {
    return [...this.group.members.values()].filter((one) => one.state === state).map(({ instanceId }) => instanceId);
  }

  /** The first that is in service. */
  get first(): string {
    return this.ids()[0] ?? "";
  }

  member(id: string): Member {
    const member = this.group.members.get(id);
    if (member === undefined) throw new Error(`no member ${id}`);
    return member;
  }

  /** Null: it is in the group no more. */
  stateOf(id: string): LifecycleState | null {
    return this.group.members.get(id)?.state ?? null;
  }

  states(): readonly LifecycleState[] {
    return [...this.group.members.values()].map(({ state }) => state);
  }

  instance(id: string): Instance {
    const instance = this.state.ec2.instances.get(id);
    if (instance === undefined) throw new Error(`no instance ${id}`);
    return instance;
  }

  phase(id: string): string {
    return this.instance(id).phase.kind;
  }

  setDesired(count: number): void {
    this.call("SetDesiredCapacity", { AutoScalingGroupName: GROUP, DesiredCapacity: count });
  }

  protect(ids: readonly string[], isProtected = true): void {
    this.call("SetInstanceProtection", {
      AutoScalingGroupName: GROUP,
      InstanceIds: ids,
      ProtectedFromScaleIn: isProtected,
    });
  }

  /** Ends it by a call, without replacement where `isDecremented`. */
  terminate(id: string, isDecremented = false): void {
    this.call("TerminateInstanceInAutoScalingGroup", { InstanceId: id, ShouldDecrementDesiredCapacity: isDecremented });
  }

  /** Waits at the terminate hook. */
  waiting(id: string): void {
    this.terminate(id);
    this.pass(2 * SECOND_MS);
    if (this.stateOf(id) !== "Terminating:Wait") throw new Error(`${id} is ${this.stateOf(id)}`);
  }

  action(id: string, hook: string = DRAIN.name) {
    return { AutoScalingGroupName: GROUP, LifecycleHookName: hook, InstanceId: id };
  }

  complete(id: string, result: "CONTINUE" | "ABANDON" = "CONTINUE", hook: string = DRAIN.name): void {
    this.call("CompleteLifecycleAction", { ...this.action(id, hook), LifecycleActionResult: result });
  }

  heartbeat(id: string, hook: string = DRAIN.name): void {
    this.call("RecordLifecycleActionHeartbeat", this.action(id, hook));
  }
}
