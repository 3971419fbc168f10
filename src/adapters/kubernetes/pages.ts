/** A listing to its last page, complete or an error. */
import { ProviderError } from "../../domain/errors.ts";

const PAGE_SIZE = 500;
const PAGES_MAX = 200;

interface Page<Item> {
  readonly items: readonly Item[];
  readonly metadata?: { readonly _continue?: string; readonly resourceVersion?: string };
}

export interface PageRequest {
  readonly limit: number;
  readonly _continue?: string;
}

/**
 * No `resourceVersion` is named, so the first page is as new as the question; the token that it gives holds the others to
 * the same moment, and one that has expired (410) fails the whole.
 */
export async function listPages<Item>(read: (page: PageRequest) => Promise<Page<Item>>): Promise<readonly Item[]> {
  const items: Item[] = [];
  let token = "";
  for (let count = 0; count < PAGES_MAX; count += 1) {
    const page = await read(token === "" ? { limit: PAGE_SIZE } : { limit: PAGE_SIZE, _continue: token });
    items.push(...page.items);
    token = page.metadata?._continue ?? "";
    if (token === "") return items;
  }
  const attempted = `listing more than ${PAGES_MAX * PAGE_SIZE} objects, which are more than a pool can have`;
  throw new ProviderError("provider-unavailable", attempted);
}
