import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runVersion } from "../../../src/app/commands/version.ts";
import { version } from "../../../src/app/version.ts";
import { type Listener, listen } from "../../../src/http/server.ts";
import { SCHEMA_NUMBER } from "../../../src/store/migrations/migrate.ts";
import { openStore } from "../../../src/store/store.ts";
import { clockAt } from "../../http/stand-ins.ts";
import { openScreen } from "./screen.ts";

const listeners: Listener[] = [];
let same = "";
let other = "";
let stranger = "";

async function serve(status: object): Promise<string> {
  const app = new Hono().get("/api/v1/status", (context) => context.json(status));
  const listener = await listen(app, { host: "127.0.0.1", port: 0 }, "operators", clockAt(0));
  listeners.push(listener);
  return `http://127.0.0.1:${listener.port}`;
}

beforeAll(async () => {
  same = await serve({ version });
  // As a version may answer that has another status.
  other = await serve({ version: "9.8.7\u001b[31m", fleet: [] });
  stranger = await serve({ status: "ok" });
});
afterAll(() => Promise.all(listeners.map((listener) => listener.close())));

async function told(server: string, json = false): Promise<string> {
  const io = openScreen();
  expect(await runVersion({ server, json }, io, "24.1.2")).toBe(0);
  return io.out();
}

describe("the version", () => {
  it("is told with Node's, the store's and the server's", async () => {
    const text = await told(same);
    expect(text).toContain(`holdfast  ${version}\nnode      24.1.2\nstore     schema ${SCHEMA_NUMBER}\n`);
    expect(text).toMatch(new RegExp(`server {4}${version} at ${same}\n$`));
  });

  it("of another server is told, and what that means", async () => {
    expect(await told(other)).toMatch(/server {4}9\.8\.7 at .*\n\nThis command is .* and the server 9\.8\.7: /);
  });

  it("is told without a server too, and why there is none", async () => {
    const text = await told(stranger);
    expect(text).toMatch(/server {4}none: something answered \(status 200\)/);
  });

  it("is there for programs", async () => {
    expect(JSON.parse(await told(same, true))).toEqual({
      version,
      node: "24.1.2",
      schema: SCHEMA_NUMBER,
      server: { url: same, version },
      serverProblem: null,
    });
    expect(JSON.parse(await told(stranger, true)).server).toBeNull();
  });

  it("is not told where what was written is wrong", async () => {
    const io = openScreen();
    expect(await runVersion({ server: "http://a b" }, io, "24.1.2")).toBe(2);
    expect(io.err()).toContain("Failed: reading --server");
  });
});

it("the schema is that of a store which this version opens", async () => {
  const store = await openStore("sqlite::memory:");
  const rows = await store.db.selectFrom("schema_migrations").select("number").execute();
  expect(Math.max(...rows.map(({ number }) => number))).toBe(SCHEMA_NUMBER);
  await store.close();
});
