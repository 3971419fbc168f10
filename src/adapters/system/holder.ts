/**
 * The name under which this process holds leases, and whether a process of such a name is known to be dead: on the same
 * boot of the same host, a process id without a process, or with one that started at another time. Anything else is not
 * known, and its lease has to expire.
 */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { Random } from "../../ports/random.ts";

const NONCE_LENGTH = 8;
/** Position of the start time among the fields after the command's name in /proc/<pid>/stat (proc(5): field 22). */
const START_TIME_FIELD = 19;

export function holderName(random: Random): string {
  return [hostname(), readBootId(), process.pid, readStartTime(process.pid) ?? "", random.token(NONCE_LENGTH)].join(
    "/",
  );
}

export function isHolderDead(holder: string): boolean {
  const [host, bootId, pid, startTime] = holder.split("/");
  if (host !== hostname() || bootId === "" || bootId !== readBootId() || startTime === "") return false;
  return readStartTime(Number(pid)) !== startTime;
}

/** Empty where the system tells none: then nobody is known to be dead. */
function readBootId(): string {
  return readOrNull("/proc/sys/kernel/random/boot_id")?.trim() ?? "";
}

function readStartTime(pid: number): string | null {
  const stat = readOrNull(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[START_TIME_FIELD] ?? null;
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
