import { invariant, unreachable } from "../../domain/invariant.ts";
import type { ProviderWorld } from "../scenario/scenario.ts";
import type { ProviderModel } from "../world/provider.ts";
import { AsgWorld } from "./asg.ts";
import { cloud } from "./cloud.ts";
import { Ec2World } from "./ec2.ts";
import type { MakeGroupPort } from "./group-port.ts";
import { KubernetesWorld } from "./kubernetes.ts";
import { NatureModel } from "./model.ts";
import type { MakePodPort } from "./pod-port.ts";
import { processes } from "./process.ts";
import type { ProviderModelWorld } from "./provider-world.ts";

/** What the product's own adapters are made by: the world of pods needs one, and that of groups the other. */
export interface AdapterPorts {
  readonly makePodPort?: MakePodPort | null;
  readonly makeGroupPort?: MakeGroupPort | null;
}

export function makeProvider(
  kind: ProviderWorld,
  world: ProviderModelWorld,
  { makePodPort = null, makeGroupPort = null }: AdapterPorts = {},
): ProviderModel {
  switch (kind) {
    case "cloud":
      return new NatureModel(world, cloud);
    case "process":
      return new NatureModel(world, processes);
    case "ec2":
      return new Ec2World(world);
    case "kubernetes":
      invariant(makePodPort !== null, "whoever runs a world of pods hands in the adapter that asks its cluster");
      return new KubernetesWorld(world, makePodPort);
    case "asg":
      invariant(makeGroupPort !== null, "whoever runs a world of groups hands in the adapter that asks Auto Scaling");
      return new AsgWorld(world, makeGroupPort);
    default:
      return unreachable(kind);
  }
}
