/** What GitHub's refusal means for the jobs that wait on it. */
import type { GitHubErrorCode, ProviderErrorCode } from "../domain/errors.ts";
import type { ReasonCode } from "../domain/reasons.ts";

export function reasonOfRefusal(code: GitHubErrorCode | ProviderErrorCode): ReasonCode {
  switch (code) {
    // These two are no answers to a request for a ticket.
    case "github-name-taken":
    case "github-busy":
      return "github-invalid";
    case "provider-invalid":
    case "provider-capacity":
    case "provider-unavailable":
      return "github-unavailable";
    default:
      return code;
  }
}
