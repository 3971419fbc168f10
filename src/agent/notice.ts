/**
 * Watches for the notice that spot takes the instance back, two minutes before it does. EC2 says that it should be looked
 * for every 5 seconds. ("Spot Instance interruption notices", EC2 user guide.)
 */
import { SECOND_MS } from "../domain/units.ts";
import { type InstanceMetadata, MetadataError } from "./instance-metadata.ts";
import type { Log } from "./log.ts";
import type { System } from "./system.ts";

const NOTICE_PATH = "/latest/meta-data/spot/instance-action";
const NOTICE_INTERVAL_MS = 5 * SECOND_MS;
/** In the log. */
const NOTICE_LENGTH_MAX = 200;

export interface NoticeWatch {
  readonly metadata: InstanceMetadata;
  readonly system: System;
  readonly log: Log;
  /** Called once. */
  readonly onNotice: () => void;
}

/** Until the signal aborts. What cannot be read is no notice; that it could not is told once for each time. */
export async function watchNotice(
  { metadata, system, log, onNotice }: NoticeWatch,
  signal: AbortSignal,
): Promise<void> {
  let isTold = false;
  let isReadable = true;
  while (!signal.aborted) {
    try {
      const notice = isTold ? null : await metadata.readOnce(NOTICE_PATH);
      isReadable = true;
      if (notice !== null) {
        isTold = true;
        log.write("the instance is to be taken back", { notice: notice.slice(0, NOTICE_LENGTH_MAX) });
        onNotice();
      }
    } catch (error) {
      if (!(error instanceof MetadataError)) throw error;
      if (isReadable) log.write("whether the instance is to be taken back is not known", { why: error.message });
      isReadable = false;
    }
    await system.sleep(NOTICE_INTERVAL_MS, signal);
  }
}
