/** `freeze` and `thaw` of one pool or all, `drain` and `release` of a pool. */
import type { PoolName } from "../../../domain/ids.ts";
import { formatInstant } from "../../../domain/instant.ts";
import type { OperatorMark } from "../../../domain/machine.ts";
import { ALL_POOLS, type FreezeScope } from "../../../domain/operator-words.ts";
import { deleteDrain, findDrain, insertDrain } from "../../../store/drains.ts";
import { recordEvidence } from "../../../store/evidence/evidence.ts";
import { deleteFreeze, findFreeze, insertFreeze, listFreezes } from "../../../store/freezes.ts";
import { countQueuedByPool } from "../../../store/jobs/count.ts";
import { countMachinesByPoolAndState } from "../../../store/machines/count.ts";
import type { Queryable } from "../../../store/schema.ts";
import { poolSubject } from "../../../store/subjects.ts";
import { inTransaction } from "../../../store/transaction.ts";
import { problem } from "../../problem.ts";
import type { CommandAnswer } from "../answers.ts";
import {
  type CommandName,
  type CommandOutcome,
  type CommandSetting,
  configuredPools,
  describeMark,
  wakeHeeding,
} from "./setting.ts";

type Told = Pick<CommandAnswer, "outcome" | "result" | "next" | "undo">;

export async function freeze(setting: CommandSetting, scope: FreezeScope, mark: OperatorMark): Promise<CommandOutcome> {
  const standing = await inTransaction(setting.sources.store, async (tx) => {
    if (!(await insertFreeze(tx, { scope, mark }))) return (await findFreeze(tx, scope))?.mark ?? mark;
    await note(tx, setting, scope, `frozen ${describeMark(mark)}`, mark.atMs);
    return null;
  });
  return finish(setting, "freeze", scope, mark, {
    outcome: standing === null ? "written" : "already",
    result: `${nameScope(scope)} frozen ${describeMark(standing ?? mark)}.`,
    next: [
      "No machine is ended, no registration is deleted and no idle runner is asked back until the thaw.",
      "Jobs go on, and machines are still started for those that wait, up to `machines.max`: what is used up stays and counts.",
    ],
    undo: scope === ALL_POOLS ? "holdfast thaw" : `holdfast thaw ${scope}`,
  });
}

export async function thaw(setting: CommandSetting, scope: FreezeScope, mark: OperatorMark): Promise<CommandOutcome> {
  const { isThawed, left } = await inTransaction(setting.sources.store, async (tx) => {
    const isDeleted = await deleteFreeze(tx, scope);
    if (isDeleted) await note(tx, setting, scope, `thawed ${describeMark(mark)}`, mark.atMs);
    return { isThawed: isDeleted, left: await listFreezes(tx) };
  });
  const overAll = left.find((one) => one.scope === ALL_POOLS);
  if (scope !== ALL_POOLS && !isThawed && overAll !== undefined) {
    const attempted = `thawing pool ${scope}, which is frozen with all pools ${describeMark(overAll.mark)}`;
    return problem("pool-frozen", attempted, { mend: "`holdfast thaw` without a name thaws them." });
  }
  const still = scope === ALL_POOLS ? left : left.filter((one) => one.scope === ALL_POOLS);
  return finish(setting, "thaw", scope, mark, {
    outcome: isThawed ? "written" : "already",
    result: isThawed ? `${nameScope(scope)} thawed.` : tellUnfrozen(scope),
    next: [
      ...(isThawed && still.length === 0
        ? ["Machines that are to go are ended again, by the same proofs as ever."]
        : []),
      ...still.map(({ scope: one, mark: by }) => `${nameScope(one)} still frozen ${describeMark(by)}: ${thawOf(one)}.`),
    ],
    undo: null,
  });
}

function thawOf(scope: FreezeScope): string {
  return scope === ALL_POOLS ? "`holdfast thaw` thaws them" : `\`holdfast thaw ${scope}\` thaws it`;
}

export async function drainPool(setting: CommandSetting, pool: PoolName, mark: OperatorMark): Promise<CommandOutcome> {
  const { db } = setting.sources.store;
  const standing = await inTransaction(setting.sources.store, async (tx) => {
    const subject = { kind: "pool", id: pool } as const;
    if (!(await insertDrain(tx, subject, mark))) return (await findDrain(tx, subject)) ?? mark;
    await note(tx, setting, pool, `drained ${describeMark(mark)}`, mark.atMs);
    return null;
  });
  return finish(setting, "drain", pool, mark, {
    outcome: standing === null ? "written" : "already",
    result: `Pool ${pool} is drained ${describeMark(standing ?? mark)}.`,
    next: [
      "It launches no machine and makes no ticket until it is released.",
      ...(await tellMachines(db, pool)),
      ...(await tellJobs(db, pool)),
      ...(await tellFrozen(db, pool)),
    ],
    undo: `holdfast release ${pool}`,
  });
}

async function tellMachines(db: Queryable, pool: PoolName): Promise<readonly string[]> {
  const counts = new Map(
    (await countMachinesByPoolAndState(db))
      .filter((one) => one.pool === pool)
      .map(({ state, count }) => [state, count]),
  );
  const freeCount = (counts.get("parked") ?? 0) + (counts.get("provisioning") ?? 0) + (counts.get("planned") ?? 0);
  const engagedCount = counts.get("engaged") ?? 0;
  return [
    ...(freeCount > 0 ? [`Machines without a ticket retire: ${freeCount}.`] : []),
    ...(engagedCount > 0
      ? [
          `Machines with a ticket out retire when it is over: ${engagedCount}. Their jobs go on; idle runners are asked back.`,
        ]
      : []),
  ];
}

async function tellJobs(db: Queryable, pool: PoolName): Promise<readonly string[]> {
  const waitingCount = (await countQueuedByPool(db)).get(pool) ?? 0;
  if (waitingCount === 0) return [];
  return [
    `Jobs that wait there go to other pools that fit: ${waitingCount}. Those that fit nowhere else wait (pool-drained).`,
  ];
}

async function tellFrozen(db: Queryable, pool: PoolName): Promise<readonly string[]> {
  const freezes = (await listFreezes(db)).filter(({ scope }) => scope === ALL_POOLS || scope === pool);
  return freezes.map(({ scope, mark }) => `${nameScope(scope)} frozen ${describeMark(mark)}: ${thawOf(scope)}.`);
}

export async function releasePool(
  setting: CommandSetting,
  pool: PoolName,
  mark: OperatorMark,
): Promise<CommandOutcome> {
  const { db } = setting.sources.store;
  const isReleased = await inTransaction(setting.sources.store, async (tx) => {
    const isDeleted = await deleteDrain(tx, { kind: "pool", id: pool });
    if (isDeleted) await note(tx, setting, pool, `released ${describeMark(mark)}`, mark.atMs);
    return isDeleted;
  });
  return finish(setting, "release", pool, mark, {
    outcome: isReleased ? "written" : "already",
    result: isReleased ? `Pool ${pool} is drained no more.` : `Pool ${pool} is not drained.`,
    next: [
      ...(isReleased ? ["It launches machines and makes tickets again. Machines that retire already go."] : []),
      ...(await tellFrozen(db, pool)),
    ],
    undo: null,
  });
}

/** What is said of all pools is noted at each of them. */
async function note(
  tx: Queryable,
  setting: CommandSetting,
  scope: FreezeScope,
  fact: string,
  observedAtMs: number,
): Promise<void> {
  const pools = scope === ALL_POOLS ? configuredPools(setting) : [scope];
  const told = scope === ALL_POOLS ? `${fact} (all pools)` : fact;
  for (const pool of pools)
    await recordEvidence(tx, { subject: poolSubject(pool), source: "operator", fact: told, observedAtMs });
}

function finish(
  setting: CommandSetting,
  command: CommandName,
  scope: FreezeScope,
  { operator, reason }: OperatorMark,
  told: Told,
): CommandAnswer {
  const isAll = scope === ALL_POOLS;
  if (told.outcome === "written") {
    wakeHeeding(setting, isAll ? configuredPools(setting) : [scope]);
    setting.telemetry.info("an operator's command was written", { command, pool: scope, operator, reason });
  }
  return {
    now: formatInstant(setting.sources.clock.nowMs()),
    command,
    subject: isAll ? { kind: "pools", id: null, pool: null } : { kind: "pool", id: scope, pool: scope },
    jobs: [],
    ...told,
  };
}

function tellUnfrozen(scope: FreezeScope): string {
  return scope === ALL_POOLS ? "There is no freeze of all pools." : `Pool ${scope} is not frozen.`;
}

function nameScope(scope: FreezeScope): string {
  return scope === ALL_POOLS ? "All pools are" : `Pool ${scope} is`;
}
