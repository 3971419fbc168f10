/**
 * GitHub's signature: HMAC-SHA256 over the raw bytes of the body. `@octokit/webhooks-methods` takes the body as a string,
 * so bytes that are no UTF-8 would be signed as something else than what was sent: hence `node:crypto`.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

const SIGNATURE = /^sha256=([0-9a-f]{64})$/i;

/**
 * @param header the value of `X-Hub-Signature-256`.
 * @returns the first key one of whose secrets signed these bytes. Every secret is tried whatever the outcome, so that the
 *   time it takes says nothing about which one was near.
 */
export function findSigner<Key>(
  bytes: Uint8Array,
  header: string | undefined,
  secretsByKey: Iterable<readonly [Key, readonly string[]]>,
): Key | null {
  const digest = SIGNATURE.exec(header ?? "")?.[1];
  if (digest === undefined) return null;
  const given = Buffer.from(digest, "hex");
  let signer: Key | null = null;
  for (const [key, secrets] of secretsByKey) {
    for (const secret of secrets) {
      const isSigner = timingSafeEqual(createHmac("sha256", secret).update(bytes).digest(), given);
      if (isSigner && signer === null) signer = key;
    }
  }
  return signer;
}
