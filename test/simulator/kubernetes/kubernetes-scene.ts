/** A cluster of the model on a clock that the test turns, and an administrator who calls it. */
import { SECOND_MS } from "../../../src/domain/units.ts";
import { callKubernetes, type KubernetesResult } from "../../../src/simulator/kubernetes/call.ts";
import { demandPod } from "../../../src/simulator/kubernetes/control.ts";
import {
  ADMINISTRATOR_TOKEN,
  createKubernetes,
  type KubernetesSetup,
} from "../../../src/simulator/kubernetes/create.ts";
import { advance } from "../../../src/simulator/kubernetes/life.ts";
import type { ContainerState, Pod, PodSpec } from "../../../src/simulator/kubernetes/objects.ts";
import type { KubernetesRequest } from "../../../src/simulator/kubernetes/requests.ts";
import type { KubernetesState } from "../../../src/simulator/kubernetes/state.ts";
import { Chance } from "../../../src/simulator/world/chance.ts";

const NAMESPACE = "runners";
const BEGIN_MS = Date.UTC(2026, 4, 4, 4);

export class KubernetesScene {
  readonly state: KubernetesState;
  nowMs = BEGIN_MS;

  constructor(setup: KubernetesSetup = {}) {
    this.state = createKubernetes({ ...setup, chance: new Chance(7) }, this.nowMs);
  }

  pass(byMs: number): void {
    this.nowMs += byMs;
    advance(this.state, this.nowMs);
  }

  call(request: KubernetesRequest): KubernetesResult {
    return callKubernetes(this.state, { namespace: NAMESPACE, token: ADMINISTRATOR_TOKEN, ...request }, this.nowMs)
      .result;
  }

  /** @throws where the call is refused. */
  ask<Body = unknown>(request: KubernetesRequest): Body {
    const result = this.call(request);
    if (result.kind !== "answered") throw new Error(`not answered: ${JSON.stringify(result)}`);
    return result.body as Body;
  }

  make(name: string, spec: Partial<PodSpec> = {}, metadata: object = {}): Pod {
    const body = {
      metadata: { name, ...metadata },
      spec: { restartPolicy: "Never", containers: [{ name: "runner", image: "runner:1" }], ...spec },
    };
    return this.ask<Pod>({ verb: "create", resource: "pods", body });
  }

  place(name: string): { readonly name: string; readonly namespace: string } {
    return { name, namespace: NAMESPACE };
  }

  pod(name: string): Pod {
    return demandPod(this.state, this.place(name));
  }

  hasPod(name: string): boolean {
    return this.state.objects.pods.has(`${NAMESPACE}/${name}`);
  }

  containerState(name: string, container = "runner"): ContainerState | undefined {
    const { initContainerStatuses = [], containerStatuses = [] } = this.pod(name).status;
    return [...initContainerStatuses, ...containerStatuses].find((one) => one.name === container)?.state;
  }

  /** Turns the clock second by second until it holds; at most for so long. */
  passUntil(what: string, holds: () => boolean, mostMs = 10 * 60 * SECOND_MS): void {
    for (let passedMs = 0; !holds(); passedMs += SECOND_MS) {
      if (passedMs > mostMs) throw new Error(`not within ${mostMs} ms: ${what}`);
      this.pass(SECOND_MS);
    }
  }

  passUntilRunning(name: string): void {
    this.passUntil(`${name} runs`, () => this.containerState(name)?.running !== undefined);
  }
}

export function conditionOf({ status }: Pod, type: string) {
  return status.conditions?.find((one) => one.type === type);
}
