import { describe, expect, it } from "vitest";
import { parseControllerId, parseProviderId } from "../../../src/domain/ids.ts";
import { AgentTokens } from "../../../src/http/agents/token.ts";
import { machineId } from "../../domain/builders.ts";

const KEY = new Uint8Array(32).fill(7);
const subject = { machineId: machineId(1), providerId: parseProviderId("i-0123") };
const tokens = new AgentTokens(KEY, parseControllerId("yard"));
const token = tokens.issue(subject);
const [format = "", machine = "", provider = "", mac = ""] = token.split("~");

const flipped = (text: string) => `${text.slice(0, -1)}${text.endsWith("A") ? "B" : "A"}`;

describe("a token", () => {
  it("says whose it is, also to the next start with the same key", () => {
    expect(tokens.verify(token)).toEqual(subject);
    expect(new AgentTokens(Uint8Array.from(KEY), parseControllerId("yard")).verify(token)).toEqual(subject);
  });

  it("is the same each time, of another subject another", () => {
    expect(tokens.issue(subject)).toBe(token);
    const others = [
      { ...subject, machineId: machineId(2) },
      { ...subject, providerId: parseProviderId("i-0124") },
    ];
    expect(new Set([token, ...others.map((other) => tokens.issue(other))]).size).toBe(3);
  });

  it("shows nothing of the key", () => {
    for (const encoding of ["utf8", "hex", "base64", "base64url"] as const)
      expect(token).not.toContain(Buffer.from(KEY).toString(encoding));
  });

  it.each([
    ["nothing", ""],
    ["garbage", "not a token"],
    ["only separators", "~~~"],
    ["another format", ["hfa2", machine, provider, mac].join("~")],
    ["another machine", [format, machineId(2), provider, mac].join("~")],
    ["another provider id", [format, machine, "i-0124", mac].join("~")],
    ["machine and provider id the other way round", [format, provider, machine, mac].join("~")],
    ["what is no machine id", [format, "machine", provider, mac].join("~")],
    ["no provider id", [format, machine, "", mac].join("~")],
    ["a border that moved", [format, `${machine}~${provider}`, "", mac].join("~")],
    ["another MAC", [format, machine, provider, flipped(mac)].join("~")],
    ["no MAC", [format, machine, provider].join("~")],
    ["an empty MAC", [format, machine, provider, ""].join("~")],
    ["a MAC of as many letters and more bytes", [format, machine, provider, "ä".repeat(mac.length)].join("~")],
    ["a padded MAC", `${token}=`],
    ["a part too many", `${token}~`],
    ["a space before it", ` ${token}`],
    ["capitals", token.toUpperCase()],
    [
      "the identity's secret for a MAC",
      [format, machine, provider, tokens.identitySecret(subject.machineId)].join("~"),
    ],
  ])("is none with %s", (_name, wrong) => {
    expect(tokens.verify(wrong)).toBeNull();
  });

  it("is none cut off anywhere", () => {
    for (let length = 0; length < token.length; length += 1) expect(tokens.verify(token.slice(0, length))).toBeNull();
  });

  it("is none with any one character changed", () => {
    for (let at = 0; at < token.length; at += 1) {
      const other = token[at] === "x" ? "y" : "x";
      expect(tokens.verify(`${token.slice(0, at)}${other}${token.slice(at + 1)}`)).toBeNull();
    }
  });

  it.each([
    ["another key", new AgentTokens(Uint8Array.from(KEY).fill(8, 31), parseControllerId("yard"))],
    ["another controller of the same key", new AgentTokens(KEY, parseControllerId("yard-2"))],
  ])("is none under %s", (_name, others) => {
    expect(others.verify(token)).toBeNull();
    expect(tokens.verify(others.issue(subject))).toBeNull();
  });
});

describe("an identity's secret", () => {
  it("proves one machine, and no other", () => {
    const secret = tokens.identitySecret(machineId(1));
    expect(tokens.provesIdentity(machineId(1), secret)).toBe(true);
    expect(tokens.provesIdentity(machineId(2), secret)).toBe(false);
  });

  it.each([
    ["an empty text", ""],
    ["the token", token],
    ["the token's MAC", mac],
    ["another one", flipped(tokens.identitySecret(machineId(1)))],
    ["it, cut off", tokens.identitySecret(machineId(1)).slice(0, -1)],
    ["it, and more", `${tokens.identitySecret(machineId(1))}A`],
  ])("is not %s", (_name, secret) => {
    expect(tokens.provesIdentity(machineId(1), secret)).toBe(false);
  });

  it("is another under another key, or of another controller", () => {
    const secret = tokens.identitySecret(machineId(1));
    const otherKey = new AgentTokens(new Uint8Array(32), parseControllerId("yard"));
    const otherController = new AgentTokens(KEY, parseControllerId("yard-2"));
    expect([otherKey, otherController].map((other) => other.provesIdentity(machineId(1), secret))).toEqual([
      false,
      false,
    ]);
  });
});
