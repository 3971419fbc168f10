/** A provider's port as a process of the world has it: every call is on its way, and may be lost. */
import { ProviderError } from "../../domain/errors.ts";
import type { Provider, ProviderAbilities } from "../../ports/provider.ts";
import type { WorldProcess } from "./process.ts";
import type { Failures, Remote } from "./remote.ts";

export const PROVIDER_FAILURES: Failures = {
  refused: (attempted) => new ProviderError("provider-unavailable", attempted),
  unanswered: (attempted) => new ProviderError("provider-unavailable", attempted),
};

/** The way of one call to the provider and back. */
export type ProviderLine = <Answer>(operation: string, effect: () => Answer | Promise<Answer>) => Promise<Answer>;

export function lineOf(remote: Remote, process: WorldProcess): ProviderLine {
  return (operation, effect) => remote.call(process, operation, effect);
}

/** For a provider of which each verb is one call. */
export function gateProvider(provider: Provider & ProviderAbilities, line: ProviderLine): Provider & ProviderAbilities {
  return {
    ...provider,
    launch: (request, tenure) => line("launch", () => provider.launch(request, tenure)),
    list: (which) => line(which === "all" ? "list" : "look", () => provider.list(which)),
    terminate: (permit) => line("terminate", () => provider.terminate(permit)),
  };
}
