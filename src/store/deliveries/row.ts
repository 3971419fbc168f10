import { type ConnectionName, type DeliveryId, parseConnectionName, parseDeliveryId } from "../../domain/ids.ts";
import type { DeliveriesTable } from "../schema.ts";

/** A webhook as it came, its signature already checked. */
export interface NewDelivery {
  readonly id: DeliveryId;
  readonly connection: ConnectionName;
  /** `X-GitHub-Event`. */
  readonly event: string;
  readonly body: Uint8Array;
  readonly receivedAtMs: number;
}

/**
 * `pending` until ingest has handled it; `applied` or `ignored` after; `quarantined` with its error where it cannot be
 * handled, until a person decides.
 */
export type DeliveryState = "pending" | "applied" | "ignored" | "quarantined";

export interface Delivery extends NewDelivery {
  readonly state: DeliveryState;
  readonly error: string | null;
}

export function toNewDeliveryRow(delivery: NewDelivery): DeliveriesTable {
  return {
    connection: delivery.connection,
    id: delivery.id,
    event: delivery.event,
    body: delivery.body,
    received_ms: delivery.receivedAtMs,
    state: "pending",
    error: null,
    finished_ms: null,
  };
}

export function toDelivery(row: DeliveriesTable): Delivery {
  return {
    id: parseDeliveryId(row.id),
    connection: parseConnectionName(row.connection),
    event: row.event,
    body: row.body,
    receivedAtMs: row.received_ms,
    state: row.state as DeliveryState,
    error: row.error,
  };
}
