import { homedir } from "node:os";
import { fileURLToPath } from "node:url";
import type { ControllerId, PoolName } from "../../domain/ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ProcessTable } from "./process-table.ts";
import type { Vantage } from "./vantage.ts";

export interface ProcessProviderOptions {
  readonly controllerId: ControllerId;
  readonly pool: PoolName;
  /** All machines of the controller are below it, in a folder named after the controller. On a disk of this host. */
  readonly workDirectory: string;
  /** An unpacked actions/runner. It is only read: the agent copies it for every ticket. */
  readonly runnerDirectory: string;
  readonly runnerEnvironment: Readonly<Record<string, string>>;
  /** Where the agents reach the controller. */
  readonly controllerUrl: string;
  readonly clock: Clock;
  /** What the machine's processes inherit, but for what Holdfast adds. Default: PATH, HOME and LANG. */
  readonly baseEnvironment?: Readonly<Record<string, string>>;
  readonly nodeExecutable?: string;
  readonly launcherFile?: string;
  /** What the launcher starts as the agent; default: the agent beside it. */
  readonly agentFile?: string;
  /** Default: that of this system. */
  readonly processes?: ProcessTable;
  /** From where this process looks; default: what this system tells. */
  readonly vantage?: () => Promise<Vantage>;
  /** Where tmpfs is; default `/dev/shm`. */
  readonly sharedMemory?: string;
}

/** The launcher that came with this file: beside TypeScript in a checkout, beside JavaScript in the package. */
export function ownLauncher(): string {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return fileURLToPath(new URL(`../../agent/launcher.${extension}`, import.meta.url));
}

/** Enough to find programs and a home, and to trust the authorities that this system trusts. */
export function plainEnvironment(): Readonly<Record<string, string>> {
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  return {
    PATH: process.platform === "darwin" ? `/opt/homebrew/bin:${path}` : path,
    HOME: homedir(),
    LANG: "C.UTF-8",
    NODE_USE_SYSTEM_CA: "1",
  };
}
