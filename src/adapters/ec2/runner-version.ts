/** The version of GitHub's runner that new machines get: what the settings fetch, or what the image's tag says. */
import { HOUR_MS } from "../../domain/units.ts";
import { readImageVersion } from "../aws/image-version.ts";
import type { Ec2Clients } from "./client.ts";
import type { Ec2ProviderOptions } from "./settings.ts";

/** An image never changes, and its tags seldom do. */
const READ_AGAIN_MS = HOUR_MS;

export function createVersionReader(clients: Ec2Clients, options: Ec2ProviderOptions): () => Promise<string | null> {
  const { host, settings, clock } = options;
  const { image } = settings;
  let known: { readonly version: string | null; readonly untilMonotonicMs: number } | null = null;
  return async () => {
    if (host.runnerDownload !== null) return host.runnerDownload.version;
    if (image?.startsWith("ami-") !== true) return null;
    if (known !== null && clock.monotonicMs() < known.untilMonotonicMs) return known.version;
    try {
      const version = await readImageVersion(clients, image);
      known = { version, untilMonotonicMs: clock.monotonicMs() + READ_AGAIN_MS };
      return version;
    } catch {
      return null;
    }
  };
}
