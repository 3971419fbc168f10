/** Whether something answers at an address of our own. */
import { get as getHttp } from "node:http";
import { get as getHttps } from "node:https";

/**
 * Any answer counts. The certificate does not: it names the address that others use, and nothing is told or believed here.
 * @param url `https://127.0.0.1:8081/healthz`
 */
export function isAnswering(url: string, timeoutMs: number): Promise<boolean> {
  const signal = AbortSignal.timeout(timeoutMs);
  return new Promise((resolve) => {
    const options = { signal, agent: false };
    const request = url.startsWith("https:")
      ? getHttps(url, { ...options, rejectUnauthorized: false })
      : getHttp(url, options);
    request.once("response", (response) => {
      response.resume();
      resolve(true);
    });
    request.on("error", () => resolve(false));
  });
}
