/** Who may speak as a machine, by its token; and that somebody tried who may not, which is evidence too: somebody is there. */
import type { Context } from "hono";
import { HoldfastError } from "../../domain/errors.ts";
import type { MachineId } from "../../domain/ids.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Hearing } from "../../ports/hearing.ts";
import type { Telemetry } from "../../ports/telemetry.ts";
import { listEvidence, recordEvidence } from "../../store/evidence/evidence.ts";
import { recordAgentSeen } from "../../store/machines/heard.ts";
import { loadMachine } from "../../store/machines/load.ts";
import type { Store } from "../../store/store.ts";
import { machineSubject } from "../../store/subjects.ts";
import { callerOf } from "../caller.ts";
import { findOther } from "./identify.ts";
import type { LaneName } from "./lanes.ts";
import type { AgentTokens, TokenSubject } from "./token.ts";

/** Refused tries are evidence once in so long. */
const REFUSED_NOTE_MS = MINUTE_MS;

export interface SpeakerOptions {
  readonly store: Store;
  readonly tokens: AgentTokens;
  readonly clock: Clock;
  readonly hearing: Hearing;
  readonly telemetry: Telemetry;
}

function ownerOf({ req }: Context, tokens: AgentTokens): TokenSubject | null {
  const [scheme, token = ""] = (req.header("authorization") ?? "").split(" ");
  return scheme === "Bearer" ? tokens.verify(token) : null;
}

/**
 * Whoever waits for the store lives, however long it waits: a host is lost only where nothing comes from it.
 * @returns where it waits.
 */
export function noteComing(context: Context, { tokens, hearing }: SpeakerOptions, machineId: MachineId): LaneName {
  if (ownerOf(context, tokens)?.machineId !== machineId) return "unproven";
  hearing.noteTry(machineId);
  return "proven";
}

/**
 * A token is worth the machine that it was issued to.
 * @throws {HoldfastError} `unauthorized` for a token that is not ours | `forbidden` for another machine's
 */
export async function authorize(
  context: Context,
  options: SpeakerOptions,
  machineId: MachineId,
): Promise<TokenSubject> {
  const owner = ownerOf(context, options.tokens);
  if (owner === null) {
    await noteRefused(context, options, machineId, "a message with a wrong token was refused");
    throw new HoldfastError("unauthorized", `reading a message of machine ${machineId}`);
  }
  if (owner.machineId === machineId) {
    await demandOwnName(options, owner);
    return owner;
  }
  await noteRefused(context, options, machineId, `a message under the token of ${owner.machineId} was refused`);
  throw new HoldfastError("forbidden", `speaking as machine ${machineId} with the token of ${owner.machineId}`);
}

/** @throws {HoldfastError} `unauthorized`: checking in again tells it its name. */
async function demandOwnName({ store }: SpeakerOptions, owner: TokenSubject): Promise<void> {
  const other = await findOther(store, owner);
  if (other !== null) throw new HoldfastError("unauthorized", `speaking as ${owner.machineId}, which is ${other}`);
}

export async function noteRefused(
  context: Context,
  options: SpeakerOptions,
  machineId: MachineId,
  fact: string,
): Promise<void> {
  const { store, clock, telemetry, hearing } = options;
  telemetry.warn(fact, { machine: machineId, caller: callerOf(context) });
  const machine = await loadMachine(store.db, machineId);
  if (machine === null) return;
  hearing.noteTry(machineId);
  // Whoever has no secret must not fill the store: the first try is what matters, and one a minute is kept after it.
  const [last] = await listEvidence(store.db, machineSubject(machineId), 1);
  const isRecent = last?.source === "agent" && clock.nowMs() - last.confirmedAtMs < REFUSED_NOTE_MS;
  if (machine.isAgentSeen && isRecent && last.fact.endsWith("was refused")) return;
  await recordAgentSeen(store.db, machineId);
  const subject = machineSubject(machineId);
  await recordEvidence(store.db, { subject, source: "agent", fact, observedAtMs: clock.nowMs() });
}
