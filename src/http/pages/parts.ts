/** A page in parts: each is put in anew by itself where it changed, and all of them together are the page. */
import { html } from "hono/html";
import { withoutAges } from "./ages.ts";
import type { Html } from "./layout.ts";

export interface Part {
  /** Of its element, on the page. */
  readonly id: string;
  readonly html: Html;
}

export interface LivePage {
  readonly title: string;
  /** ISO instant of what is shown. */
  readonly now: string;
  readonly parts: readonly Part[];
  /** Nothing of it will change any more. */
  readonly isOver: boolean;
}

export function part(id: string, body: Html): Part {
  return { id, html: html`<div class="part" id="${id}">${body}</div>` };
}

/** A part as text, and what of it is to be compared. */
export interface RenderedPart {
  readonly id: string;
  readonly text: string;
  readonly essence: string;
}

export async function renderParts({ parts }: LivePage): Promise<readonly RenderedPart[]> {
  const rendered: RenderedPart[] = [];
  for (const { id, html: body } of parts) {
    const text = String(await body);
    rendered.push({ id, text, essence: withoutAges(text) });
  }
  return rendered;
}
