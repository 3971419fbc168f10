/**
 * Who we are at GitHub. A personal access token is the same everywhere; an App signs in anew for each account, with a
 * token that lives for an hour.
 */
import { createAppAuth } from "@octokit/auth-app";
import { GitHubError } from "../../domain/errors.ts";
import { HOUR_MS, MINUTE_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Answer, Call, Client } from "./client.ts";
import { refusalOf } from "./refusal.ts";
import { describeMismatch, InstallationShape, InstallationTokenShape } from "./shapes.ts";

export type GitHubAuth =
  | { readonly kind: "app"; readonly appId: number; readonly privateKeyPem: string }
  | { readonly kind: "token"; readonly token: string };

/** Whose things a call touches: an organization, or the owner of a repository. */
export interface Account {
  readonly owner: string;
  /** Where GitHub tells the App's installation: `/orgs/acme/installation`. */
  readonly installationPath: string;
}

export interface Credentials {
  /** The value of the authorization header. @throws {GitHubError} */
  authorize(account: Account): Promise<string>;
  /** @returns whether another try may succeed, because what was refused was for a time only. */
  forget(account: Account): boolean;
}

export function tokenCredentials(token: string): Credentials {
  // The system's own error about such a header would quote it.
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new GitHubError("github-unauthorized", "using the token of a connection: it holds more than a token");
  return { authorize: async () => `Bearer ${token}`, forget: () => false };
}

interface InstallationToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

/** A token is renewed while it is still good for a call and the clocks' difference. */
const TOKEN_MARGIN_MS = 5 * MINUTE_MS;
const TOKEN_LIFE_MS_MAX = HOUR_MS;

/**
 * `@octokit/auth-app` signs the App's JWT. The exchange for an installation's token is ours: the library shares the calls
 * under way by the installation's number alone, for the whole process, so that of two connections with the same number
 * one could be given the other's token.
 */
export class AppCredentials implements Credentials {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #signJwt: () => Promise<string>;
  readonly #installations = new Map<string, number>();
  readonly #tokens = new Map<string, InstallationToken>();
  readonly #pending = new Map<string, Promise<InstallationToken>>();

  constructor(auth: GitHubAuth & { readonly kind: "app" }, client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    const authenticate = createAppAuth({
      appId: auth.appId,
      privateKey: auth.privateKeyPem,
      log: { warn: () => {} },
    });
    this.#signJwt = async () => (await authenticate({ type: "app" })).token;
  }

  async authorize(account: Account): Promise<string> {
    const key = account.owner.toLowerCase();
    const known = this.#tokens.get(key);
    if (known !== undefined && known.expiresAtMs - this.#clock.nowMs() > TOKEN_MARGIN_MS)
      return `Bearer ${known.token}`;
    const pending = this.#pending.get(key) ?? this.#renew(key, account);
    return `Bearer ${(await pending).token}`;
  }

  forget(account: Account): boolean {
    return this.#tokens.delete(account.owner.toLowerCase());
  }

  /** One renewal at a time per account, whoever waits for it. */
  #renew(key: string, account: Account): Promise<InstallationToken> {
    const pending = this.#fetchToken(key, account).finally(() => this.#pending.delete(key));
    this.#pending.set(key, pending);
    return pending;
  }

  async #fetchToken(key: string, account: Account): Promise<InstallationToken> {
    const installation = this.#installations.get(key) ?? (await this.#findInstallation(account));
    this.#installations.set(key, installation);
    const call: Call = {
      operation: "create-installation-token",
      method: "POST",
      path: `/app/installations/${installation}/access_tokens`,
      attempted: `signing in as the App for ${account.owner}`,
    };
    const answer = await this.#ask(call, 201).catch((error: unknown) => {
      // It may have been installed anew, under another number.
      this.#installations.delete(key);
      throw error;
    });
    const parsed = InstallationTokenShape.safeParse(answer.json);
    if (!parsed.success) throw mismatch(call, describeMismatch(parsed.error));
    const nowMs = this.#clock.nowMs();
    const saidMs = Date.parse(parsed.data.expires_at);
    const expiresAtMs = Math.min(Number.isFinite(saidMs) ? saidMs : nowMs, nowMs + TOKEN_LIFE_MS_MAX);
    const token = { token: parsed.data.token, expiresAtMs };
    this.#tokens.set(key, token);
    return token;
  }

  async #findInstallation(account: Account): Promise<number> {
    const call: Call = {
      operation: "get-installation",
      method: "GET",
      path: account.installationPath,
      attempted: `finding the App's installation for ${account.owner}`,
    };
    const answer = await this.#ask(call, 200);
    const parsed = InstallationShape.safeParse(answer.json);
    if (!parsed.success) throw mismatch(call, describeMismatch(parsed.error));
    return parsed.data.id;
  }

  async #ask(call: Call, wantedStatus: number): Promise<Answer> {
    const authorization = `Bearer ${await this.#jwt()}`;
    const answer = await this.#client.send(call, authorization);
    if (answer.status === wantedStatus) return answer;
    throw refusalOf(answer, call, authorization, this.#clock.nowMs());
  }

  async #jwt(): Promise<string> {
    try {
      return await this.#signJwt();
    } catch (error) {
      throw unusableKey(error);
    }
  }
}

function mismatch(call: Call, cause: Error): GitHubError {
  return new GitHubError("github-invalid", call.attempted, { cause });
}

/** A signer's own message may quote the key. */
function unusableKey(error: unknown): GitHubError {
  const cause = new Error(`signing failed (${error instanceof Error ? error.name : "unknown"})`);
  return new GitHubError("github-unauthorized", "signing in as the App: its private key cannot be used", { cause });
}
