/** A provider's port as a process of the world has it: every call is on its way, and may be lost. */
import { ProviderError } from "../../domain/errors.ts";
import type { Provider } from "../../ports/provider.ts";
import type { WorldProcess } from "./process.ts";
import type { Failures, Remote } from "./remote.ts";

export const PROVIDER_FAILURES: Failures = {
  refused: (attempted) => new ProviderError("provider-unavailable", attempted),
  unanswered: (attempted) => new ProviderError("provider-unavailable", attempted),
};

export function gateProvider(provider: Provider, remote: Remote, process: WorldProcess): Provider {
  return {
    launch: (request) => remote.call(process, "launch", () => provider.launch(request)),
    list: (which) => remote.call(process, which === "all" ? "list" : "look", () => provider.list(which)),
    terminate: (permit) => remote.call(process, "terminate", () => provider.terminate(permit)),
    readRunnerVersion: () => provider.readRunnerVersion(),
    check: () => provider.check(),
  };
}
