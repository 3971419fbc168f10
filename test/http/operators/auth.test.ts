import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { type Operator, type Role, requireRole } from "../../../src/http/operators/auth.ts";

const ALICE: Operator = { name: "alice", role: "operator", token: "alice-token-0123456789" };
const BOB: Operator = { name: "bob", role: "reader", token: "bob-token-0123456789" };
const EVERYONE: Operator = { name: "everyone", role: "reader", token: null };

const basic = (name: string, token: string) => `Basic ${Buffer.from(`${name}:${token}`).toString("base64")}`;

async function ask(operators: readonly Operator[], role: Role, authorization?: string) {
  const app = new Hono().use(requireRole(operators, role, "Bearer")).get("/", (context) => context.text("in"));
  const headers = authorization === undefined ? {} : { authorization };
  return app.request("/", { headers });
}

describe("who gets in", () => {
  const named = [ALICE, BOB];
  const open = [ALICE, BOB, EVERYONE];
  it.each<[string, readonly Operator[], Role, string | undefined, number]>([
    ["a reader who may read", named, "reader", `Bearer ${BOB.token}`, 200],
    ["an operator who reads", named, "reader", `Bearer ${ALICE.token}`, 200],
    ["an operator who acts", named, "operator", `Bearer ${ALICE.token}`, 200],
    ["a reader who acts", named, "operator", `Bearer ${BOB.token}`, 403],
    ["nobody in particular", named, "reader", undefined, 401],
    ["nobody in particular, where anybody may read", open, "reader", undefined, 200],
    ["nobody in particular, where anybody may read, to act", open, "operator", undefined, 403],
    ["a wrong token, where anybody may read", open, "reader", "Bearer wrong", 401],
    ["an empty token, where anybody may read", open, "reader", "Bearer ", 401],
    ["half a token", named, "reader", `Bearer ${BOB.token?.slice(0, -1)}`, 401],
    ["a token and more", named, "reader", `Bearer ${BOB.token}x`, 401],
    ["a name and its token", named, "reader", basic("bob", BOB.token ?? ""), 200],
    ["a name and another's token", named, "reader", basic("bob", ALICE.token ?? ""), 401],
    ["a name without a token", open, "reader", basic("everyone", ""), 401],
    ["no colon", named, "reader", `Basic ${Buffer.from("bob").toString("base64")}`, 401],
    ["another scheme", named, "reader", `Digest ${BOB.token}`, 401],
    ["the scheme in small letters", named, "reader", `bearer ${BOB.token}`, 200],
    ["nobody at all configured", [], "reader", undefined, 401],
  ])("%s", async (_name, operators, role, authorization, status) => {
    const response = await ask(operators, role, authorization);
    expect(response.status).toBe(status);
    if (status === 200) return;
    expect(await response.json()).toMatchObject({
      code: status === 401 ? "unauthorized" : "forbidden",
      message: expect.stringMatching(/^GET \/: /),
    });
    expect(response.headers.has("www-authenticate")).toBe(status === 401);
  });
});
