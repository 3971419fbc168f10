/** Webhook deliveries, above all those that could not be handled and wait for a person. */

import { parseDeliveryId } from "../../domain/ids.ts";
import { formatInstant } from "../../domain/instant.ts";
import { countQuarantined, listDeliveries } from "../../store/deliveries/list.ts";
import { findDeliveries } from "../../store/deliveries/quarantine.ts";
import type { Delivery, DeliveryState } from "../../store/deliveries/row.ts";
import type { DeliveriesAnswer, DeliveryAnswer } from "./answers.ts";
import { parsed } from "./find-subject.ts";
import type { OperatorSources } from "./sources.ts";

export interface DeliveriesQuery {
  readonly limitCount: number;
  readonly state: DeliveryState;
}

/** Newest first. */
export async function readDeliveries(sources: OperatorSources, query: DeliveriesQuery): Promise<DeliveriesAnswer> {
  const { db } = sources.store;
  return {
    now: formatInstant(sources.clock.nowMs()),
    quarantinedCount: await countQuarantined(db),
    deliveries: (await listDeliveries(db, query)).map(describe),
  };
}

/** With its body, as it came. @returns of each connection that has one of this id; empty where none has. */
export async function readDelivery(sources: OperatorSources, text: string): Promise<DeliveriesAnswer> {
  const { db } = sources.store;
  const id = parsed(parseDeliveryId, text.trim());
  const found = id === null ? [] : await findDeliveries(db, id);
  return {
    now: formatInstant(sources.clock.nowMs()),
    quarantinedCount: await countQuarantined(db),
    deliveries: found.map((one) => ({ ...describe(one), body: Buffer.from(one.body).toString("utf8") })),
  };
}

function describe({ id, connection, event, state, error, receivedAtMs, body }: Delivery): DeliveryAnswer {
  return {
    id,
    connection,
    event,
    state,
    problem: error,
    receivedAt: formatInstant(receivedAtMs),
    byteCount: body.byteLength,
    body: null,
  };
}
