import { invariant, unreachable } from "../../domain/invariant.ts";
import type { ProviderWorld } from "../scenario/scenario.ts";
import type { ProviderModel } from "../world/provider.ts";
import { cloud } from "./cloud.ts";
import { Ec2World } from "./ec2.ts";
import { KubernetesWorld } from "./kubernetes.ts";
import { NatureModel } from "./model.ts";
import type { MakePodPort } from "./pod-port.ts";
import { processes } from "./process.ts";
import type { ProviderModelWorld } from "./provider-world.ts";

/** @param makePodPort of the product's adapter; only the world of pods needs it. */
export function makeProvider(
  kind: ProviderWorld,
  world: ProviderModelWorld,
  makePodPort: MakePodPort | null = null,
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
    default:
      return unreachable(kind);
  }
}
