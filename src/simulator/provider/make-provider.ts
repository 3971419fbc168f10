import { unreachable } from "../../domain/invariant.ts";
import type { ProviderWorld } from "../scenario/scenario.ts";
import type { ProviderModel } from "../world/provider.ts";
import { cloud } from "./cloud.ts";
import { Ec2World } from "./ec2.ts";
import { NatureModel } from "./model.ts";
import { processes } from "./process.ts";
import type { ProviderModelWorld } from "./provider-world.ts";

export function makeProvider(kind: ProviderWorld, world: ProviderModelWorld): ProviderModel {
  switch (kind) {
    case "cloud":
      return new NatureModel(world, cloud);
    case "process":
      return new NatureModel(world, processes);
    case "ec2":
      return new Ec2World(world);
    default:
      return unreachable(kind);
  }
}
