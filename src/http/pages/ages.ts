/** Ages and times to come, in elements by which the browser's script knows how they grow. */
import { html } from "hono/html";
import { formatAgo, formatBetween } from "../text/durations.ts";
import type { Html } from "./layout.ts";

/** `3m ago`. @param at, @param now ISO instants of one clock. */
export function renderAgo(at: string, now: string): Html {
  return html`<time datetime="${at}" data-age="ago">${formatAgo(at, now)}</time>`;
}

/** `3m`: for how long it has been so. */
export function renderFor(since: string, now: string): Html {
  return html`<time datetime="${since}" data-age="for">${formatBetween(since, now)}</time>`;
}

/** `in 3m`, and `now` once it is past. */
export function renderIn(at: string, now: string): Html {
  const text = Date.parse(at) <= Date.parse(now) ? "now" : `in ${formatBetween(now, at)}`;
  return html`<time datetime="${at}" data-age="in">${text}</time>`;
}

const AGE = /(<time[^>]* data-age="[a-z]+">)[^<]*/g;

/** What a part says apart from the time that passes. */
export function withoutAges(text: string): string {
  return text.replace(AGE, "$1");
}
