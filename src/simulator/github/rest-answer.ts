import type { Json } from "./owner-payloads.ts";
import type { GitHubState } from "./state.ts";

/** A call on GitHub's REST interface, after authentication. */
export interface RestRequest {
  readonly method: string;
  /** Percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The parsed JSON body; undefined if there was none, `malformed` if it was not JSON. */
  readonly body: { readonly kind: "json"; readonly value: unknown } | { readonly kind: "none" | "malformed" };
  readonly caller: Caller;
}

export type Caller =
  | { readonly kind: "anonymous" }
  /** A bearer token that the simulator was started with, or one of an installation. */
  | { readonly kind: "token" }
  /** An App's JWT: good for `/app…` and `…/installation` only. */
  | { readonly kind: "app" };

export interface RestAnswer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  /** Null for an empty body. */
  readonly body: Json | null;
}

const DOCUMENTATION_URL = "https://docs.github.com/rest";

export function answer(status: number, body: Json | null, headers: RestAnswer["headers"] = {}): RestAnswer {
  return { status, body, headers };
}

export function refuse(status: number, message: string): RestAnswer {
  return answer(status, { message, documentation_url: DOCUMENTATION_URL });
}

export const NOT_FOUND = refuse(404, "Not Found");

const PAGE_SIZE_DEFAULT = 30;
const PAGE_SIZE_MAX = 100;

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly headers: { readonly [name: string]: string };
}

/** Cuts the page that `per_page` and `page` ask for, with GitHub's Link header. What is not a number counts as unset. */
export function paginate<Item>(state: GitHubState, request: RestRequest, all: readonly Item[]): Page<Item> {
  const perPage = Math.min(readCount(request.query.get("per_page"), PAGE_SIZE_DEFAULT), PAGE_SIZE_MAX);
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

function readCount(text: string | null, fallback: number): number {
  const value = text === null ? Number.NaN : Number(text);
  return Number.isSafeInteger(value) && value >= 1 ? value : fallback;
}

/** An id in a path, or null if it is not one. */
export function readId(text: string | undefined): number | null {
  if (text === undefined || !/^[1-9][0-9]{0,15}$/.test(text)) return null;
  return Number(text);
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
