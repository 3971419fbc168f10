/** What the browser shows while an App is registered: pages for one person, on this computer, for some minutes. */
import { html } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";

type Page = HtmlEscapedString | Promise<HtmlEscapedString>;

const STYLE = `
  :root { color-scheme: light dark; }
  body { font: 1rem/1.6 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto 0; padding: 0 1.5rem; }
  h1 { font-size: 1.25rem; }
  button { font: inherit; padding: 0.4rem 1rem; }
`;

function layout(title: string, nonce: string, body: Page): Page {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<h1>${title}</h1>
${body}
</body>
</html>
`;
}

/** Posts the manifest to GitHub by itself; the button is for browsers without scripts. */
export function renderFormPage(action: string, manifest: string, nonce: string): Page {
  return layout(
    "Registering the GitHub App",
    nonce,
    html`<p>GitHub asks you to confirm the App's name. Everything else is filled in.</p>
<form method="post" action="${action}">
<input type="hidden" name="manifest" value="${manifest}">
<button>Go on to GitHub</button>
</form>
<script nonce="${nonce}">document.forms[0].submit();</script>`,
  );
}

export function renderDonePage(slug: string, installUrl: string, nonce: string): Page {
  return layout(
    `The App ${slug} is registered`,
    nonce,
    html`<p>Its private key is on its way to the computer that runs <code>holdfast init</code>.</p>
<p>One step is left here: <a href="${installUrl}">install the App</a>, for all repositories or for those whose jobs
Holdfast should run. Then go back to the terminal.</p>`,
  );
}

export function renderRefusalPage(title: string, sentence: string, nonce: string): Page {
  return layout(title, nonce, html`<p>${sentence}</p>`);
}
