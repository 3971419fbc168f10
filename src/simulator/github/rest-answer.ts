import type { TokenOption } from "./options.ts";
import type { Json } from "./owner-payloads.ts";
import type { App, GitHubState, Installation } from "./state.ts";

/** A call on GitHub's REST interface, after its credentials were looked at. */
export interface RestRequest {
  readonly method: string;
  /** Percent-encoded, below the base of REST, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The parsed JSON body; undefined if there was none, `malformed` if it was not JSON. */
  readonly body: { readonly kind: "json"; readonly value: unknown } | { readonly kind: "none" | "malformed" };
  readonly caller: Caller;
  /** The credential as it was sent: an ETag is good for it alone. Empty if there was none. */
  readonly bearer: string;
  readonly ifNoneMatch: string | null;
}

export type Caller =
  | { readonly kind: "anonymous" }
  /** Somebody whose credential is not taken, and what is said to him. */
  | { readonly kind: "refused"; readonly answer: RestAnswer }
  | { readonly kind: "token"; readonly token: TokenOption }
  | { readonly kind: "installation"; readonly installation: Installation }
  /** An App's JWT: good for `/app…` and `…/installation` only. */
  | { readonly kind: "app"; readonly app: App };

export interface RestAnswer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  /** Null for an empty body. */
  readonly body: Json | readonly Json[] | null;
}

const DOCUMENTATION_URL = "https://docs.github.com/rest";

export function answer(status: number, body: RestAnswer["body"], headers: RestAnswer["headers"] = {}): RestAnswer {
  return { status, body, headers };
}

export function refuse(status: number, message: string): RestAnswer {
  return answer(status, { message, documentation_url: DOCUMENTATION_URL });
}

export const BAD_CREDENTIALS = refuse(401, "Bad credentials");
export const NOT_FOUND = refuse(404, "Not Found");

const PAGE_SIZE_DEFAULT = 30;
const PAGE_SIZE_MAX = 100;

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly headers: { readonly [name: string]: string };
}

/** Cuts the page that `per_page` and `page` ask for, with GitHub's Link header. What is not a number counts as unset. */
export function paginate<Item>(state: GitHubState, request: RestRequest, all: readonly Item[]): Page<Item> {
  const perPage = readPageSize(request);
  const page = readCount(request.query.get("page"), 1);
  const pageCount = Math.max(1, Math.ceil(all.length / perPage));
  const link = (target: number, relation: string) => {
    const query = new URLSearchParams(request.query);
    query.set("per_page", String(perPage));
    query.set("page", String(target));
    return `<${state.apiUrl}${request.path}?${query}>; rel="${relation}"`;
  };
  const links: string[] = [];
  if (page > 1) links.push(link(Math.min(page - 1, pageCount), "prev"));
  if (page < pageCount) links.push(link(page + 1, "next"), link(pageCount, "last"));
  if (page > 1) links.push(link(1, "first"));
  const items = all.slice((page - 1) * perPage, page * perPage);
  return links.length === 0 ? { items, headers: {} } : { items, headers: { link: links.join(", ") } };
}

export function readPageSize(request: RestRequest): number {
  return Math.min(readCount(request.query.get("per_page"), PAGE_SIZE_DEFAULT), PAGE_SIZE_MAX);
}

function readCount(text: string | null, fallback: number): number {
  const value = text === null ? Number.NaN : Number(text);
  return Number.isSafeInteger(value) && value >= 1 ? value : fallback;
}

/** GitHub's ids of deliveries have 64 bits, more than a number holds: here they are bigints, on the wire numbers. */
export function renderJson(value: unknown): string {
  const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): object };
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === "bigint" ? rawJSON(String(part)) : part));
}

export function readLargeId(text: string | undefined): bigint | null {
  return text !== undefined && /^[1-9][0-9]{0,18}$/.test(text) ? BigInt(text) : null;
}

/** An id in a path, or null if it is not one. */
export function readId(text: string | undefined): number | null {
  if (text === undefined || !/^[1-9][0-9]{0,15}$/.test(text)) return null;
  return Number(text);
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
