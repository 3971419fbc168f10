/** Whether a socket of our own answers: then others could have reached us. */
import { Agent, fetch } from "undici";
import { SECOND_MS } from "../../domain/units.ts";

const PROBE_TIMEOUT_MS = 3 * SECOND_MS;

export interface SelfProbe {
  /** Any answer counts, whatever its status. @param address `https://127.0.0.1:8081`. */
  answers(address: string): Promise<boolean>;
}

/** Its certificate is not looked at: it is made for the name that others use, and here only our own socket is asked. */
export function createSelfProbe(): SelfProbe {
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  return {
    answers: async (address) => {
      try {
        const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
        await (await fetch(`${address}/healthz`, { signal, dispatcher })).arrayBuffer();
        return true;
      } catch {
        return false;
      }
    },
  };
}
