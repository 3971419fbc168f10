import { describe, expect, it } from "vitest";
import { createHostGuard } from "../../src/http/hosts.ts";

const isKnown = createHostGuard(["ops.internal", "::1", "https://Holdfast.acme.com/ci", "http://10.0.0.1:8081"]);

describe("a name that people may reach us under", () => {
  it.each([
    "ops.internal",
    "ops.internal:8082",
    "OPS.internal.",
    "holdfast.acme.com",
    "holdfast.acme.com:8443",
    "localhost:8082",
    "127.0.0.1:8082",
    "192.0.2.1",
    "[::1]:8082",
    "[2001:db8::1]",
  ])("%s", (host) => {
    expect(isKnown(host)).toBe(true);
  });

  it.each([
    undefined,
    "",
    "evil.example",
    "evil.example:8082",
    "ops.internal.evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.ops.internal",
    "evil.example/ops.internal",
    "a b",
  ])("not %o", (host) => {
    expect(isKnown(host)).toBe(false);
  });
});
