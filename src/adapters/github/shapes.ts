/** The parts of GitHub's answers that we use. What else is in them may change as it likes. */
import * as z from "zod";
import { parseRunnerId } from "../../domain/ids.ts";
import type { ObservedRunner } from "../../domain/observed.ts";

const RunnerShape = z
  .object({
    id: z.int().min(1),
    name: z.string(),
    status: z.string(),
    busy: z.boolean(),
    version: z.string().nullish(),
  })
  .transform(
    ({ id, name, status, busy, version }): ObservedRunner => ({
      id: parseRunnerId(id),
      name,
      // Only this word says that nobody is there.
      isOnline: status !== "offline",
      isBusy: busy,
      version: version || null,
    }),
  );

export const RunnerPageShape = z.object({ total_count: z.int().min(0), runners: z.array(RunnerShape) });

export const JitConfigShape = z.object({
  runner: z.object({ id: z.int().min(1) }),
  encoded_jit_config: z.string().min(1),
});

export const RunnerGroupPageShape = z
  .object({
    total_count: z.int().min(0),
    runner_groups: z.array(z.object({ id: z.int().min(1), name: z.string() })),
  })
  .transform((page) => ({ total: page.total_count, items: page.runner_groups }));

export const InstallationShape = z.object({ id: z.int().min(1) });

export const InstallationTokenShape = z.object({
  /** Of no particular length or form; but it has to fit into a header. */
  token: z.string().regex(/^[\x21-\x7e]+$/),
  expires_at: z.string(),
});

/** Where the shape differs, without what was found there: it may be a secret. */
export function describeMismatch(error: z.ZodError): Error {
  const places = error.issues.map(({ path, code }) => `${path.join(".") || "the answer"} (${code})`);
  return new Error(`the answer has another shape than we know: ${places.slice(0, 5).join(", ")}`);
}

/** What a refusal says; empty where it says nothing, or is no JSON. */
export function messageOf(json: unknown): string {
  if (typeof json !== "object" || json === null || !("message" in json)) return "";
  return typeof json.message === "string" ? json.message : "";
}
