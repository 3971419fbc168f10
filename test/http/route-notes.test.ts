import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { renderApiPage, servedApps } from "../../scripts/api-page.ts";
import { renderSchema } from "../../scripts/schema-table.ts";
import { ERRORS } from "../../src/domain/errors.ts";
import { codesOf, type RouteNote, routesOf, told } from "../../src/http/route-notes.ts";

const NOTE: RouteNote = { caller: "anybody", says: "It is there.", answer: "nothing" };

describe("the routes of an app", () => {
  it("are those that answer, each once, with what is said of them", () => {
    const app = new Hono().basePath("/api");
    app.use("*", (_context, next) => next());
    app.get("/here/:subject{.+}", told(NOTE), (context) => context.text("here"));
    app.post("/silent", (context) => context.text("said nothing"));
    expect(routesOf(app)).toEqual([
      { method: "GET", path: "/api/here/:subject", note: NOTE },
      { method: "POST", path: "/api/silent", note: null },
    ]);
  });

  it("answer as they did without it", async () => {
    const app = new Hono();
    app.get("/here", told(NOTE), (context) => context.text("here"));
    expect(await (await app.request("/here")).text()).toBe("here");
  });
});

describe("what is served", () => {
  const routes = Object.values(servedApps()).flatMap(routesOf);

  it("is all told of", () => {
    const silent = routes.filter(({ note }) => note === null).map(({ method, path }) => `${method} ${path}`);
    expect(silent).toEqual([]);
    expect(routes.length).toBeGreaterThanOrEqual(25);
  });

  it.each(routes.map((route) => [`${route.method} ${route.path}`, route.note] as const))(
    "%s is on the page",
    (name, note) => {
      const [, rest = ""] = renderApiPage().split(`\n### ${name}\n`);
      const section = rest.split(/\n##+ /)[0] ?? "";
      expect(section).toContain(note?.says);
      for (const code of note === null ? [] : codesOf(note)) {
        expect(section).toContain(`\`${code}\``);
        expect(ERRORS).toHaveProperty(code);
      }
    },
  );
});

describe("a schema as a table", () => {
  const render = (schema: z.ZodType, io: "input" | "output") => renderSchema(z.toJSONSchema(schema, { io }), io);

  it("has a row for every field, however deep", () => {
    const schema = z.object({
      at: z.iso.datetime(),
      name: z.string().nullable().describe("Null: nobody's"),
      pools: z.array(z.object({ max: z.int().min(1).max(9).nullable() })),
      subject: z.discriminatedUnion("kind", [
        z.object({ kind: z.literal("job"), id: z.int() }),
        z.object({ kind: z.literal("pool"), isOurs: z.boolean() }),
      ]),
    });
    expect(render(schema, "output").split("\n").slice(2, -1)).toEqual([
      "| `at` | time |  |",
      "| `name` | text or null | Null: nobody's |",
      "| `pools` | list of objects |  |",
      "| `pools[].max` | whole number, 1 to 9 or null |  |",
      "| `subject` | one of several objects |  |",
      "| `subject(kind: job).kind` | `job` |  |",
      "| `subject(kind: job).id` | whole number |  |",
      "| `subject(kind: pool).kind` | `pool` |  |",
      "| `subject(kind: pool).isOurs` | true or false |  |",
    ]);
  });

  it("says what may be left out of what goes in", () => {
    const schema = z.object({ limit: z.int().default(50), all: z.enum(["", "true"]).optional(), id: z.string() });
    expect(render(schema, "input").split("\n").slice(2, -1)).toEqual([
      "| `limit` | whole number | `50` unless given |",
      "| `all` | empty, `true` | May be left out |",
      "| `id` | text |  |",
    ]);
  });
});
