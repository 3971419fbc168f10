import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { callerOf, createCallerReader } from "../../src/http/caller.ts";

const PROXIES = ["10.0.0.0/8", "fd00::/8", "::1", "127.0.0.1"];

function callerFor(trusted: readonly string[], peer: string | undefined, forwardedFor?: string): string {
  const headers = forwardedFor === undefined ? {} : { "x-forwarded-for": forwardedFor };
  const request = { headers, socket: { remoteAddress: peer } } as unknown as IncomingMessage;
  return createCallerReader(trusted)(request);
}

describe("who calls", () => {
  it.each<[string, readonly string[], string | undefined, string | undefined, string]>([
    ["nobody forwards", PROXIES, "203.0.113.7", undefined, "203.0.113.7"],
    ["a proxy that forwards nothing", PROXIES, "10.0.0.1", undefined, "10.0.0.1"],
    ["a stranger who claims to forward", PROXIES, "203.0.113.7", "127.0.0.1", "203.0.113.7"],
    ["anybody, where no proxy is trusted", [], "127.0.0.1", "198.51.100.1", "127.0.0.1"],
    ["a trusted proxy", PROXIES, "10.0.0.1", "203.0.113.7", "203.0.113.7"],
    ["a chain of trusted proxies", PROXIES, "10.0.0.1", "203.0.113.7, 10.1.1.1, 10.2.2.2", "203.0.113.7"],
    [
      "what a stranger wrote before a proxy added",
      PROXIES,
      "10.0.0.1",
      "127.0.0.1, 10.9.9.9, 203.0.113.7",
      "203.0.113.7",
    ],
    ["an untrusted proxy in the chain", PROXIES, "10.0.0.1", "198.51.100.1, 203.0.113.7, 10.2.2.2", "203.0.113.7"],
    ["a chain that is trusted to its end", PROXIES, "10.0.0.1", "10.3.3.3, 10.2.2.2", "10.3.3.3"],
    ["a peer that is IPv4 inside of IPv6", PROXIES, "::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"],
    ["a forwarded address that is IPv4 inside of IPv6", PROXIES, "10.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"],
    ["a stranger that is IPv4 inside of IPv6", PROXIES, "::ffff:203.0.113.7", "10.0.0.1", "203.0.113.7"],
    ["IPv6", PROXIES, "fd00::1", "2001:DB8::7", "2001:db8::7"],
    ["IPv6 on this machine", PROXIES, "::1", "2001:db8::7", "2001:db8::7"],
    ["an address with its port", PROXIES, "10.0.0.1", "203.0.113.7:4711", "203.0.113.7"],
    ["IPv6 with its port", PROXIES, "10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"],
    ["a trusted proxy with its port", PROXIES, "10.0.0.1", "203.0.113.7, 10.2.2.2:80", "203.0.113.7"],
    ["garbage from a trusted proxy", PROXIES, "10.0.0.1", "<script>", "10.0.0.1"],
    ["garbage before a trusted proxy", PROXIES, "10.0.0.1", "203.0.113.7, unknown, 10.2.2.2", "10.2.2.2"],
    ["a line break that is none", PROXIES, "10.0.0.1", "203.0.113.7\\n", "10.0.0.1"],
    ["an empty header", PROXIES, "10.0.0.1", "", "10.0.0.1"],
    ["commas only", PROXIES, "10.0.0.1", " , ,", "10.0.0.1"],
    ["an address that is too long", PROXIES, "10.0.0.1", "1".repeat(8_000), "10.0.0.1"],
    ["a socket that is gone", PROXIES, undefined, undefined, "unknown"],
    ["a socket that is gone, with a claim", PROXIES, undefined, "127.0.0.1", "unknown"],
  ])("%s", (_name, trusted, peer, forwardedFor, want) => {
    expect(callerFor(trusted, peer, forwardedFor)).toBe(want);
  });

  it("is not known to an app that is called without a socket", () => {
    expect([callerOf({ env: undefined }), callerOf({ env: {} })]).toEqual([null, null]);
    expect(callerOf({ env: { caller: "203.0.113.7" } })).toBe("203.0.113.7");
  });
});
