import type { ProviderWorld } from "../scenario/scenario.ts";
import type { ProviderModel } from "../world/provider.ts";
import { cloud } from "./cloud.ts";
import { NatureModel } from "./model.ts";
import { processes } from "./process.ts";
import type { ProviderModelWorld, ProviderNature } from "./provider-world.ts";

const NATURES: Readonly<Record<ProviderWorld, ProviderNature>> = { cloud, process: processes };

export function makeProvider(kind: ProviderWorld, world: ProviderModelWorld): ProviderModel {
  return new NatureModel(world, NATURES[kind]);
}
