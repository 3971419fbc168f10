/** An App signs in anew for each account, with a token that lives for an hour. */
import signAppJwt from "universal-github-app-jwt";
import { GitHubError } from "../../domain/errors.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Answer, Call } from "./client.ts";
import type { Account, Asked, Credentials, GitHubAuth } from "./credentials.ts";
import type { Exchange } from "./exchange.ts";
import type { Gates } from "./gate.ts";
import { refusalOf, saysClockSkew } from "./refusal.ts";
import { describeMismatch, InstallationShape, InstallationTokenShape } from "./shapes.ts";

/** The App's own rate limit, apart from those of its installations. No account has such a name. */
const APP_BUDGET = "the App";

interface InstallationToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

/** A token is renewed while it is still good for a call and the clocks' difference. */
const TOKEN_MARGIN_MS = 5 * MINUTE_MS;
const TOKEN_LIFE_MS_MAX = HOUR_MS;
/** The JWT's own times allow for this much: below it our clock is as good as GitHub's. */
const CLOCK_DIFFERENCE_MS_IGNORED = 20 * SECOND_MS;

export class AppCredentials implements Credentials {
  readonly kind = "app";
  readonly #auth: GitHubAuth & { readonly kind: "app" };
  readonly #exchange: Exchange;
  readonly #gates: Gates;
  readonly #clock: Clock;
  readonly #installations = new Map<string, number>();
  readonly #tokens = new Map<string, InstallationToken>();
  readonly #pending = new Map<string, Promise<InstallationToken>>();

  constructor(auth: GitHubAuth & { readonly kind: "app" }, exchange: Exchange, gates: Gates) {
    this.#auth = auth;
    this.#exchange = exchange;
    this.#gates = gates;
    this.#clock = exchange.clock;
  }

  budgetOf({ owner }: Account): string {
    return owner;
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

  /** A signature that GitHub calls early or late is made again once, by the time that GitHub told with its refusal. */
  async askAsApp(call: Call): Promise<Asked> {
    const first = await this.#askSigned(call);
    const isWorthAnother = saysClockSkew(first.answer) && this.#signingTimeMs() !== this.#clock.nowMs();
    return isWorthAnother ? await this.#askSigned(call) : first;
  }

  async #askSigned(call: Call): Promise<Asked> {
    const gate = this.#gates.of(APP_BUDGET);
    return await gate.hold(call, async () => {
      const authorization = `Bearer ${await this.#sign()}`;
      const sender = { account: APP_BUDGET, gate, authorization, beforeCall: () => {} };
      return { answer: await this.#exchange.send(call, sender), authorization };
    });
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
      purpose: "safety",
      method: "POST",
      path: `/app/installations/${installation}/access_tokens`,
      attempted: `signing in as the App for ${account.owner}`,
    };
    const answer = await this.#ask(call, [201]).catch((error: unknown) => {
      // It may have been installed anew, under another number.
      this.#installations.delete(key);
      throw error;
    });
    const parsed = InstallationTokenShape.safeParse(answer.json);
    if (!parsed.success) throw mismatch(call, describeMismatch(parsed.error));
    const nowMs = this.#clock.nowMs();
    const saidMs = Date.parse(parsed.data.expires_at) - (this.#exchange.clockDifferenceMs() ?? 0);
    const expiresAtMs = Math.min(Number.isFinite(saidMs) ? saidMs : nowMs, nowMs + TOKEN_LIFE_MS_MAX);
    const token = { token: parsed.data.token, expiresAtMs };
    this.#tokens.set(key, token);
    return token;
  }

  async #findInstallation(account: Account): Promise<number> {
    const { owner, installationPath, otherInstallationPath } = account;
    const call: Call = {
      operation: "get-installation",
      purpose: "safety",
      method: "GET",
      path: installationPath,
      attempted: `finding the App's installation for ${owner}`,
    };
    const hasOther = otherInstallationPath !== undefined;
    const first = await this.#ask(call, hasOther ? [200, 404] : [200]);
    const answer =
      hasOther && first.status === 404 ? await this.#ask({ ...call, path: otherInstallationPath }, [200]) : first;
    const parsed = InstallationShape.safeParse(answer.json);
    if (!parsed.success) throw mismatch(call, describeMismatch(parsed.error));
    return parsed.data.id;
  }

  async #ask(call: Call, wantedStatuses: readonly number[]): Promise<Answer> {
    const { answer, authorization } = await this.askAsApp(call);
    if (wantedStatuses.includes(answer.status)) return answer;
    throw refusalOf(answer, call, authorization, this.#clock.nowMs());
  }

  #signingTimeMs(): number {
    const differenceMs = this.#exchange.clockDifferenceMs() ?? 0;
    const isIgnored = Math.abs(differenceMs) < CLOCK_DIFFERENCE_MS_IGNORED;
    return this.#clock.nowMs() + (isIgnored ? 0 : differenceMs);
  }

  async #sign(): Promise<string> {
    const { appId, privateKeyPem } = this.#auth;
    const now = Math.floor(this.#signingTimeMs() / SECOND_MS);
    try {
      return (await signAppJwt({ id: appId, privateKey: privateKeyPem, now })).token;
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
