/**
 * How a runner is started on an instance: in a transient scope of its own, so that no end of the agent's unit and no kill in
 * it reaches the runner, as the runner's user with all of that user's groups.
 *
 *     systemd-run --scope … -- choom … -- setpriv … -- bin/Runner.Listener run
 *
 * Each of them makes way for the next in the same process (`systemd-run --scope` moves itself into the scope, then all three
 * exec), so that the process that is started is the listener. `systemd-run --uid` would do for the user alone: it takes over
 * no supplementary groups, and so no way to Docker.
 */
import { spawnSync } from "node:child_process";
import { AGENT_UNIT } from "../domain/host/settings.ts";
import type { TicketId } from "../domain/ids.ts";
import { MINUTE_MS } from "../domain/units.ts";
import type { Account } from "./account.ts";

export interface Scope {
  readonly ticketId: TicketId;
  readonly account: Account;
  /** Null where it could not be found out. */
  readonly systemdVersion: number | null;
  /** The metadata is kept from the runner and its jobs. */
  readonly isMetadataClosed: boolean;
}

/** Since when scopes know `OOMPolicy`, and would end as a whole for one process that had no memory. (NEWS of systemd 253.) */
const SCOPE_OOM_POLICY_SINCE = 253;
/** Since when systemd-oomd can be kept from a unit: it ends all of one, and so a job without a word. (The same, 248.) */
const OOMD_PREFERENCE_SINCE = 248;
/** The metadata service, by its two addresses. */
const METADATA_ADDRESSES = ["169.254.169.254/32", "fd00:ec2::254/128"] as const;

export function scopeCommand({ ticketId, account, systemdVersion, isMetadataClosed }: Scope): readonly string[] {
  const properties = [
    // Units stop in the opposite order: at the machine's shutdown the agent waits for the job before its scope ends.
    `Before=${AGENT_UNIT}`,
    ...((systemdVersion ?? 0) >= SCOPE_OOM_POLICY_SINCE ? ["OOMPolicy=continue"] : []),
    ...((systemdVersion ?? 0) >= OOMD_PREFERENCE_SINCE ? ["ManagedOOMPreference=omit"] : []),
    ...(isMetadataClosed ? METADATA_ADDRESSES.map((address) => `IPAddressDeny=${address}`) : []),
  ];
  const { userId, groupId } = account;
  return [
    ...["systemd-run", "--scope", "--quiet", "--collect", `--description=Holdfast runner of ticket ${ticketId}`],
    ...properties.map((property) => `--property=${property}`),
    // The agent's own is far below: a job must not be the last to be ended for want of memory.
    ...["--", "choom", "--adjust=0"],
    ...["--", "setpriv", `--reuid=${userId}`, `--regid=${groupId}`, "--init-groups"],
    "--",
  ];
}

const VERSION_TIMEOUT_MS = MINUTE_MS / 2;

export function readSystemdVersion(): number | null {
  const { status, stdout } = spawnSync("systemd-run", ["--version"], { encoding: "utf8", timeout: VERSION_TIMEOUT_MS });
  return status === 0 ? parseSystemdVersion(stdout) : null;
}

/** Its first line: "systemd 252 (252.39-1~deb12u2)". */
export function parseSystemdVersion(text: string): number | null {
  const [, version] = /^systemd (\d+)\b/.exec(text) ?? [];
  return version === undefined ? null : Number(version);
}
