/** GitHub's refusals and breakages, one file for each shape, as they were published. See README.md. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface RecordedFailure {
  /** `403-suspended-installation` */
  readonly name: string;
  /** Where the words were published; "none published" says that the shape is ours. */
  readonly source: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A text is sent as it is; null is no body. */
  readonly body: unknown;
}

const FOLDER = join(import.meta.dirname, "failures");

export const RECORDED_FAILURES: readonly RecordedFailure[] = readdirSync(FOLDER)
  .sort()
  .map((file) => {
    const recorded = JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as Omit<RecordedFailure, "name">;
    return { name: file.replace(/\.json$/, ""), ...recorded };
  });

export function answerOf({ status, headers, body }: RecordedFailure): Response {
  const text = body === null || typeof body === "string" ? body : JSON.stringify(body);
  return new Response(text, { status, headers });
}
