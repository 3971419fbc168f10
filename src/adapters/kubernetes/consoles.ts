/** What a pod's containers wrote, read before the pod goes: after that nobody has it. */
import type { Consoles } from "../../ports/provider.ts";
import type { KubernetesClients } from "./client.ts";
import { readFailure, toUnavailable } from "./errors.ts";
import { demandPlace, readPod } from "./list.ts";
import { AGENT_CONTAINER, RUNNER_CONTAINER } from "./template.ts";

const LINES_MAX = 200;
const BYTES_MAX = 64 * 1024;
const LINE_LENGTH_MAX = 2_000;

export function createConsoles(clients: KubernetesClients): Consoles {
  return {
    isLasting: true,
    async readConsole(providerId) {
      const place = demandPlace(providerId);
      if ((await readPod({ clients }, place)) === null) return null;
      const { namespace, podName: name } = place;
      // The second one's output tells why the first one never began.
      for (const container of [RUNNER_CONTAINER, AGENT_CONTAINER]) {
        const lines = await readLog(clients, { namespace, name, container });
        if (lines !== null) return lines;
      }
      return null;
    },
  };
}

interface LogPlace {
  readonly namespace: string;
  readonly name: string;
  readonly container: string;
}

/** @returns null where it has written nothing, or has not started. */
async function readLog(clients: KubernetesClients, place: LogPlace): Promise<readonly string[] | null> {
  try {
    const text: string | undefined = await clients.core.readNamespacedPodLog({
      ...place,
      tailLines: LINES_MAX,
      limitBytes: BYTES_MAX,
    });
    if (text === undefined || text.trim() === "") return null;
    return text
      .trimEnd()
      .split(/\r?\n/)
      .slice(-LINES_MAX)
      .map((line) => line.slice(0, LINE_LENGTH_MAX));
  } catch (error) {
    const { trouble, status } = readFailure(error);
    // 400: "container … is waiting to start".
    if (trouble === "absent" || status === 400) return null;
    throw toUnavailable(error, `reading the log of pod ${place.namespace}/${place.name}`);
  }
}
