/**
 * Watches what the machine's Auto Scaling group wants of it. The metadata shows it within a second or two, to whoever asks,
 * before any notification could come; reading it costs neither quota nor permission.
 */
import { serviceOf, type ToldService } from "../domain/host/group-word.ts";
import { SECOND_MS } from "../domain/units.ts";
import { type InstanceMetadata, MetadataError } from "./instance-metadata.ts";
import type { Log } from "./log.ts";
import { SleepSense } from "./sleep.ts";
import type { System } from "./system.ts";

const TARGET_PATH = "/latest/meta-data/autoscaling/target-lifecycle-state";
const TARGET_INTERVAL_MS = 3 * SECOND_MS;
/** In the log. */
const TARGET_LENGTH_MAX = 100;

export interface ServiceWatch {
  readonly metadata: InstanceMetadata;
  readonly system: System;
  readonly log: Log;
  /** Called with each reading, also of what was told before. */
  readonly onService: (service: ToldService) => void;
}

/**
 * Until the signal aborts. What cannot be read changes nothing: the controller sees the group as well. That it could not is
 * told once for each time.
 */
export async function watchService(
  { metadata, system, log, onService }: ServiceWatch,
  signal: AbortSignal,
): Promise<void> {
  const sleep = new SleepSense(system);
  let lastTarget: string | null | undefined;
  let isReadable = true;
  while (!signal.aborted) {
    sleep.hasSlept();
    try {
      const target = await metadata.readOnce(TARGET_PATH);
      isReadable = true;
      if (target !== lastTarget) log.write("the group's word", { target: target?.slice(0, TARGET_LENGTH_MAX) ?? null });
      lastTarget = target;
      // An answer from before a sleep says nothing about after it.
      if (!sleep.hasSlept()) onService(serviceOf(target));
    } catch (error) {
      if (!(error instanceof MetadataError)) throw error;
      if (isReadable) log.write("what the group wants of the machine is not known", { why: error.message });
      isReadable = false;
    }
    await system.sleep(TARGET_INTERVAL_MS, signal);
  }
}
