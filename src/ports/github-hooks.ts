/** GitHub's own record of the webhooks that it sent us. GitHub never repeats a failed delivery by itself. */
import type { DeliveryId } from "../domain/ids.ts";
import type { RegistrationScope } from "../domain/pool.ts";

/** A webhook that leads to us: the App's own, or one of an organization, a repository or an enterprise. */
export interface Hook {
  /** Where it is in the REST interface: `/app/hook`, `/orgs/acme/hooks/17`. */
  readonly path: string;
  readonly url: string;
  readonly contentType: "json" | "form";
  /** Whether GitHub checks the certificate of the address. */
  readonly isCertificateChecked: boolean;
  readonly isActive: boolean;
  readonly events: readonly string[];
}

/** One attempt to deliver one event. */
export interface HookDelivery {
  /** Of the attempt; a text, since GitHub's numbers are larger than what JSON carries exactly. */
  readonly id: string;
  /** Of the event: the same for every attempt, and what `X-GitHub-Delivery` says. */
  readonly guid: DeliveryId;
  /** By our clock, if GitHub's differs. */
  readonly deliveredAtMs: number;
  readonly isRedelivery: boolean;
  /** The status that we answered with; 0 where GitHub got none. */
  readonly statusCode: number;
  /** GitHub's words: `OK`, `Invalid HTTP Response: 503`, `failed to connect to host`. */
  readonly status: string;
  readonly event: string;
  readonly action: string | null;
}

export interface GitHubHooks {
  /**
   * The hooks whose deliveries can be read: the App's, or with a token those of the scopes that lead to `webhooksUrl`.
   * @throws {GitHubError} `github-forbidden` where the credentials may not read hooks.
   */
  findHooks(scopes: readonly RegistrationScope[], webhooksUrl: string): Promise<readonly Hook[]>;

  /**
   * Attempts since `sinceMs`, newest first, at most `limitCount`.
   * @throws {GitHubError}
   */
  listDeliveries(hook: Hook, sinceMs: number, limitCount: number): Promise<readonly HookDelivery[]>;

  /**
   * As `listDeliveries`, of attempts that failed. Of those that got no status only the latest are sure to be there: what
   * else of them GitHub's own filter leaves out is left to the look at open jobs. `limitCount` bounds what is read.
   * @throws {GitHubError}
   */
  listFailedDeliveries(hook: Hook, sinceMs: number, limitCount: number): Promise<readonly HookDelivery[]>;

  /** Asks GitHub to deliver the event of this attempt again, under its old guid. @throws {GitHubError} */
  redeliver(hook: Hook, deliveryId: string): Promise<void>;

  /** The payload that was sent, as GitHub keeps it; null where GitHub no longer has it. @throws {GitHubError} */
  readPayload(hook: Hook, deliveryId: string): Promise<unknown>;
}
