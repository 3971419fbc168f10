import { ProviderError } from "../../domain/errors.ts";
import type { ProviderId } from "../../domain/ids.ts";

const INSTANCE_ID = /^i-[0-9a-f]{8,17}$/;

export function isInstanceId(id: ProviderId): boolean {
  return INSTANCE_ID.test(id);
}

/** Another kind's id cannot be known at EC2, and not knowing it would say nothing. */
export function demandInstanceId(id: ProviderId): ProviderId {
  if (isInstanceId(id)) return id;
  throw new ProviderError("provider-unavailable", `reading ${id}, which does not name an instance`);
}
