import type { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createPagesApp } from "../../../src/http/pages/app.ts";
import { openStore, type Store } from "../../../src/store/store.ts";
import { openSampleStore, sampleSources } from "../sample-fleet.ts";
import { recordTelemetry } from "../stand-ins.ts";

const EVERYONE = { name: "everyone", role: "reader", token: null } as const;
const BOB = { name: "bob", role: "reader", token: "bob-token-0123456789" } as const;

let store: Store;
let app: Hono;
beforeEach(async () => {
  store = await openSampleStore();
  app = pagesOver(store);
});
afterEach(() => store.close());

function pagesOver(
  over: Store,
  operators: Parameters<typeof createPagesApp>[0]["operators"] = [EVERYONE],
  pools?: [],
): Hono {
  const sources = sampleSources(over, pools && { pools });
  return createPagesApp({ operators, sources, telemetry: recordTelemetry() });
}

const get = async (path: string) => (await app.request(path)).text();

describe("every page", () => {
  it.each([
    ["/", 200],
    ["/safety", 200],
    ["/explain", 200],
    ["/explain/7", 200],
    ["/explain/43", 200],
    ["/explain/m-00000004", 200],
    ["/explain/pool%3Agpu", 200],
    ["/explain/nothing", 404],
  ])("%s runs no script but ours, asks nobody else for anything, and is shown in no frame", async (path, status) => {
    const response = await app.request(path);
    expect(response.status).toBe(status);
    const policy = response.headers.get("content-security-policy");
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toMatch(/unsafe|http|\*/);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    const html = await response.text();
    expect(html).not.toMatch(/<script>|<script [^>]*src="(?!\/)|style=|\son\w+=|javascript:/i);
    for (const [, address = ""] of html.matchAll(/(?:src|href)="([^"]*)"/g))
      expect(address).toMatch(/^(\/|#|https:\/\/github\.com\/)/);
  });

  it.each(["/", "/explain/43", "/explain/m-00000005"])("%s shows a hostile name as text", async (path) => {
    const html = await get(path);
    if (path !== "/explain/m-00000005") expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt;red");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there
    expect(html).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/);
  });

  it("links to no address but the web's", async () => {
    const { saveJob } = await import("../../../src/store/jobs/save.ts");
    const { findJobById } = await import("../../../src/store/jobs/load.ts");
    const [row] = await findJobById(store.db, 7 as never);
    if (row === undefined) throw new Error("the sample has job 7");
    await saveJob(store.db, { ...row, job: { ...row.job, htmlUrl: "javascript:alert(1)" } }, row.version, 0);
    expect(await get("/explain/7")).not.toContain("javascript:");
  });
});

describe("the status page", () => {
  it("shows pools, waiting jobs with their reasons, machines with their verdicts, and the ended with their proofs", async () => {
    const html = await get("/");
    for (const text of [
      '<meta http-equiv="refresh" content="5"',
      "Running, with trouble in pool gpu",
      "The last launch failed; the next is tried after a pause.",
      "Silence proves nothing, so it is kept.",
      "proof: parked",
      '<code class="key">machines.jobsPerMachine</code>',
      'href="/explain/m-00000002"',
      'href="/explain/pool%3Agpu"',
      "1 held by GitHub for approval",
    ])
      expect(html).toContain(text);
  });

  it("says what to do where there is nothing", async () => {
    const empty = await openStore("sqlite::memory:");
    app = pagesOver(empty, [EVERYONE], []);
    const html = await get("/");
    for (const text of [
      "No pools. Add one",
      "No job waits.",
      "No machines.",
      "No job has run yet.",
      "None has ended yet.",
    ])
      expect(html).toContain(text);
    await empty.close();
  });
});

describe("finding", () => {
  it.each([
    ["/explain?subject=7", "/explain/7"],
    [
      "/explain?subject=https%3A%2F%2Fgithub.com%2Fa%2Fb%2Factions%2Fruns%2F1%2Fjob%2F7",
      "/explain/https%3A%2F%2Fgithub.com%2Fa%2Fb%2Factions%2Fruns%2F1%2Fjob%2F7",
    ],
  ])("%s leads to %s", async (path, location) => {
    const response = await app.request(path);
    expect([response.status, response.headers.get("location")]).toEqual([303, location]);
  });

  it.each(["/explain?subject=+", "/explain"])("%s tells why nothing starts, in all pools", async (path) => {
    const html = await get(path);
    expect(html).toContain("Why nothing starts");
    expect(html).toContain("1 job waits for pool gpu: The last launch failed");
  });

  it("finds by the address of a job's page", async () => {
    expect(
      (await app.request(`/explain/${encodeURIComponent("https://github.com/acme/widgets/actions/runs/100/job/7")}`))
        .status,
    ).toBe(200);
  });

  it("says what was looked for where nothing is found", async () => {
    expect(await get("/explain/%3Cb%3E")).toContain("&lt;b&gt;");
  });
});

describe("where nobody may read without a token", () => {
  const ask = (path: string, authorization?: string) =>
    app.request(path, authorization === undefined ? {} : { headers: { authorization } });
  beforeEach(() => {
    app = pagesOver(store, [BOB]);
  });

  it.each(["/", "/safety", "/explain", "/explain/7", "/explain?subject=7", "/live?page=now"])(
    "%s makes a browser ask for name and token",
    async (path) => {
      const response = await ask(path);
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toMatch(/^Basic realm="holdfast"/);
    },
  );

  it("lets in whoever gives them", async () => {
    expect((await ask("/", `Basic ${btoa(`bob:${BOB.token}`)}`)).status).toBe(200);
    expect((await ask("/", `Basic ${btoa(`alice:${BOB.token}`)}`)).status).toBe(401);
  });

  it("gives the style sheet to anybody: it says nothing", async () => {
    expect((await ask("/assets/style.css")).headers.get("content-type")).toMatch(/^text\/css/);
    expect((await ask("/assets/icon.svg")).status).toBe(200);
    for (const script of ["idiomorph.js", "http/pages/browser/live.ts", "http/text/durations.ts", "domain/units.ts"]) {
      const response = await ask(`/assets/${script}`);
      expect(response.headers.get("content-type")).toMatch(/^text\/javascript/);
      expect(await response.text()).not.toMatch(/: string\b|import type|interface /);
    }
    expect((await ask("/assets/../app.ts")).status).toBe(404);
    expect((await ask("/assets/domain/permit.ts")).status).toBe(404);
  });
});
