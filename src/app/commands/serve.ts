/** `holdfast serve`: the controller, until it is told to stop. */
import { systemClock } from "../../adapters/system/clock.ts";
import { readConfig } from "../config/read.ts";
import { createParts } from "../parts.ts";
import { openTraces } from "../traces.ts";
import { startHoldfast } from "../wire.ts";

export interface ServeOptions {
  readonly configPath: string;
  readonly logLevel: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Machines and their jobs go on without it. @returns the exit code, once it was told to stop and has stopped.
 * @throws {HoldfastError} `settings-unknown` once it has stopped because only a new start can go on.
 */
export async function runServe(options: ServeOptions, stop: AbortSignal): Promise<number> {
  const config = await readConfig(options.configPath, options.environment);
  const tracer = await openTraces(config.traces, systemClock());
  const parts = createParts({ logFile: null, level: options.logLevel, tracer });
  const holdfast = await startHoldfast(config, parts);
  parts.telemetry.info("Holdfast is up", { ...holdfast.addresses, pools: config.pools.length });
  const stopped = new Promise<null>((resolve) => {
    if (stop.aborted) resolve(null);
    stop.addEventListener("abort", () => resolve(null), { once: true });
  });
  const reason = await Promise.race([stopped, holdfast.restartAsked]);
  parts.telemetry.info("stopping; machines and their jobs go on");
  await holdfast.close();
  await tracer?.close();
  if (reason !== null) throw reason;
  return 0;
}
