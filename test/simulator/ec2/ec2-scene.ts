/** An EC2 in a time of its own, and a caller. */
import type { Ec2Action, Ec2Answer, Ec2Requests, RunInstancesRequest } from "../../../src/simulator/ec2/api.ts";
import { callEc2, type Ec2Outcome } from "../../../src/simulator/ec2/call.ts";
import { createEc2, type Ec2Setup } from "../../../src/simulator/ec2/create.ts";
import { advance } from "../../../src/simulator/ec2/life.ts";
import type { Ec2State, Instance } from "../../../src/simulator/ec2/state.ts";
import { Chance } from "../../../src/simulator/world/chance.ts";

const START_MS = Date.UTC(2026, 4, 4, 4, 22, 10);
export const IMAGE = "ami-0a1b2c3d4e5f60718";
export const SUBNETS = ["subnet-0a1b2c3d4e5f60710", "subnet-0a1b2c3d4e5f60711", "subnet-0a1b2c3d4e5f60712"] as const;
export const UNKNOWN = "i-0123456789abcdef0";

/** An answer as its readers take it: whatever is asked of it is there. */
// biome-ignore lint/suspicious/noExplicitAny: what is in it is what the tests look at
type Read = any;

export class Ec2Scene {
  readonly state: Ec2State;
  nowMs = START_MS;

  constructor(options: Ec2Setup = {}, seed = 1) {
    this.state = createEc2({ rates: null, ...options, chance: new Chance(seed) });
  }

  outcome<Action extends Ec2Action>(action: Action, request: Ec2Requests[Action]): Ec2Outcome {
    return callEc2(this.state, action, request, this.nowMs);
  }

  /** @throws {Error} where it is refused. */
  call<Action extends Ec2Action>(action: Action, request: Ec2Requests[Action]): Read {
    const { result } = this.outcome(action, request);
    if (result.kind === "refused") throw new Error(`${action}: ${result.code}: ${result.message}`);
    return result.answer;
  }

  /** The code that it is refused with; null where it is answered. */
  refusal<Action extends Ec2Action>(action: Action, request: Ec2Requests[Action]): string | null {
    const { result } = this.outcome(action, request);
    return result.kind === "refused" ? result.code : null;
  }

  pass(forMs: number): void {
    this.nowMs += forMs;
    advance(this.state, this.nowMs);
  }

  run(count: number, request: RunInstancesRequest = {}): readonly string[] {
    return idsOf(this.call("RunInstances", launchOf(count, request)));
  }

  instance(id: string): Instance {
    const instance = this.state.instances.get(id);
    if (instance === undefined) throw new Error(`no instance ${id}`);
    return instance;
  }

  phase(id: string): string {
    return this.instance(id).phase.kind;
  }

  /** Ids that a listing of everything shows. */
  listed(request: Ec2Requests["DescribeInstances"] = {}): readonly string[] {
    return this.call("DescribeInstances", request).Reservations.flatMap(idsOf);
  }
}

export function launchOf(count: number, request: RunInstancesRequest = {}): RunInstancesRequest {
  return {
    ImageId: IMAGE,
    InstanceType: "c5.xlarge",
    MinCount: count,
    MaxCount: count,
    SubnetId: SUBNETS[0],
    ...request,
  };
}

export function idsOf(reservation: Ec2Answer): readonly string[] {
  return (reservation.Instances as readonly Ec2Answer[]).map(({ InstanceId }) => String(InstanceId));
}

export function tagged(resource: string, tags: Readonly<Record<string, string>>) {
  return { ResourceType: resource, Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
}

export const SPOT = { InstanceMarketOptions: { MarketType: "spot" } } as const;
