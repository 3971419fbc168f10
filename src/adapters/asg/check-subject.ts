import type { AutoScalingGroup } from "@aws-sdk/client-auto-scaling";
import type { AsgClients } from "./clients.ts";
import type { AsgProviderOptions } from "./settings.ts";

export interface CheckContext {
  readonly clients: AsgClients;
  readonly options: AsgProviderOptions;
}

/** What every look is at. */
export interface Subject extends CheckContext {
  readonly group: AutoScalingGroup;
  readonly name: string;
}
