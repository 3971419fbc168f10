/**
 * What the agent stands on, and what is different there: who it is, how a runner is started, whether somebody wants the
 * machine back, how the machine ends. On a process machine its provider wrote all of it down.
 */
import { readFileSync } from "node:fs";
import type { ToldService } from "../domain/host/group-word.ts";
import type { AgentSettings, HostSettings } from "../domain/host/settings.ts";
import type { TicketId } from "../domain/ids.ts";
import type { Identity } from "../domain/protocol.ts";
import type { Account } from "./account.ts";
import type { Log } from "./log.ts";
import { ownUserId } from "./system.ts";

export interface Ground {
  readonly settings: HostSettings;
  /** Incarnations of one boot share it: the kernel's boot id, and whatever else tells two of them apart. */
  readonly bootId: string;
  /** @throws {Error} where it cannot be had now. */
  readonly readIdentity: () => Promise<Identity>;
  readonly runnerHost: RunnerHost;
  /** Calls back at most once; ends when the signal aborts. */
  readonly watchNotice: (log: Log, onNotice: () => void, signal: AbortSignal) => Promise<void>;
  /** An Auto Scaling group has the machine. */
  readonly isMember: boolean;
  /** Of a member: calls back with each reading; ends when the signal aborts. */
  readonly watchService: (log: Log, onService: (service: ToldService) => void, signal: AbortSignal) => Promise<void>;
  /** The dead man's switch. */
  readonly powerOff: () => void;
}

/** How a runner is started, and as whom. */
export interface RunnerHost {
  /** Another user than the agent's; then every runner is theirs. */
  readonly isOtherUser: boolean;
  /** Null where the agent's own user runs it. @throws {AccountError} */
  readonly findOwner: () => Account | null;
  /** What stands before the listener on its command line; each part of it makes way for the next in the same process. */
  readonly wrap: (ticketId: TicketId) => Promise<readonly string[]>;
  /** Whether the runner inherits this variable of the agent's environment. */
  readonly inherits: (name: string) => boolean;
}

const INHERITED: ReadonlySet<string> = new Set(["PATH", "HOME", "USER", "LANG", "TMPDIR"]);

/** Where the agent's environment is its own affair. */
export function inheritsFew(name: string): boolean {
  return INHERITED.has(name);
}

/** The user who is there for runners alone: not root, and not whoever the agent is. */
export function runnerUserOf(host: RunnerHost): { readonly runnerUserId?: number } {
  if (!host.isOtherUser) return {};
  try {
    const userId = host.findOwner()?.userId ?? 0;
    return userId === 0 || userId === ownUserId() ? {} : { runnerUserId: userId };
  } catch (error) {
    // Nobody runs as a user who is not there; no root is prepared for one either.
    if (!(error instanceof AccountError)) throw error;
    return {};
  }
}

/** There is no such user on this machine. */
export class AccountError extends Error {
  override readonly name = "AccountError";
}

/** The end of the agent is the end of the machine there: its launcher ends as well. */
export function processGround(settings: AgentSettings, bootId: string): Ground {
  const readSecret = () => readFileSync(settings.identityFile, "utf8").trim();
  return {
    settings,
    bootId,
    readIdentity: async () => ({ kind: "process", secret: readSecret() }),
    runnerHost: { isOtherUser: false, findOwner: () => null, wrap: async () => [], inherits: inheritsFew },
    ...UNTOLD_GROUND,
    powerOff: () => {},
  };
}

/** Of grounds where nobody tells ahead that the machine is wanted back, and no group has it. */
export const UNTOLD_GROUND = { watchNotice: tellNothing, isMember: false, watchService: tellNothing } as const;

export function tellNothing(_log: Log, _tell: unknown, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}
