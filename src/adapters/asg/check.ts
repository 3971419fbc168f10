/** Tries a pool's settings at its group: reads what there is, and changes nothing. */

import type { CheckFinding } from "../../ports/provider.ts";
import { fail, warn } from "../aws/findings.ts";
import type { AsgClients } from "./clients.ts";
import { describeGroup } from "./group.ts";
import type { AsgProviderOptions } from "./settings.ts";

const AT = "pools[].provider";

export interface CheckContext {
  readonly clients: AsgClients;
  readonly options: AsgProviderOptions;
}

export async function checkGroup({ clients, options }: CheckContext): Promise<readonly CheckFinding[]> {
  const { group, region } = options.settings;
  try {
    if ((await describeGroup(clients, group)) !== null) return [];
    return [fail(`${AT}.group`, `${region} has no Auto Scaling group ${group}.`, "Correct `group` or `region`.")];
  } catch (error) {
    return [warn(AT, `${(error as Error).message}.`, "Check `region`, the endpoints and the credentials.")];
  }
}
