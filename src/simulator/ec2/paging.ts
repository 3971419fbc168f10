/** Pages of a listing. A token names the place after the page's last item, so that nothing is shown twice or left out. */
import type { Ec2Answer } from "./api.ts";
import { demandValue, Ec2Refusal } from "./errors.ts";

const MOST = 1_000;
const LEAST = 5;
const PREFIX = "after:";

interface Paged {
  readonly MaxResults?: number | undefined;
  readonly NextToken?: string | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Undefined at the end. */
  readonly NextToken: string | undefined;
}

/** @param items by their numbers, which rise. */
export function pageOf<Item>(
  items: readonly Item[],
  numberOf: (item: Item, index: number) => number,
  { MaxResults, NextToken }: Paged,
): Page<Item> {
  if (MaxResults !== undefined)
    demandValue(
      Number.isInteger(MaxResults) && MaxResults >= LEAST && MaxResults <= MOST,
      `Value ( ${MaxResults} ) for parameter maxResults is invalid. Expecting a value between ${LEAST} and ${MOST}.`,
    );
  const after = NextToken === undefined ? Number.NEGATIVE_INFINITY : readToken(NextToken);
  const rest = items.filter((item, index) => numberOf(item, index) > after);
  const shown = rest.slice(0, MaxResults ?? MOST);
  const last = shown.at(-1);
  const isLast = shown.length === rest.length || last === undefined;
  return { items: shown, NextToken: isLast ? undefined : writeToken(numberOf(last, items.indexOf(last))) };
}

/** The same for things that have no numbers of their own. */
export function pageAnswer(name: string, items: readonly Ec2Answer[], request: Paged): Ec2Answer {
  const page = pageOf(items, (_item, index) => index, request);
  return { [name]: page.items, NextToken: page.NextToken };
}

function writeToken(number: number): string {
  return Buffer.from(`${PREFIX}${number}`).toString("base64url");
}

function readToken(token: string): number {
  const text = Buffer.from(token, "base64url").toString("utf8");
  const number = Number(text.slice(PREFIX.length));
  if (!text.startsWith(PREFIX) || !Number.isInteger(number))
    throw new Ec2Refusal("InvalidNextToken", "The specified NextToken is not valid.");
  return number;
}
