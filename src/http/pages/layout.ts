import { html } from "hono/html";

export type Html = ReturnType<typeof html>;

/** The pages that stand in the navigation of every page. */
const PLACES = [
  { name: "now", href: "/", word: "Now" },
  { name: "safety", href: "/safety", word: "Safety" },
  { name: "why", href: "/explain", word: "Why" },
] as const;
export type Place = (typeof PLACES)[number]["name"];

export interface PageFrame {
  readonly title: string;
  readonly controllerId: string;
  /** Which page it is of those in the navigation; null for any other. */
  readonly place: Place | null;
  /** The stream of what changes on it; null where nothing will. */
  readonly live: string | null;
  /** ISO instant of what is shown. */
  readonly now: string;
  readonly body: Html;
}

/** How often a page asks for itself anew where no script runs. */
const REFRESH_SECONDS = 5;

/** The frame of every page. Whatever comes into it has been through `plainAnswer`, and `html` escapes it. */
export function renderPage(frame: PageFrame): Html {
  const { live, now } = frame;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta name="color-scheme" content="light dark" />
${live === null ? "" : html`<noscript><meta http-equiv="refresh" content="${REFRESH_SECONDS}" /></noscript>`}
<title>${frame.title} · Holdfast</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
<link rel="stylesheet" href="/assets/style.css" />
${live === null ? "" : html`<script src="/assets/idiomorph.js" defer></script><script src="/assets/http/pages/browser/live.ts" type="module"></script>`}
</head>
<body${live === null ? "" : html` data-live="${live}"`} data-now="${now}">
<a class="skip" href="#content">To the content</a>
<header class="top">
  <a class="brand" href="/"><img src="/assets/icon.svg" alt="" width="22" height="22" />Holdfast</a>
  <span class="mono quiet">${frame.controllerId}</span>
  <nav class="places" aria-label="Pages">${PLACES.map(({ name, href, word }) => html`<a href="${href}"${name === frame.place ? html` aria-current="page"` : ""}>${word}</a>`)}</nav>
  <form class="find" action="/explain" method="get" role="search">
    <label class="unseen" for="find">Explain a job, machine, runner or pool</label>
    <input id="find" name="subject" type="search" placeholder="Explain a job, machine, runner, pool" autocomplete="off" spellcheck="false" maxlength="500" />
  </form>
</header>
<main id="content">${frame.body}</main>
<footer>
  <span>${now.slice(0, 10)} <span class="mono" id="page-now">${now.slice(11, 19)}</span> UTC · <span id="live-status" role="status">${live === null ? "it will not change any more" : `as it was then; without scripts anew every ${REFRESH_SECONDS} s`}</span></span>
  <nav aria-label="For programs"><a href="/api/v1/status">JSON</a> <a href="/metrics">Metrics</a> <a href="/readyz">Readiness</a></nav>
</footer>
</body>
</html>`;
}

/** A sentence of a catalogue: what stands between backticks is a key of the configuration. */
export function renderSentence(sentence: string): Html {
  const parts = sentence.split("`");
  return html`${parts.map((part, index) => (index % 2 === 1 ? html`<code class="key">${part}</code>` : part))}`;
}

export function explainHref(subject: string | number): string {
  return `/explain/${encodeURIComponent(subject)}`;
}

/** Only an address that a browser may follow; a job's comes from GitHub's payload. */
export function isWebAddress(url: string): boolean {
  return /^https?:\/\//i.test(url);
}
