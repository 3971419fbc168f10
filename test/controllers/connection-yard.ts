/** A connection's controllers over a yard, with a delivery log that says what a test lets it say. */
import {
  type ConnectionContext,
  type ConnectionMemory,
  emptyConnectionMemory,
} from "../../src/controllers/connection/context.ts";
import type { GitHubError } from "../../src/domain/errors.ts";
import { type DeliveryId, parseDeliveryId } from "../../src/domain/ids.ts";
import type { GitHubHooks, Hook, HookDelivery } from "../../src/ports/github-hooks.ts";
import { connectionName } from "../domain/builders.ts";
import type { Yard } from "./yard.ts";

const HOOK: Hook = {
  path: "/app/hook",
  url: "https://holdfast.acme.com/webhooks/github",
  contentType: "json",
  isCertificateChecked: true,
  isActive: true,
  events: ["workflow_job"],
};

export class FakeHooks implements GitHubHooks {
  readonly attempts: HookDelivery[] = [];
  readonly payloads = new Map<string, unknown>();
  readonly redelivered: string[] = [];
  readonly read: string[] = [];
  readonly askedSinceMs: number[] = [];
  error: GitHubError | null = null;

  async findHooks(): Promise<readonly Hook[]> {
    if (this.error !== null) throw this.error;
    return [HOOK];
  }

  async listDeliveries(_hook: Hook, sinceMs: number): Promise<readonly HookDelivery[]> {
    if (this.error !== null) throw this.error;
    this.askedSinceMs.push(sinceMs);
    return this.attempts.filter((one) => one.deliveredAtMs >= sinceMs).reverse();
  }

  async listFailedDeliveries(hook: Hook, sinceMs: number): Promise<readonly HookDelivery[]> {
    return (await this.listDeliveries(hook, sinceMs)).filter((one) => one.statusCode < 200 || one.statusCode >= 300);
  }

  async redeliver(_hook: Hook, deliveryId: string): Promise<void> {
    this.redelivered.push(deliveryId);
  }

  async readPayload(_hook: Hook, deliveryId: string): Promise<unknown> {
    this.read.push(deliveryId);
    return this.payloads.get(deliveryId) ?? null;
  }
}

export function failed(number: number, deliveredAtMs: number, overrides: Partial<HookDelivery> = {}): HookDelivery {
  return {
    id: String(number),
    guid: guid(number),
    deliveredAtMs,
    isRedelivery: false,
    statusCode: 502,
    status: "Invalid HTTP Response: 502",
    event: "workflow_job",
    action: "queued",
    ...overrides,
  };
}

export const guid = (number: number): DeliveryId =>
  parseDeliveryId(`00000000-0000-4000-8000-${String(number).padStart(12, "0")}`);

export interface ConnectionYard {
  readonly context: ConnectionContext;
  readonly memory: ConnectionMemory;
  readonly hooks: FakeHooks;
  isHolding: boolean;
}

export function connectionYard(yard: Yard, overrides: Partial<ConnectionContext> = {}): ConnectionYard {
  const memory = emptyConnectionMemory();
  const hooks = new FakeHooks();
  const made: ConnectionYard = {
    memory,
    hooks,
    isHolding: true,
    context: {
      ...yard.context,
      connection: connectionName(),
      demand: "webhooks",
      hooks,
      webhooksUrl: "https://holdfast.acme.com",
      ownPools: [yard.context.pool],
      memory,
      isHolding: () => made.isHolding,
      ...overrides,
    },
  };
  return made;
}
