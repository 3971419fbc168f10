/**
 * How many machines of the pool are on-demand and how many there are: from its last listing and from what was started since.
 * It decides on a market, so being off by some costs a little money and nothing else.
 */
import type { Instance } from "@aws-sdk/client-ec2";
import { stateOf } from "../aws/states.ts";

export interface Standing {
  readonly count: number;
  readonly onDemandCount: number;
}

export class Census {
  #standing: Standing = { count: 0, onDemandCount: 0 };

  noteListing(instances: readonly Instance[]): void {
    const present = instances.filter((instance) => !["dead", "gone"].includes(stateOf(instance)));
    const onDemandCount = present.filter(({ InstanceLifecycle }) => InstanceLifecycle !== "spot").length;
    this.#standing = { count: present.length, onDemandCount };
  }

  noteStarted(count: number, onDemandCount: number): void {
    const { count: before, onDemandCount: onDemandBefore } = this.#standing;
    this.#standing = { count: before + count, onDemandCount: onDemandBefore + onDemandCount };
  }

  standing(): Standing {
    return this.#standing;
  }
}
