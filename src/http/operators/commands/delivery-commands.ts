/** `replay` and `discard`: what becomes of a delivery that could not be handled. */
import { type ConnectionName, type DeliveryId, parseDeliveryId } from "../../../domain/ids.ts";
import { formatInstant } from "../../../domain/instant.ts";
import type { OperatorMark } from "../../../domain/machine.ts";
import { findDeliveries, releaseDelivery } from "../../../store/deliveries/quarantine.ts";
import type { DeliveryState } from "../../../store/deliveries/row.ts";
import { recordEvidence } from "../../../store/evidence/evidence.ts";
import { inTransaction } from "../../../store/transaction.ts";
import { problem } from "../../problem.ts";
import type { CommandAnswer } from "../answers.ts";
import { parsed } from "../find-subject.ts";
import { type CommandOutcome, type CommandSetting, describeMark } from "./setting.ts";

export type DeliveryCommand = "replay" | "discard";

const BECOMES = { replay: "pending", discard: "ignored" } as const satisfies Record<DeliveryCommand, DeliveryState>;
const ATTEMPTED = { replay: "replaying", discard: "discarding" } as const;

/** @param connection which one's, where several were told of the same event; null where there is one. */
export async function settleDelivery(
  setting: CommandSetting,
  command: DeliveryCommand,
  delivery: { readonly id: string; readonly connection: string | null },
  mark: OperatorMark,
): Promise<CommandOutcome> {
  const id = parsed(parseDeliveryId, delivery.id.trim());
  const all = id === null ? [] : await findDeliveries(setting.sources.store.db, id);
  const found = all.filter(({ connection }) => delivery.connection === null || connection === delivery.connection);
  const attempted = `${ATTEMPTED[command]} delivery ${delivery.id.slice(0, 200)}`;
  const [one, ...others] = found;
  if (one === undefined)
    return problem("not-found", attempted, { mend: "`holdfast deliveries` lists those that wait for a person." });
  if (others.length > 0) {
    const names = found.map(({ connection }) => connection).join(", ");
    return problem("ambiguous", attempted, { mend: `Say whose by \`--connection\`: ${names}.` });
  }
  const isReleased = await release(setting, command, one, mark);
  if (isReleased) {
    setting.telemetry.info("an operator's command was written", { command, delivery: one.id, ...mark });
    setting.wake.controller("ingest", null);
  }
  return tell(setting, command, one, isReleased);
}

function release(
  { sources }: CommandSetting,
  command: DeliveryCommand,
  { id, connection }: { readonly id: DeliveryId; readonly connection: ConnectionName },
  mark: OperatorMark,
): Promise<boolean> {
  return inTransaction(sources.store, async (tx) => {
    if (!(await releaseDelivery(tx, { id, connection }, BECOMES[command], mark.atMs))) return false;
    const fact = `${command === "replay" ? "replayed" : "discarded"} ${describeMark(mark)}`;
    const subject = { kind: "delivery", id: `${connection}/${id}` } as const;
    await recordEvidence(tx, { subject, source: "operator", fact, observedAtMs: mark.atMs });
    return true;
  });
}

function tell(
  { sources }: CommandSetting,
  command: DeliveryCommand,
  { id, state }: { readonly id: DeliveryId; readonly state: DeliveryState },
  isReleased: boolean,
): CommandAnswer {
  const done =
    command === "replay" ? `Delivery ${id} is handled once more, as it came.` : `Delivery ${id} is set aside for good.`;
  const next =
    command === "replay"
      ? ["Where it still cannot be handled it comes back, with its problem."]
      : ["Its job, if there is one, is found by the look at open jobs all the same."];
  return {
    now: formatInstant(sources.clock.nowMs()),
    command,
    outcome: isReleased ? "written" : "already",
    subject: { kind: "delivery", id, pool: null },
    result: isReleased ? done : `Delivery ${id} does not wait for a person: it is ${state}.`,
    next: isReleased ? next : [],
    jobs: [],
    undo: null,
  };
}
