/** The page of the reference about everything that is served over HTTP but pages: written from the routes and their schemas. */
import type { Hono } from "hono";
import { z } from "zod";
import { parseControllerId } from "../src/domain/ids.ts";
import { createAgentApp } from "../src/http/agents/app.ts";
import { AgentTokens } from "../src/http/agents/token.ts";
import { createHealthApp } from "../src/http/health.ts";
import { createOperatorApp } from "../src/http/operators/app.ts";
import { statusOf } from "../src/http/problem.ts";
import { codesOf, type RouteCaller, type RouteNote, routesOf, type ToldRoute } from "../src/http/route-notes.ts";
import { createWebhookApp } from "../src/http/webhooks.ts";
import { renderSchema } from "./schema-table.ts";

/** Nobody calls the routes here: only what is said of them is read. */
const UNUSED = {} as never;

/** Every app that answers programs, by the heading that its routes get. */
export function servedApps(): Readonly<Record<string, Pick<Hono, "routes">>> {
  const common = { store: UNUSED, clock: UNUSED, wake: UNUSED, telemetry: UNUSED };
  const tokens = new AgentTokens(new Uint8Array(32), parseControllerId("reference"));
  return {
    Operators: createOperatorApp({ operators: [], sources: UNUSED, telemetry: UNUSED, wake: UNUSED }),
    Webhooks: createWebhookApp({ ...common, connections: new Map(), deliveries: UNUSED }),
    Agents: createAgentApp({ ...common, tokens, polls: UNUSED, hearing: UNUSED, pools: [] }),
    "Health and figures": createHealthApp({ readHealth: () => UNUSED, renderMetrics: async () => "" }),
  };
}

const INTRODUCTION = `Everything that Holdfast serves over HTTP, but for the pages. JSON in UTF-8; times are ISO 8601 in UTC, and \`now\` is the
server's own. The commands' \`--json\` prints what the operators' side answers, as it is.

A refusal has the status of its code and one shape: \`{"code", "message", "mend"}\`, in which \`message\` says what was attempted
and \`mend\` what to do. [Every code](errors.md). A body of another content type is refused with 415.

New fields may come at any time: whoever reads an answer leaves out what it does not know. A field's going, or another
meaning, changes the path's \`v1\`.`;

const CALLERS: Readonly<Record<RouteCaller, string>> = {
  anybody: "Anybody who reaches the address.",
  github: "Whoever signs with a webhook's secret.",
  agent: "A machine's agent, with its token: `Authorization: Bearer …`.",
  reader:
    "An operator of either role: `Authorization: Bearer …` with the token of `tokenFile`, Basic with name and token, or nobody's where one of `operators` is `anonymous`.",
  operator:
    "An operator whose role is `operator`. With Basic, or without a token, the header `X-Holdfast-Command` has to be there, with any value: no page of another site can send it.",
};

export function renderApiPage(): string {
  const origin =
    "<!-- Written by `npm run reference` from the routes of src/http and the schemas beside them. Change it there. -->";
  const sections = Object.entries(servedApps()).map(([heading, app]) => renderApp(heading, routesOf(app)));
  const callers = Object.entries(CALLERS).map(([caller, who]) => `| ${caller} | ${who} |`);
  const whoMay = `## Who may\n\n| | |\n|---|---|\n${callers.join("\n")}\n`;
  return `${origin}\n\n# API\n\n${INTRODUCTION}\n\n${renderCodes()}\n${whoMay}\n${sections.join("\n")}`;
}

function renderApp(heading: string, routes: readonly ToldRoute[]): string {
  const blocks = routes.flatMap(({ method, path, note }) => (note === null ? [] : [renderRoute(method, path, note)]));
  return `## ${heading}\n\n${blocks.join("\n")}`;
}

function renderRoute(method: string, path: string, note: RouteNote): string {
  const { caller, says, query, body, answer } = note;
  return [
    `### ${method} ${path}\n`,
    `${says}\n`,
    `**Who may:** [${caller}](#who-may).\n`,
    ...renderPart("Query", query, "input"),
    ...renderPart("Body", body, "input"),
    ...renderPart("Answer", answer, "output"),
    `**Refused with:** ${codesOf(note)
      .map((code) => `\`${code}\``)
      .join(", ")}\n`,
  ].join("\n");
}

function renderPart(title: string, part: z.ZodType | string | undefined, direction: "input" | "output"): string[] {
  if (part === undefined) return [];
  if (typeof part === "string") return [`**${title}:** ${part}.\n`];
  return [`**${title}**\n`, renderSchema(z.toJSONSchema(part, { io: direction, unrepresentable: "any" }), direction)];
}

function renderCodes(): string {
  const notes = Object.values(servedApps()).flatMap((app) => routesOf(app).map(({ note }) => note));
  const codes = [...new Set(notes.flatMap((note) => (note === null ? [] : codesOf(note))))].sort();
  const rows = codes.map((code) => `| ${statusOf(code)} | [\`${code}\`](errors.md#${code}) |`).sort();
  return `| status | codes |\n|---|---|\n${rows.join("\n")}\n`;
}
