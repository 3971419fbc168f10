import { describe, expect, it } from "vitest";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import type { Hook } from "../../../src/ports/github-hooks.ts";
import { restContract } from "../../contracts/github/contract.ts";
import { START_MS } from "../../domain/builders.ts";
import { type Answering, ok, page, type Routes, refusal, startReading, upTo } from "./reading-stand-in.ts";
import type { Answers } from "./stand-in.ts";

const ACME = { kind: "organization", organization: "acme" } as const;
const OTHER = { kind: "organization", organization: "other" } as const;
const WIDGETS = { kind: "repository", owner: "acme", repository: "widgets" } as const;
const BIG = { kind: "enterprise", enterprise: "big" } as const;
const OURS = "https://ci.acme.example/webhooks/github";
const APP_HOOK: Hook = {
  path: "/app/hook",
  url: OURS,
  contentType: "json",
  isCertificateChecked: true,
  isActive: true,
  events: ["workflow_job"],
};
const ACME_HOOK: Hook = { ...APP_HOOK, path: "/orgs/acme/hooks/17" };
const DELIVERIES = "/app/hook/deliveries";

function hookJson(id: number, overrides: Readonly<Record<string, unknown>> = {}) {
  const config = { url: OURS, content_type: "json", insecure_ssl: "0", secret: "********" };
  return { id, active: true, events: ["workflow_job"], config, ...overrides };
}

function delivery(number: number, overrides: Readonly<Record<string, unknown>> = {}) {
  return {
    id: number,
    guid: `guid-${number}`,
    delivered_at: new Date(START_MS - number * MINUTE_MS).toISOString(),
    redelivery: false,
    duration: 0.3,
    status: "OK",
    status_code: 202,
    event: "workflow_job",
    action: "queued",
    installation_id: null,
    repository_id: null,
    throttled_at: null,
    ...overrides,
  };
}

/** As GitHub cuts them: by a cursor, which only the link tells. */
function log(all: readonly unknown[]): Answering {
  return (asked) => {
    const size = Number(asked.query.get("per_page"));
    const start = Number(asked.query.get("cursor")?.replace("v1_", "") ?? 0);
    const next = new URLSearchParams(asked.query);
    next.set("cursor", `v1_${start + size}`);
    const link = `<https://elsewhere.example/x?${next}>; rel="next"`;
    return ok(all.slice(start, start + size), start + size < all.length ? { link } : {});
  };
}

describe("the hooks of an App", () => {
  it("are its own, with its events", async () => {
    const { hooks } = await startReading(
      {
        "/app/hook/config": ok({ url: OURS, content_type: "form", insecure_ssl: 1, secret: "********" }),
        "/app": ok({ slug: "x", name: "x", permissions: {}, events: ["workflow_job", "ping"] }),
      },
      "app",
    );
    await expect(hooks.findHooks([ACME], "https://elsewhere.example")).resolves.toEqual([
      { ...APP_HOOK, contentType: "form", isCertificateChecked: false, events: ["workflow_job", "ping"] },
    ]);
  });

  it.each([
    ["no address", ok({})],
    ["an empty address", ok({ url: "" })],
    ["null", ok({ url: null, content_type: null, insecure_ssl: null })],
    ["404", refusal(404)],
  ])("are none where the App has none: %s", async (_name, config) => {
    const app = { slug: "x", name: "x", permissions: {}, events: [] };
    const { hooks } = await startReading({ "/app/hook/config": config, "/app": ok(app) }, "app");
    await expect(hooks.findHooks([], OURS)).resolves.toEqual([]);
  });
});

describe("the hooks that a token may read", () => {
  it("are those of the scopes that lead to us, all pages, each scope asked once", async () => {
    const elsewhere = (url: string | null) => ({ config: { url, content_type: "json", insecure_ssl: "0" } });
    const all = [
      ...upTo(100).map((id) => hookJson(id, elsewhere(`https://elsewhere.example/${id}`))),
      hookJson(101),
      hookJson(102, { ...elsewhere(`${OURS}/main`), active: false, events: ["push"] }),
      hookJson(103, elsewhere(`${OURS}-old`)),
      hookJson(104, elsewhere(null)),
      hookJson(105, elsewhere(`${OURS}?x=1`)),
    ];
    const reading = await startReading({
      "/orgs/acme/hooks": (asked) => page(asked, all, (shown) => shown),
      "/repos/acme/widgets/hooks": ok([hookJson(7)]),
    });
    const scopes = [ACME, WIDGETS, BIG, { ...ACME, organization: "ACME" }];
    await expect(reading.hooks.findHooks(scopes, `${OURS}/`)).resolves.toEqual([
      { ...APP_HOOK, path: "/orgs/acme/hooks/101" },
      { ...APP_HOOK, path: "/orgs/acme/hooks/102", url: `${OURS}/main`, isActive: false, events: ["push"] },
      { ...APP_HOOK, path: "/orgs/acme/hooks/105", url: `${OURS}?x=1` },
      { ...APP_HOOK, path: "/repos/acme/widgets/hooks/7" },
    ]);
    expect(reading.asked).toHaveLength(3);
  });

  it("GitHub's own example", async () => {
    const { "200": example } = restContract.calls["GET /orgs/{org}/hooks"]!.examples;
    const { hooks } = await startReading({ "/orgs/acme/hooks": ok(example) });
    await expect(hooks.findHooks([ACME], "http://example.com")).resolves.toMatchObject([
      { path: "/orgs/acme/hooks/1", contentType: "json", isActive: true },
    ]);
  });

  it.each<readonly [string, Routes]>([
    ["403", { "/orgs/acme/hooks": refusal(403) }],
    ["404, which is how GitHub hides them", { "/orgs/acme/hooks": refusal(404) }],
  ])("may be none: %s is told", async (_name, routes) => {
    const { hooks } = await startReading(routes);
    const error = { code: "github-forbidden", message: "listing the webhooks of /orgs/acme" };
    await expect(hooks.findHooks([ACME], OURS)).rejects.toMatchObject(error);
  });

  it("are told though those of another scope may not be read", async () => {
    const { hooks } = await startReading({ "/orgs/acme/hooks": ok([hookJson(17)]), "/orgs/other/hooks": refusal(404) });
    await expect(hooks.findHooks([OTHER, ACME], OURS)).resolves.toMatchObject([{ path: "/orgs/acme/hooks/17" }]);
  });

  it("are not told in part where a look failed", async () => {
    const { hooks } = await startReading({ "/orgs/acme/hooks": ok([hookJson(17)]), "/orgs/other/hooks": refusal(500) });
    await expect(hooks.findHooks([ACME, OTHER], OURS)).rejects.toMatchObject({ code: "github-unavailable" });
  });

  it("are none for an enterprise, whose list GitHub does not give", async () => {
    const { hooks, asked } = await startReading({});
    await expect(hooks.findHooks([BIG], OURS)).resolves.toEqual([]);
    expect(asked).toEqual([]);
  });
});

describe("the deliveries of a hook", () => {
  it("newest first, as far back as asked, on the cursors of the links", async () => {
    const reading = await startReading({ [DELIVERIES]: log(upTo(500).map((number) => delivery(number))) }, "app");
    const found = await reading.hooks.listDeliveries(APP_HOOK, START_MS - 150 * MINUTE_MS, 1_000);
    expect(found.map(({ id }) => id)).toEqual(upTo(150).map(String));
    expect(reading.paths()).toEqual([`${DELIVERIES}?per_page=100`, `${DELIVERIES}?per_page=100&cursor=v1_100`]);
  });

  it("at most so many", async () => {
    const reading = await startReading({ [DELIVERIES]: log(upTo(500).map((number) => delivery(number))) }, "app");
    await expect(reading.hooks.listDeliveries(APP_HOOK, 0, 120)).resolves.toHaveLength(120);
    expect(reading.paths()).toHaveLength(2);
    await expect(reading.hooks.listDeliveries(APP_HOOK, 0, 0)).resolves.toEqual([]);
    expect(reading.paths()).toHaveLength(2);
  });

  it("and no more than 10,000, were the log without end", async () => {
    const hundred = upTo(100).map((number) => delivery(number));
    const endless: Answering = (_asked, count) =>
      ok(hundred, { link: `<https://elsewhere.example/x?cursor=v1_${count}>; rel="next"` });
    const reading = await startReading({ [DELIVERIES]: endless }, "app");
    await expect(reading.hooks.listDeliveries(APP_HOOK, 0, 1_000_000)).resolves.toHaveLength(10_000);
  });

  it("one that is out of order does not end the reading", async () => {
    const all = [delivery(1), delivery(9_999), delivery(2), ...upTo(97).map(() => delivery(3)), delivery(4)];
    const { hooks } = await startReading({ [DELIVERIES]: log(all) }, "app");
    const found = await hooks.listDeliveries(APP_HOOK, START_MS - HOUR_MS, 1_000);
    expect(found).toHaveLength(100);
    expect(found.map(({ id }) => id)).toContain("4");
  });

  it.each([-DAY_MS, 5 * MINUTE_MS])("by our clock, which is %i ms off GitHub's", async (offMs) => {
    const sent = delivery(1, { delivered_at: new Date(START_MS - offMs).toISOString() });
    const date = new Date(START_MS - offMs).toUTCString();
    const { hooks } = await startReading({ [DELIVERIES]: ok([sent], { date }) }, "app");
    const found = await hooks.listDeliveries(APP_HOOK, START_MS - MINUTE_MS, 10);
    expect(found.map(({ deliveredAtMs }) => Math.abs(deliveredAtMs - START_MS) < SECOND_MS)).toEqual([true]);
  });

  it.each(["0", "9007199254740991", "9007199254740993", "170000000000000001", "9223372036854775807"])(
    "with their numbers as they are: %s",
    async (id) => {
      const text = JSON.stringify([delivery(0)]).replace('"id":0', `"id": ${id === "0" ? "1" : id}`);
      const { hooks } = await startReading({ [DELIVERIES]: { status: 200, body: text } }, "app");
      const found = await hooks.listDeliveries(APP_HOOK, 0, 10);
      expect(found.map((one) => one.id)).toEqual([id === "0" ? "1" : id]);
    },
  );

  it("with all that GitHub says of an attempt, and without what it leaves out", async () => {
    const plain = { id: 2, guid: "guid-2", delivered_at: "2026-01-01T00:00:00Z", event: "ping", action: null };
    const failed = { status: "failed to connect to host", status_code: 502, redelivery: true };
    const { hooks } = await startReading({ [DELIVERIES]: ok([delivery(1, failed), plain]) }, "app");
    const [first, second] = await hooks.listDeliveries(APP_HOOK, 0, 10);
    expect(first).toEqual({
      id: "1",
      guid: "guid-1",
      deliveredAtMs: START_MS - MINUTE_MS,
      isRedelivery: true,
      statusCode: 502,
      status: "failed to connect to host",
      event: "workflow_job",
      action: "queued",
    });
    expect(second).toMatchObject({ isRedelivery: false, statusCode: 0, status: "", action: null });
  });

  it.each(["GET /app/hook/deliveries", "GET /orgs/{org}/hooks/{hook_id}/deliveries"])(
    "GitHub's own example: %s",
    async (call) => {
      const { hooks } = await startReading({ [DELIVERIES]: ok(restContract.calls[call]!.examples["200"]) }, "app");
      await expect(hooks.listDeliveries(APP_HOOK, 0, 10)).resolves.toMatchObject([{ id: "12345678" }, {}]);
    },
  );

  it.each<readonly [string, Hook, string]>([
    ["an organization's", ACME_HOOK, "/orgs/acme/hooks/17/deliveries"],
    ["a repository's", { ...APP_HOOK, path: "/repos/acme/widgets/hooks/7" }, "/repos/acme/widgets/hooks/7/deliveries"],
  ])("of %s hook, with a token", async (_name, hook, path) => {
    const { hooks } = await startReading({ [path]: log([delivery(1)]) });
    await expect(hooks.listDeliveries(hook, 0, 10)).resolves.toHaveLength(1);
  });
});

describe("the failed deliveries", () => {
  const all = [
    delivery(1),
    delivery(2, { status_code: 503 }),
    delivery(3, { status_code: 401 }),
    delivery(4, { status_code: 302 }),
    delivery(5, { status_code: 0 }),
    delivery(6, { status_code: 200 }),
    delivery(7, { status_code: 500 }),
  ];

  it("are asked for, and sorted out where the server does not know the question", async () => {
    const reading = await startReading({ [DELIVERIES]: log(all) }, "app");
    const found = await reading.hooks.listFailedDeliveries(APP_HOOK, START_MS - 6 * MINUTE_MS, 100);
    expect(found.map(({ id }) => id)).toEqual(["2", "3", "4", "5"]);
    // The second finds those without any status, which GitHub's filter leaves out.
    expect(reading.paths()).toEqual([`${DELIVERIES}?status=failure&per_page=100`, `${DELIVERIES}?per_page=100`]);
  });

  it("out of so many that are read", async () => {
    const { hooks } = await startReading({ [DELIVERIES]: log(all) }, "app");
    await expect(hooks.listFailedDeliveries(APP_HOOK, 0, 3)).resolves.toHaveLength(2);
  });
});

describe("one delivery", () => {
  const id = "9007199254740993";

  it("is asked for again, by its exact number", async () => {
    const path = `${DELIVERIES}/${id}/attempts`;
    const reading = await startReading({ [path]: { status: 202, body: {} } }, "app");
    await reading.hooks.redeliver(APP_HOOK, id);
    expect(reading.asked.map(({ method, path: asked, body }) => [method, asked, body])).toEqual([
      ["POST", path, undefined],
    ]);
  });

  it.each<readonly [string, Answers, string]>([
    ["too old", refusal(404), "github-not-found"],
    ["not allowed", refusal(403), "github-forbidden"],
    ["refused", refusal(422), "github-invalid"],
    ["a server error", refusal(500), "github-unavailable"],
  ])("is not sent again: %s", async (_name, answer, code) => {
    const { hooks } = await startReading({ [`/orgs/acme/hooks/17/deliveries/${id}/attempts`]: answer });
    await expect(hooks.redeliver(ACME_HOOK, id)).rejects.toMatchObject({ name: "GitHubError", code });
  });

  it.each<readonly [string, Answers, unknown]>([
    ["as it was sent", ok({ id: 1, request: { headers: {}, payload: { action: "queued" } } }), { action: "queued" }],
    ["no longer kept", ok({ id: 1, request: { headers: null, payload: null } }), null],
    ["no request", ok({ id: 1 }), null],
    ["too old", refusal(404), null],
    ["too old, in a proxy's words", { status: 404, body: "<html>Not found</html>" }, null],
  ])("its payload: %s", async (_name, answer, payload) => {
    const { hooks } = await startReading({ [`${DELIVERIES}/${id}`]: answer }, "app");
    await expect(hooks.readPayload(APP_HOOK, id)).resolves.toEqual(payload);
  });

  it.each(["", "x", "1/../../installations", "-1", "1e5"])("is named by a number: %o is none", async (wrong) => {
    const { hooks, asked } = await startReading({}, "app");
    await expect(hooks.redeliver(APP_HOOK, wrong)).rejects.toMatchObject({ code: "github-invalid" });
    await expect(hooks.readPayload(APP_HOOK, wrong)).rejects.toMatchObject({ code: "github-invalid" });
    expect(asked).toEqual([]);
  });
});

describe("refused", () => {
  it.each<readonly [string, Answers, string]>([
    ["the log may not be read", refusal(403), "github-forbidden"],
    ["there is no such hook", refusal(404), "github-not-found"],
    ["a cut page", "cut", "github-unavailable"],
    ["an object", ok({ deliveries: [] }), "github-invalid"],
    ["a delivery without a guid", ok([delivery(1, { guid: undefined })]), "github-invalid"],
    ["a guid that could be a path", ok([delivery(1, { guid: "../x" })]), "github-invalid"],
    ["a time that is none", ok([delivery(1, { delivered_at: "yesterday" })]), "github-invalid"],
    ["a number with a fraction", ok([delivery(1, { id: 1.5 })]), "github-invalid"],
  ])("%s", async (_name, answer, code) => {
    const { hooks } = await startReading({ [DELIVERIES]: answer }, "app");
    await expect(hooks.listDeliveries(APP_HOOK, 0, 10)).rejects.toMatchObject({ name: "GitHubError", code });
  });

  it("the second page fails: no half of the log", async () => {
    const all = log(upTo(150).map((number) => delivery(number)));
    const answer: Answering = (asked, count) => (count === 2 ? refusal(500) : all(asked, count));
    const { hooks } = await startReading({ [DELIVERIES]: answer }, "app");
    await expect(hooks.listDeliveries(APP_HOOK, 0, 1_000)).rejects.toMatchObject({ code: "github-unavailable" });
  });

  it.each(["/app", "/orgs/acme/hooks", "/orgs/acme/hooks/x", "/orgs/../hooks/1", "https://elsewhere.example"])(
    "a hook that is nowhere: %s",
    async (path) => {
      const { hooks, asked } = await startReading({});
      const hook = { ...APP_HOOK, path };
      await expect(hooks.listDeliveries(hook, 0, 10)).rejects.toMatchObject({ code: "github-invalid" });
      expect(asked).toEqual([]);
    },
  );

  it("the App's own hook with a token", async () => {
    const { hooks } = await startReading({});
    await expect(hooks.listDeliveries(APP_HOOK, 0, 10)).rejects.toMatchObject({ code: "github-forbidden" });
  });
});
