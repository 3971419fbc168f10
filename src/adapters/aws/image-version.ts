import { DescribeImagesCommand } from "@aws-sdk/client-ec2";
import type { Ec2Reader } from "./ec2-clients.ts";
import { TAG } from "./tags.ts";

const VERSION = /^\d+(?:\.\d+){1,3}$/;

/** The version of GitHub's runner in an image, as its tag says; null where it says none. */
export async function readImageVersion({ read }: Ec2Reader, image: string): Promise<string | null> {
  const { Images: images } = await read.send(new DescribeImagesCommand({ ImageIds: [image] }));
  const text = images?.[0]?.Tags?.find(({ Key }) => Key === TAG.runnerVersion)?.Value ?? "";
  return VERSION.test(text) ? text : null;
}
