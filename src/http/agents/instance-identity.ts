/**
 * Which instance an identity document speaks of: EC2 gives it to an instance through its metadata, signed (`rsa2048`), and
 * its signature holds by the certificate that AWS publishes for the region ("Verify the instance identity document", EC2
 * user guide). It has no age: a running instance keeps its document.
 */
import * as z from "zod";
import { openSigned } from "./signed-message.ts";

export interface InstanceIdentity {
  readonly instanceId: string;
  readonly region: string;
  readonly accountId: string;
}

/** Who vouches for the instances of a pool. */
export interface InstanceAuthority {
  readonly region: string;
  /** PEM of the certificates that EC2 signs with in that region. */
  readonly certificates: readonly string[];
}

const Document = z.object({
  instanceId: z.string().regex(/^i-[0-9a-f]{8,17}$/),
  region: z.string().min(1),
  accountId: z.string().regex(/^\d{12}$/),
});

/**
 * @param signed base64, with the line ends that the metadata service puts in.
 * @returns null unless one of the authorities signed it for its own region.
 */
export function readInstanceIdentity(
  signed: string,
  authorities: readonly InstanceAuthority[],
): InstanceIdentity | null {
  const bytes = Buffer.from(signed, "base64");
  for (const { region, certificates } of authorities) {
    const content = openSigned(bytes, certificates);
    const parsed = content === null ? null : Document.safeParse(parseJson(content));
    if (parsed?.success === true && parsed.data.region === region) return parsed.data;
  }
  return null;
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return null;
  }
}
