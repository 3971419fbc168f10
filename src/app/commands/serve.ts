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

/** @returns the exit code, once it was told to stop and has stopped. Machines and their jobs go on without it. */
export async function runServe(options: ServeOptions, stop: AbortSignal): Promise<number> {
  const config = await readConfig(options.configPath, options.environment);
  const tracer = await openTraces(config.traces, systemClock());
  const parts = createParts({ logFile: null, level: options.logLevel, tracer });
  const holdfast = await startHoldfast(config, parts);
  parts.telemetry.info("Holdfast is up", { ...holdfast.addresses, pools: config.pools.length });
  if (!stop.aborted) await new Promise((resolve) => stop.addEventListener("abort", resolve, { once: true }));
  parts.telemetry.info("stopping; machines and their jobs go on");
  await holdfast.close();
  await tracer?.close();
  return 0;
}
