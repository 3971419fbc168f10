/** What GitHub's refusal means for the jobs that wait on it. */
import type { GitHubErrorCode, ProviderErrorCode } from "../domain/errors.ts";
import type { ReasonCode } from "../domain/reasons.ts";

export function reasonOfRefusal(code: GitHubErrorCode | ProviderErrorCode): ReasonCode {
  switch (code) {
    // These two are no answers to a request for a ticket.
    case "github-name-taken":
    case "github-busy":
      return "github-invalid";
    // Of a pool that left the configuration with its connection: it makes no tickets.
    case "github-not-connected":
      return "pool-left";
    case "provider-invalid":
    case "provider-capacity":
    case "provider-quota":
    case "provider-unavailable":
      return "github-unavailable";
    default:
      return code;
  }
}
