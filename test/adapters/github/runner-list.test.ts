import { describe, expect, it } from "vitest";
import { type Answers, type Asked, connect, runnerJson, startStandIn } from "./stand-in.ts";

const ACME = { kind: "organization", organization: "acme" } as const;
const WIDGETS = { kind: "repository", owner: "acme", repository: "widgets" } as const;

/** A list of GitHub's, cut into pages. */
function page(asked: Asked, ids: readonly number[], total = ids.length): Answers {
  const size = Number(asked.query.get("per_page"));
  const number = Number(asked.query.get("page"));
  const shown = ids.slice((number - 1) * size, number * size);
  const hasNext = number * size < ids.length;
  const headers: Record<string, string> = hasNext ? { link: `<https://elsewhere.example/?page=2>; rel="next"` } : {};
  return { status: 200, headers, body: { total_count: total, runners: shown.map((id) => runnerJson(id)) } };
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe("a listing is complete", () => {
  it.each([0, 1, 100, 101, 250])("%i runners", async (count) => {
    const standIn = await startStandIn((asked) => page(asked, upTo(count)));
    const runners = await connect(standIn.apiUrl).github.listRunners(ACME);
    expect(runners.map(({ id }) => id)).toEqual(upTo(count));
    expect(standIn.asked).toHaveLength(Math.max(1, Math.ceil(count / 100)));
    expect(standIn.asked.every(({ path }) => path === "/orgs/acme/actions/runners")).toBe(true);
  });

  it("without Link headers too, by its count", async () => {
    const standIn = await startStandIn((asked) => {
      const answer = page(asked, upTo(150));
      return typeof answer === "string" ? answer : { ...answer, headers: {} };
    });
    await expect(connect(standIn.apiUrl).github.listRunners(WIDGETS)).resolves.toHaveLength(150);
    expect(standIn.asked[0]?.path).toBe("/repos/acme/widgets/actions/runners");
  });

  it("read again where one went between two pages, and moved another off the second", async () => {
    const standIn = await startStandIn((asked, count) => page(asked, count === 1 ? upTo(150) : upTo(150).slice(1)));
    const runners = await connect(standIn.apiUrl).github.listRunners(ACME);
    expect(runners.map(({ id }) => id)).toEqual(upTo(150).slice(1));
  });

  it("read again where one came between two pages", async () => {
    const standIn = await startStandIn((asked, count) => page(asked, upTo(count === 1 ? 150 : 151)));
    await expect(connect(standIn.apiUrl).github.listRunners(ACME)).resolves.toHaveLength(151);
  });
});

describe("a listing that is not complete is an error, never shorter", () => {
  it.each<readonly [string, (asked: Asked, count: number) => Answers]>([
    ["it shrinks each time", (asked, count) => page(asked, upTo(200 - count))],
    ["the total is more than comes", (asked) => page(asked, upTo(150), 151)],
    ["the total is less than comes", (asked) => page(asked, upTo(150), 149)],
    ["the same one comes twice", (asked) => page(asked, [...upTo(100), 100], 101)],
    ["the second page is empty", (asked) => page(asked, asked.query.get("page") === "1" ? upTo(100) : [], 150)],
    ["the second page fails", (asked) => (asked.query.get("page") === "1" ? page(asked, upTo(150)) : { status: 500 })],
    ["the second page is cut", (asked) => (asked.query.get("page") === "1" ? page(asked, upTo(150)) : "cut")],
    ["pages without end", (asked) => page(asked, upTo(25_000))],
  ])("%s", async (_name, answer) => {
    const standIn = await startStandIn(answer);
    const { github } = connect(standIn.apiUrl);
    await expect(github.listRunners(ACME)).rejects.toMatchObject({ code: "github-unavailable" });
    await expect(github.findRunner(ACME, "runner-1")).resolves.toMatchObject({ kind: "unknown" });
  });
});

describe("finding a runner by its name", () => {
  const three = [
    runnerJson(1, { name: "holdfast-t1", status: "online", busy: true, version: "2.336.0" }),
    runnerJson(2, { name: "holdfast-t11" }),
    runnerJson(3, { name: "HOLDFAST-T1" }),
  ];

  it("takes exactly this name, whatever the server's filter lets through", async () => {
    const standIn = await startStandIn(() => ({ status: 200, body: { total_count: 3, runners: three } }));
    const { github } = connect(standIn.apiUrl);
    await expect(github.findRunner(ACME, "holdfast-t1")).resolves.toMatchObject({
      kind: "present",
      value: { id: 1, name: "holdfast-t1", isOnline: true, isBusy: true, version: "2.336.0" },
    });
    await expect(github.findRunner(ACME, "holdfast-t")).resolves.toMatchObject({ kind: "absent" });
    expect(standIn.asked[0]?.query.get("name")).toBe("holdfast-t1");
  });

  it.each([
    ["offline", { status: "offline" }, { isOnline: false }],
    ["a status that is new counts as somebody there", { status: "draining" }, { isOnline: true }],
    ["never connected", { version: null }, { version: null }],
    ["no version at all, as older servers answer", { version: undefined }, { version: null }],
    ["an empty version", { version: "" }, { version: null }],
  ])("%s", async (_name, overrides, value) => {
    const body = { total_count: 1, runners: [runnerJson(1, { name: "x", ...overrides })] };
    const { apiUrl } = await startStandIn(() => ({ status: 200, body }));
    await expect(connect(apiUrl).github.findRunner(ACME, "x")).resolves.toMatchObject({ kind: "present", value });
  });
});
