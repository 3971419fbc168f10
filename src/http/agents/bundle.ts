/**
 * The agent's own files, for machines that are computers of their own. No secret, so whoever asks gets them; a machine
 * checks them by the hash in their name, which its launch gave it.
 */
import type { Context } from "hono";
import { problem } from "../problem.ts";

export interface ServedBundle {
  /** A tar archive, gzipped. */
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

const PREFIX = "/agent/v1/bundle/";

export function bundlePath(sha256: string): string {
  return `${PREFIX}${sha256}.tar.gz`;
}

export const BUNDLE_ROUTE = `${PREFIX}:file`;

/** @param bundle null where no pool needs one. */
export function answerBundle(context: Context, bundle: ServedBundle | null): Response {
  const { path } = context.req;
  if (bundle === null || path !== bundlePath(bundle.sha256)) return problem("not-found", `fetching ${path}`);
  return new Response(Buffer.from(bundle.bytes), {
    headers: { "content-type": "application/gzip", "cache-control": "public, max-age=31536000, immutable" },
  });
}
