/** Pages for people with a browser: rendered here, without any script, readable wherever HTML is. */
import { type Context, Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { formatInstant } from "../../domain/instant.ts";
import type { Telemetry } from "../../ports/telemetry.ts";
import type { MachinesAnswer } from "../operators/answers.ts";
import { type Operator, requireRole } from "../operators/auth.ts";
import { readExplanation } from "../operators/read-explanation.ts";
import { readJobs, readWaitingJobs } from "../operators/read-jobs.ts";
import { readMachines } from "../operators/read-machines.ts";
import { readStatus } from "../operators/read-status.ts";
import type { OperatorSources } from "../operators/sources.ts";
import { answerError } from "../problem.ts";
import { plainAnswer, plainText } from "../text/plain-text.ts";
import { renderExplainPage, renderNotFoundPage } from "./explain-page.ts";
import { ICON } from "./icon.ts";
import { explainHref } from "./layout.ts";
import { ROWS_MAX, renderStatusPage } from "./status-page.ts";
import { STYLE } from "./style.ts";

export interface PagesAppOptions {
  readonly operators: readonly Operator[];
  readonly sources: OperatorSources;
  readonly telemetry: Telemetry;
}

const RECENT_JOBS_COUNT = 10;
/** More than the page has rows for, so that those which want to be looked at are among them. */
const MACHINES_COUNT = 500;
/** The newest, whose ends are mostly the last ones. */
const ENDED_AMONG_COUNT = 100;
const ASSET_CACHE = "public, max-age=300";

export function createPagesApp({ operators, sources, telemetry }: PagesAppOptions): Hono {
  const app = new Hono();
  app.onError(answerError(telemetry));
  app.use("*", lockedDown());
  app.get("/assets/style.css", (context) =>
    context.body(STYLE, 200, { "content-type": "text/css; charset=utf-8", "cache-control": ASSET_CACHE }),
  );
  app.get("/assets/icon.svg", (context) =>
    context.body(ICON, 200, { "content-type": "image/svg+xml", "cache-control": ASSET_CACHE }),
  );
  const reader = requireRole(operators, "reader", "Basic");
  app.get("/", reader, async (context) => context.html(await statusPage(sources), 200, NOT_STORED));
  app.get("/explain", reader, (context) => {
    const subject = context.req.query("subject")?.trim() ?? "";
    return context.redirect(subject === "" ? "/" : explainHref(subject), 303);
  });
  app.get("/explain/:subject{.+}", reader, (context) => explainPage(context, sources));
  return app;
}

const NOT_STORED = { "cache-control": "no-store" };

function lockedDown() {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      styleSrc: ["'self'"],
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

async function statusPage(sources: OperatorSources) {
  const page = {
    status: await readStatus(sources),
    waiting: await readWaitingJobs(sources, ROWS_MAX),
    recent: await readJobs(sources, { limitCount: RECENT_JOBS_COUNT, statuses: ["in_progress", "completed"] }),
    machines: await readMachines(sources, { includeGone: false, limitCount: MACHINES_COUNT }),
    ended: await readEnded(sources),
  };
  return renderStatusPage(plainAnswer(page));
}

async function readEnded(sources: OperatorSources): Promise<MachinesAnswer> {
  const { now, machines } = await readMachines(sources, { includeGone: true, limitCount: ENDED_AMONG_COUNT });
  return { now, machines: machines.filter((machine) => machine.state === "gone") };
}

async function explainPage(context: Context, sources: OperatorSources): Promise<Response> {
  const subject = context.req.param("subject") ?? "";
  const answer = await readExplanation(sources, subject);
  if (answer !== null)
    return context.html(renderExplainPage(plainAnswer(answer), sources.controllerId), 200, NOT_STORED);
  const now = formatInstant(sources.clock.nowMs());
  return context.html(renderNotFoundPage(plainText(subject), sources.controllerId, now), 404, NOT_STORED);
}
