/** Pages of answers that are long. */
import type { AsgAnswer } from "./api.ts";
import { AsgRefusal, demand } from "./errors.ts";

const PREFIX = "after:";

interface Paged {
  readonly MaxRecords?: number | undefined;
  readonly NextToken?: string | undefined;
}

/** @param most of one page, and of a page whose size is not given. */
export function pageAnswer(name: string, items: readonly AsgAnswer[], request: Paged, most: number): AsgAnswer {
  const { MaxRecords = most, NextToken } = request;
  demand(
    Number.isInteger(MaxRecords) && MaxRecords >= 1 && MaxRecords <= most,
    `1 validation error detected: Value '${MaxRecords}' at 'maxRecords' failed to satisfy constraint: Member must have value less than or equal to ${most}`,
  );
  const from = NextToken === undefined ? 0 : readToken(NextToken);
  const shown = items.slice(from, from + MaxRecords);
  const isLast = from + shown.length >= items.length;
  return { [name]: shown, NextToken: isLast ? undefined : writeToken(from + shown.length) };
}

function writeToken(index: number): string {
  return Buffer.from(`${PREFIX}${index}`).toString("base64url");
}

function readToken(token: string): number {
  const text = Buffer.from(token, "base64url").toString("utf8");
  const index = Number(text.slice(PREFIX.length));
  if (!text.startsWith(PREFIX) || !Number.isInteger(index) || index < 0)
    throw new AsgRefusal("InvalidNextToken", "The token is not valid.");
  return index;
}
