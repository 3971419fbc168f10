/** The JIT configuration of a ticket: a secret from its minting until the ticket is over, kept apart from its row. */
import type { TicketId } from "../../domain/ids.ts";
import type { Queryable } from "../schema.ts";
import { countOf } from "../statement.ts";

/** Idempotent; a second one takes the place of the first. @throws {InvariantError} for an unknown ticket. */
export async function storeTicketSecret(db: Queryable, ticketId: TicketId, jitConfig: string): Promise<void> {
  await db
    .insertInto("ticket_secrets")
    .values({ ticket_id: ticketId, jit_config: jitConfig })
    .onConflict((conflict) => conflict.column("ticket_id").doUpdateSet({ jit_config: jitConfig }))
    .execute();
}

export async function loadTicketSecret(db: Queryable, ticketId: TicketId): Promise<string | null> {
  const row = await db
    .selectFrom("ticket_secrets")
    .select("jit_config")
    .where("ticket_id", "=", ticketId)
    .executeTakeFirst();
  return row?.jit_config ?? null;
}

const deletion = countOf((db, { ticketId }: { readonly ticketId: TicketId }) =>
  db.deleteFrom("ticket_secrets").where("ticket_id", "=", ticketId),
);

/** Idempotent. */
export async function deleteTicketSecret(db: Queryable, ticketId: TicketId): Promise<void> {
  await deletion(db, { ticketId });
}

/** Those that are kept, so that nobody prints them; in no order. */
export async function listTicketSecrets(db: Queryable, limitCount: number): Promise<readonly string[]> {
  const rows = await db.selectFrom("ticket_secrets").select("jit_config").limit(limitCount).execute();
  return rows.map((row) => row.jit_config);
}
