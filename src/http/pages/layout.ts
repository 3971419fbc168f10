import { html } from "hono/html";

export type Html = ReturnType<typeof html>;

export interface PageFrame {
  readonly title: string;
  readonly controllerId: string;
  /** Seconds after which the page asks for itself again; null where nothing will change. */
  readonly refreshSeconds: number | null;
  /** ISO instant of what is shown. */
  readonly now: string;
  readonly body: Html;
}

/** The frame of every page. Whatever comes into it has been through `plainAnswer`, and `html` escapes it. */
export function renderPage(frame: PageFrame): Html {
  const { refreshSeconds } = frame;
  const refresh = refreshSeconds === null ? "" : html`<meta http-equiv="refresh" content="${refreshSeconds}" />`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta name="color-scheme" content="light dark" />
${refresh}
<title>${frame.title} · Holdfast</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
<link rel="stylesheet" href="/assets/style.css" />
</head>
<body>
<header class="top">
  <a class="brand" href="/"><img src="/assets/icon.svg" alt="" width="22" height="22" />Holdfast</a>
  <span class="mono quiet">${frame.controllerId}</span>
  <form class="find" action="/explain" method="get" role="search">
    <label class="unseen" for="subject">Explain a job, machine or runner</label>
    <input id="subject" name="subject" type="search" placeholder="Explain: job URL or id, machine, runner" autocomplete="off" spellcheck="false" maxlength="500" />
  </form>
</header>
<main>${frame.body}</main>
<footer>
  <span>${frame.now.slice(0, 10)} <span class="mono">${frame.now.slice(11, 19)}</span> UTC${refreshSeconds === null ? "" : `, anew every ${refreshSeconds} s`}</span>
  <nav><a href="/api/v1/status">JSON</a> <a href="/metrics">Metrics</a> <a href="/readyz">Readiness</a></nav>
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
