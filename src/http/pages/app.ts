/** Pages for people with a browser: rendered here, readable wherever HTML is, and kept fresh by one small script where one runs. */
import { type Context, Hono } from "hono";
import { html } from "hono/html";
import { secureHeaders } from "hono/secure-headers";
import { formatInstant } from "../../domain/instant.ts";
import type { Telemetry } from "../../ports/telemetry.ts";
import { type Operator, requireRole } from "../operators/auth.ts";
import type { OperatorSources } from "../operators/sources.ts";
import { answerError, problem } from "../problem.ts";
import { plainText } from "../text/plain-text.ts";
import { ASSETS } from "./assets.ts";
import { renderNotFoundPage } from "./explain-page.ts";
import { explainHref, type Html, type Place, renderPage } from "./layout.ts";
import { LiveFeed } from "./live-feed.ts";
import type { LivePage } from "./parts.ts";
import { explainPage, safetyPage, statusPage } from "./read-page.ts";

export interface PagesAppOptions {
  readonly operators: readonly Operator[];
  readonly sources: OperatorSources;
  readonly telemetry: Telemetry;
}

const ASSET_CACHE = "public, max-age=300";
/** As the form's own field allows; an address of a job is far shorter. */
const SUBJECT_LENGTH_MAX = 500;

export function createPagesApp({ operators, sources, telemetry }: PagesAppOptions): Hono {
  const app = new Hono();
  const feed = new LiveFeed({ clock: sources.clock, telemetry });
  app.onError(answerError(telemetry));
  app.use("*", lockedDown());
  for (const [path, { type, read }] of Object.entries(ASSETS))
    app.get(`/assets/${path}`, (context) =>
      context.body(read(), 200, { "content-type": type, "cache-control": ASSET_CACHE }),
    );
  const reader = requireRole(operators, "reader", "Basic");
  app.get("/", reader, (context) => answerPage(context, sources, { place: "now", subject: null }));
  app.get("/safety", reader, (context) => answerPage(context, sources, { place: "safety", subject: null }));
  app.get("/explain", reader, (context) => {
    const subject = context.req.query("subject")?.trim() ?? "";
    if (subject !== "") return context.redirect(explainHref(subject), 303);
    return answerPage(context, sources, { place: "why", subject: "" });
  });
  app.get("/explain/:subject{.+}", reader, (context) =>
    answerPage(context, sources, { place: null, subject: context.req.param("subject") }),
  );
  app.get("/live", reader, (context) => answerStream(context, sources, feed));
  return app;
}

/** Which page, and of what: null for a page that is of no subject. */
interface Wanted {
  readonly place: Place | null;
  readonly subject: string | null;
}

const NOT_STORED = { "cache-control": "no-store" };

function lockedDown() {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      styleSrc: ["'self'"],
      scriptSrc: ["'self'"],
      connectSrc: ["'self'"],
      imgSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
    xFrameOptions: "DENY",
    referrerPolicy: "no-referrer",
    // Whether there is TLS in front of us is not ours to say.
    strictTransportSecurity: false,
  });
}

function readPage(sources: OperatorSources, { place, subject }: Wanted): Promise<LivePage | null> {
  if (place === "now") return statusPage(sources);
  if (place === "safety") return safetyPage(sources);
  return explainPage(sources, subject ?? "");
}

async function answerPage(context: Context, sources: OperatorSources, wanted: Wanted): Promise<Response> {
  const page = await readPage(sources, wanted);
  if (page !== null) return context.html(await frame(page, wanted, sources), 200, NOT_STORED);
  const now = formatInstant(sources.clock.nowMs());
  const subject = plainText(wanted.subject ?? "");
  return context.html(renderNotFoundPage(subject, sources.controllerId, now), 404, NOT_STORED);
}

async function frame(page: LivePage, { place, subject }: Wanted, sources: OperatorSources): Promise<Html> {
  const query = new URLSearchParams({ page: place ?? "subject", ...(subject !== null && { subject }) });
  return renderPage({
    title: page.title,
    controllerId: sources.controllerId,
    place,
    live: page.isOver ? null : `/live?${query}`,
    now: page.now,
    body: html`${page.parts.map((part) => part.html)}`,
  });
}

/** The stream that a page of ours asks for. */
function answerStream(context: Context, sources: OperatorSources, feed: LiveFeed): Response {
  const wanted = readWanted(context.req.query("page"), context.req.query("subject"));
  if (wanted === null) return problem("payload-invalid", "reading the query of /live, which names no page");
  const stream = feed.open(JSON.stringify([wanted.place, wanted.subject]), () => readPage(sources, wanted));
  if (stream === null) return problem("overloaded", "opening one more stream of a page");
  return context.body(stream, 200, { ...NOT_STORED, "content-type": "text/event-stream", "x-accel-buffering": "no" });
}

function readWanted(page: string | undefined, subject: string | undefined): Wanted | null {
  if ((subject ?? "").length > SUBJECT_LENGTH_MAX) return null;
  if (page === "now" || page === "safety") return { place: page, subject: null };
  if (page === "why") return { place: page, subject: "" };
  return page === "subject" && subject !== undefined && subject !== "" ? { place: null, subject } : null;
}
