/**
 * From where the machines of a folder can be seen. A process machine is only there for a controller on the same host, in
 * the same process namespace and as the same user: from anywhere else its folder shows and its processes do not, which
 * would look like death. So the first launch writes down from where it looked, and from anywhere else nothing is said of
 * the machines at all.
 */
import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { ProviderError } from "../../domain/errors.ts";
import { listFolders, type Places } from "./folders.ts";
import { toProviderError, unlessAbsent } from "./system-errors.ts";
import { writeWhole } from "./write-whole.ts";

export interface Vantage {
  readonly host: string;
  /** Processes do not survive a boot: what was seen before the last one binds nobody. */
  readonly boot: string;
  readonly processNamespace: string;
  readonly user: string;
}

/** Reads it of this process; what a system does not tell is empty and the same everywhere. */
export async function ownVantage(): Promise<Vantage> {
  return {
    host: (await readText("/etc/machine-id")) || hostname(),
    boot: await readText("/proc/sys/kernel/random/boot_id"),
    processNamespace: await unlessAbsent(readlink("/proc/self/ns/pid"), ""),
    user: String(process.getuid?.() ?? ""),
  };
}

async function readText(path: string): Promise<string> {
  return (await unlessAbsent(readFile(path, "utf8"), "")).trim();
}

const FILE = "vantage.json";

/**
 * @throws {ProviderError} `provider-unavailable` where the machines can only be seen from elsewhere, and where it cannot be
 *   told from where.
 */
export async function demandVantage(places: Places, own: Vantage): Promise<void> {
  await compareVantage(places, own).catch((error: unknown) => {
    throw toProviderError(error, `reading from where the machines in ${places.root} were started`);
  });
}

async function compareVantage(places: Places, own: Vantage): Promise<void> {
  const written = await unlessAbsent(readFile(join(places.root, FILE), "utf8"), null);
  if (written === null) return;
  const difference = differenceOf(JSON.parse(written) as Vantage, own);
  if (difference === null || (await listFolders(places)).length === 0) return;
  throw new ProviderError(
    "provider-unavailable",
    `looking at the machines in ${places.root} from ${difference} than they were started from; run the controller there, or remove ${FILE} if nothing of them is left`,
  );
}

/** Before a launch: what is started now is seen from here. Nothing that was started elsewhere is there any more. */
export async function claimVantage(places: Places, own: Vantage): Promise<void> {
  await demandVantage(places, own);
  const path = join(places.root, FILE);
  const text = `${JSON.stringify(own, null, 2)}\n`;
  if ((await unlessAbsent(readFile(path, "utf8"), null)) !== text) await writeWhole(path, text);
}

function differenceOf(written: Vantage, own: Vantage): string | null {
  if (written.host !== own.host) return "another host";
  if (written.boot !== own.boot) return null;
  if (written.processNamespace !== own.processNamespace) return "another process namespace";
  return written.user === own.user ? null : "another user";
}
