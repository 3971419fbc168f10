/** What there is of pools: what they still owe an end, and the settings that it was made from. */
import { NOWHERE, UNKNOWN_SETTINGS } from "../../domain/adoption.ts";
import { type ConnectionName, type PoolName, parseConnectionName, parsePoolName } from "../../domain/ids.ts";
import { PRESENT_STATES } from "../machines/row.ts";
import type { MachinesTable, Queryable } from "../schema.ts";
import { LIVE_STATES, OVER_STATES } from "../tickets/row.ts";

/** What of a pool has not come to its end. */
export interface PoolRemains {
  readonly machineCount: number;
  readonly liveTicketCount: number;
  /** Tickets that are over and whose registration may still be at GitHub. */
  readonly registrationCount: number;
  readonly openLaunchCount: number;
}

export async function countRemains(db: Queryable, pool: PoolName): Promise<PoolRemains> {
  const machines = await db
    .selectFrom("machines")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("pool", "=", pool)
    .where("state", "in", PRESENT_STATES)
    .executeTakeFirstOrThrow();
  const live = await db
    .selectFrom("tickets")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("pool", "=", pool)
    .where("state", "in", LIVE_STATES)
    .executeTakeFirstOrThrow();
  const registered = await db
    .selectFrom("tickets")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("pool", "=", pool)
    .where("registration", "in", ["present", "unknown"])
    .where("state", "in", OVER_STATES)
    .executeTakeFirstOrThrow();
  const launches = await db
    .selectFrom("launches")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("pool", "=", pool)
    .where("state", "=", "open")
    .executeTakeFirstOrThrow();
  return {
    machineCount: machines.count,
    liveTicketCount: live.count,
    registrationCount: registered.count,
    openLaunchCount: launches.count,
  };
}

/** The pools of which anything has not come to its end. */
export async function listPoolsWithRemains(db: Queryable): Promise<readonly PoolName[]> {
  const machines = await db
    .selectFrom("machines")
    .select("pool")
    .distinct()
    .where("state", "in", PRESENT_STATES)
    .execute();
  const tickets = await listUnfinished(db).execute();
  const launches = await db.selectFrom("launches").select("pool").distinct().where("state", "=", "open").execute();
  return [...new Set([...machines, ...tickets, ...launches].map(({ pool }) => pool))].sort().map(parsePoolName);
}

/** The connections at which a pool has tickets that are out, or registrations. */
export async function listConnectionsInUse(
  db: Queryable,
): Promise<readonly { readonly pool: PoolName; readonly connection: ConnectionName }[]> {
  // What stands in for a ticket that nobody knows is registered nowhere.
  const rows = await listUnfinished(db)
    .where((where) => where.or([where("registration", "!=", "none"), where("connection", "!=", NOWHERE.connection)]))
    .execute();
  return rows.map(({ pool, connection }) => ({
    pool: parsePoolName(pool),
    connection: parseConnectionName(connection),
  }));
}

function listUnfinished(db: Queryable) {
  return db
    .selectFrom("tickets")
    .select(["pool", "connection"])
    .distinct()
    .where((where) =>
      where.or([where("state", "in", LIVE_STATES), where("registration", "in", ["present", "unknown"])]),
    );
}

export interface SettingsInUse {
  readonly pool: PoolName;
  readonly settingsHash: string;
}

/**
 * The settings that machines which we launched were made from, those by whose places the others were found, and those of
 * launches whose outcome is not known. Where nobody knows by which a machine was found, each of its pool may have been it:
 * where the pool has moved since, only they still show it.
 */
export async function listSettingsInUse(db: Queryable): Promise<readonly SettingsInUse[]> {
  const stored = await db.selectFrom("pool_settings").select(["pool", "settings_hash"]).execute();
  const storedOf = (name: string) => stored.filter((row) => row.pool === name).map((row) => row.settings_hash);
  const used = (await listUses(db)).flatMap(({ pool, named, isSure }) => {
    const ofPool = storedOf(pool);
    // By one that is not stored any more it cannot be found again.
    const isEnough = isSure || (named.length > 0 && named.every((hash) => ofPool.includes(hash)));
    return [...named.filter((hash) => isSure || ofPool.includes(hash)), ...(isEnough ? [] : ofPool)].map(
      (settingsHash) => ({ pool, settingsHash }),
    );
  });
  return [...new Map(used.map((one) => [`${one.pool} ${one.settingsHash}`, one])).values()];
}

/** Those of a pool by which something of it was certainly made, or found. */
export async function listSettingsNamed(db: Queryable, pool: PoolName): Promise<readonly string[]> {
  return [...new Set((await listUses(db, pool)).flatMap(({ named }) => named))];
}

/** What is there, by which settings it was made or found, as far as its row says. */
interface Use {
  readonly pool: PoolName;
  readonly named: readonly string[];
  /** By none but those. */
  readonly isSure: boolean;
}

async function listUses(db: Queryable, pool?: PoolName): Promise<readonly Use[]> {
  const machines = await db
    .selectFrom("machines")
    .select(["pool", "origin", "settings_hash", "found_by_settings"])
    .distinct()
    .where("state", "in", PRESENT_STATES)
    .$if(pool !== undefined, (query) => query.where("pool", "=", pool ?? ""))
    .execute();
  const launches = await db
    .selectFrom("launches")
    .select(["pool", "settings_hash"])
    .distinct()
    .where("state", "=", "open")
    .$if(pool !== undefined, (query) => query.where("pool", "=", pool ?? ""))
    .execute();
  return [
    ...launches.map((row) => ({ pool: parsePoolName(row.pool), named: [row.settings_hash], isSure: true })),
    ...machines.flatMap(usesOf),
  ];
}

type FoundColumns = Pick<MachinesTable, "pool" | "origin" | "settings_hash" | "found_by_settings">;

/** One that was launched, and then found, is where its own settings put it, and perhaps where others found it. */
function usesOf(row: FoundColumns): readonly Use[] {
  const pool = parsePoolName(row.pool);
  const isLaunched = row.origin !== "adopted" && row.settings_hash !== UNKNOWN_SETTINGS;
  const own = isLaunched ? [{ pool, named: [row.settings_hash], isSure: true }] : [];
  const named: readonly string[] = row.found_by_settings === null ? [] : JSON.parse(row.found_by_settings);
  if (isLaunched && named.length === 0) return own;
  return [...own, { pool, named, isSure: false }];
}
