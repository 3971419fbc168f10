/** One watch over one response: a line of JSON for each event, no faster than its reader reads. */
import type { ServerResponse } from "node:http";
import type { KubernetesState } from "../../kubernetes/state.ts";
import { isBehind, nextWatchMs, readWatch, type Watch } from "../../kubernetes/watch.ts";
import type { Timers } from "../clock.ts";

export interface WatchStream {
  /** Sends what there is, if the reader can take it. */
  pump(): void;
  end(): void;
}

/** @param isHalf the connection is reset after the first events. */
export function openWatchStream(
  { state, timers }: { readonly state: KubernetesState; readonly timers: Timers },
  watch: Watch,
  response: ServerResponse,
  isHalf: boolean,
): WatchStream {
  let isFull = false;
  let cancelNext = () => {};
  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-cache, private" });
  response.flushHeaders();
  const stream: WatchStream = {
    pump: () => {
      cancelNext();
      if (response.destroyed || response.writableEnded || isFull) return;
      do {
        const events = readWatch(state, watch, timers.nowMs());
        if (events.length === 0) continue;
        const text = events.map((event) => `${JSON.stringify(event)}\n`).join("");
        isFull = !response.write(text);
        if (isHalf) return void response.socket?.resetAndDestroy();
      } while (!isFull && isBehind(state, watch, timers.nowMs()));
      if (watch.isOver) response.end();
      else if (!isFull) {
        const nowMs = timers.nowMs();
        cancelNext = timers.after(nextWatchMs(state, watch, nowMs) - nowMs, stream.pump);
      }
    },
    end: () => {
      cancelNext();
      watch.isOver = true;
      response.destroy();
    },
  };
  response.on("drain", () => {
    isFull = false;
    stream.pump();
  });
  return stream;
}
