/** Who we are at GitHub: an App, or a personal access token, which is the same everywhere. */
import { GitHubError } from "../../domain/errors.ts";
import type { Answer, Call } from "./client.ts";

export type GitHubAuth =
  | { readonly kind: "app"; readonly appId: number; readonly privateKeyPem: string }
  | { readonly kind: "token"; readonly token: string };

/** Whose things a call touches: an organization, an enterprise, or the owner of a repository. */
export interface Account {
  readonly owner: string;
  /** Where GitHub tells the App's installation: `/orgs/acme/installation`. */
  readonly installationPath: string;
  /** Where it is looked for if it is not there. */
  readonly otherInstallationPath?: string;
}

export interface Asked {
  readonly answer: Answer;
  /** What it was asked with, to be kept out of errors. */
  readonly authorization: string;
}

export interface Credentials {
  readonly kind: "app" | "token";
  /** Whose rate limit a call for this account uses. */
  budgetOf(account: Account): string;
  /** The value of the authorization header. @throws {GitHubError} */
  authorize(account: Account): Promise<string>;
  /** @returns whether another try may succeed, because what was refused was for a time only. */
  forget(account: Account): boolean;
  /** @throws {GitHubError} */
  askAsApp(call: Call): Promise<Asked>;
}

export function tokenCredentials(token: string): Credentials {
  // The system's own error about such a header would quote it.
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new GitHubError("github-unauthorized", "using the token of a connection: it holds more than a token");
  return {
    kind: "token",
    budgetOf: () => "token",
    authorize: async () => `Bearer ${token}`,
    forget: () => false,
    askAsApp: async (call) => {
      const cause = new Error("the connection has a token, and is no App");
      throw new GitHubError("github-forbidden", call.attempted, { cause });
    },
  };
}
