import { Socket } from "node:net";
import type { AcquiredJob } from "./protocol.ts";
import type { ResolvedSettings } from "./stand-in-settings.ts";

/** What goes from the listener to its Worker, one JSON line each. Nothing comes back: the Worker's exit code says it all. */
export type WorkerMessage =
  | {
      readonly type: "NewJobRequest";
      readonly job: AcquiredJob;
      readonly serverUrl: string;
      readonly agentName: string;
      readonly workFolder: string;
      readonly settings: ResolvedSettings;
    }
  /** The job was cancelled at GitHub. */
  | { readonly type: "CancelRequest" }
  /** The listener is shutting down. */
  | { readonly type: "RunnerShutdown" };

/** The descriptors that the listener hands its Worker, named in the Worker's arguments: `spawnclient 3 4`. */
export const WORKER_INPUT = 3;
export const WORKER_OUTPUT = 4;

export function encodeMessage(message: WorkerMessage): string {
  return `${JSON.stringify(message)}\n`;
}

/**
 * Reads messages until the process ends. The end of the pipe is not the end of anything: a Worker whose listener was
 * killed goes on, as the real one does (StreamString.cs:25).
 */
export function readMessages(descriptor: number, onMessage: (message: WorkerMessage) => void): void {
  const pipe = new Socket({ fd: descriptor });
  let rest = "";
  pipe.setEncoding("utf8");
  pipe.on("error", () => {});
  pipe.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onMessage(JSON.parse(line) as WorkerMessage);
  });
}
