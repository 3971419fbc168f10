import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isLoopback, parseListenAddress, parseUrl, urlOf } from "../../../src/app/config/addresses.ts";
import { parseDuration } from "../../../src/app/config/durations.ts";
import { nearestOf } from "../../../src/app/config/issues.ts";
import { noteOf } from "../../../src/app/config/key.ts";
import { ConfigError, renderProblems } from "../../../src/app/config/problems.ts";
import { renderConfigurationReference } from "../../../src/app/config/reference.ts";
import { ConfigSchema } from "../../../src/app/config/schema.ts";
import { elementOf, shapeOf } from "../../../src/app/config/schema-walk.ts";
import { hashSettings } from "../../../src/app/config/settings-hash.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";

describe("a duration", () => {
  it.each([
    ["2m", 2 * MINUTE_MS],
    ["90s", 90 * SECOND_MS],
    ["1h30m", 90 * MINUTE_MS],
    ["7d", 7 * DAY_MS],
    ["1d2h3m4s5ms", DAY_MS + 2 * HOUR_MS + 3 * MINUTE_MS + 4 * SECOND_MS + 5],
    ["250ms", 250],
    ["0s", 0],
  ])("%s", (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  it.each(["", "5", "1h30", "-2m", "2 m", "1.5h", "2m1h", "2m2m", "2M", "2min", "m", "1e3s", "2m ", "99999999999d"])(
    "not %o",
    (text) => {
      expect(parseDuration(text)).toBeNull();
    },
  );
});

describe("an address to listen on", () => {
  it.each([
    ["127.0.0.1:8080", "127.0.0.1", 8080],
    ["localhost:1", "localhost", 1],
    ["[::1]:65535", "::1", 65_535],
    ["ci.acme.com:443", "ci.acme.com", 443],
  ])("%s", (text, host, port) => {
    expect(parseListenAddress(text)).toEqual({ host, port });
  });

  it.each(["", "8080", ":8080", "a:", "a:0", "a:65536", "::1:80", "http://a:80", "a b:80", "a:80/x"])(
    "not %o",
    (text) => {
      expect(parseListenAddress(text)).toBeNull();
    },
  );

  it("becomes a URL, with brackets where it needs them", () => {
    expect(urlOf({ host: "::1", port: 80 })).toBe("http://[::1]:80");
    expect(urlOf({ host: "127.0.0.1", port: 80 })).toBe("http://127.0.0.1:80");
  });

  it.each([
    ["127.0.0.1", true],
    ["127.9.9.9", true],
    ["localhost", true],
    ["::1", true],
    ["0.0.0.0", false],
    ["127.0.0.1.acme.com", false],
    ["10.0.0.1", false],
  ])("%s is only for this machine: %s", (host, want) => {
    expect(isLoopback(host)).toBe(want);
  });

  it.each(["ftp://a", "a", "https://u:p@a", "https://a?x=1", "https://a#x", ""])("not a URL: %o", (text) => {
    expect(parseUrl(text)).toBeNull();
  });
});

describe("the hash of what a machine is made from", () => {
  const settings = {
    agentsUrl: "http://127.0.0.1:8080",
    protocolVersion: 1,
    runner: { directory: "/opt/runner", environment: { A: "1", B: "2" } },
    provider: { kind: "process", workDirectory: "/var/machines" },
  } as const;

  it("does not depend on the order of keys", () => {
    const turned = {
      provider: { workDirectory: "/var/machines", kind: "process" },
      runner: { environment: { B: "2", A: "1" }, directory: "/opt/runner" },
      protocolVersion: 1,
      agentsUrl: "http://127.0.0.1:8080",
    } as const;
    expect(hashSettings(turned)).toBe(hashSettings(settings));
    expect(hashSettings(settings)).toMatch(/^[0-9a-f]{16}$/);
  });

  it.each([
    ["where agents reach us", { ...settings, agentsUrl: "https://holdfast.acme.com" }],
    ["what agents speak", { ...settings, protocolVersion: 2 }],
    ["the runner's folder", { ...settings, runner: { ...settings.runner, directory: "/opt/other" } }],
    ["a variable", { ...settings, runner: { ...settings.runner, environment: { A: "2", B: "2" } } }],
    ["the work folder", { ...settings, provider: { ...settings.provider, workDirectory: "/tmp" } }],
  ])("is another for other: %s", (_name, other) => {
    expect(hashSettings(other)).not.toBe(hashSettings(settings));
  });
});

it("problems are rendered for a person", () => {
  const problems = [
    { path: "controllerId", problem: "is missing", mend: "as in `controllerId: ci-eu`" },
    { path: "pools[0].lables", problem: "unknown key", mend: "did you mean `labels`?" },
  ];
  expect(renderProblems(new ConfigError("config-invalid", { file: "holdfast.yaml", problems }))).toBe(
    [
      "holdfast.yaml: 2 problems",
      "",
      "  controllerId     is missing",
      "                   -> as in `controllerId: ci-eu`",
      "  pools[0].lables  unknown key",
      "                   -> did you mean `labels`?",
      "",
    ].join("\n"),
  );
});

it.each([
  ["lables", "labels"],
  ["LABELS", "labels"],
  ["nmae", "name"],
  ["x", null],
  ["completely-other", null],
])("the nearest key to %s is %s", (word, want) => {
  expect(nearestOf(word, ["labels", "name", "priority"])).toBe(want);
});

describe("the reference page", () => {
  it("is what the schema says: renderConfigurationReference writes it anew", () => {
    const page = readFileSync(join(import.meta.dirname, "../../../docs/reference/configuration.md"), "utf8");
    expect(page).toBe(renderConfigurationReference());
  });

  it("has every key, with a sentence and an example", () => {
    const page = renderConfigurationReference();
    let keyCount = 0;
    const visit = (schema: Parameters<typeof shapeOf>[0], path: string): void => {
      for (const [name, inner] of shapeOf(elementOf(schema) ?? schema)) {
        const note = noteOf(inner);
        expect(note, `${path}.${name} has a note`).not.toBeNull();
        if (note?.insteadOfSecret !== undefined && note.says === "") continue;
        expect(note?.says, `${path}.${name} has a sentence`).toMatch(/^[A-Z`].+\.$/);
        expect(note?.example, `${path}.${name} has an example of itself`).toMatch(new RegExp(`^${name}: `));
        expect(page).toContain(`\`${name}\``);
        keyCount += 1;
        visit(inner, `${path}.${name}`);
      }
    };
    visit(ConfigSchema, "");
    expect(keyCount).toBeGreaterThan(50);
  });
});
