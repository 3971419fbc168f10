/** The version of GitHub's runner that new machines get: what the settings fetch, or what the image's tag says. */
import { DescribeImagesCommand } from "@aws-sdk/client-ec2";
import { HOUR_MS } from "../../domain/units.ts";
import { TAG } from "../aws/tags.ts";
import type { Ec2Clients } from "./client.ts";
import type { Ec2ProviderOptions } from "./settings.ts";

const VERSION = /^\d+(?:\.\d+){1,3}$/;
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
      const { Images: images } = await clients.read.send(new DescribeImagesCommand({ ImageIds: [image] }));
      const text = images?.[0]?.Tags?.find(({ Key }) => Key === TAG.runnerVersion)?.Value ?? "";
      const version = VERSION.test(text) ? text : null;
      known = { version, untilMonotonicMs: clock.monotonicMs() + READ_AGAIN_MS };
      return version;
    } catch {
      return null;
    }
  };
}
