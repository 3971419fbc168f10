import { describe, expect, it } from "vitest";
import { appSettingsUrl, parsePlaces, webhookSettingsUrls } from "../../../src/app/init/places.ts";

const GITHUB = { webUrl: "https://github.com", apiUrl: "https://api.github.com" };
const RESIDENCY = { webUrl: "https://acme.ghe.com", apiUrl: "https://api.acme.ghe.com" };
const SERVER = { webUrl: "https://ghe.acme.com", apiUrl: "https://ghe.acme.com/api/v3" };

describe("the address of a GitHub", () => {
  it.each([
    ["https://github.com", GITHUB],
    ["https://github.com/", GITHUB],
    ["github.com", GITHUB],
    ["https://www.github.com", GITHUB],
    ["https://api.github.com", GITHUB],
    ["https://acme.ghe.com", RESIDENCY],
    ["https://api.acme.ghe.com", RESIDENCY],
    ["https://ghe.acme.com", SERVER],
    ["https://ghe.acme.com/api/v3", SERVER],
    ["https://ghe.acme.com:8443", { webUrl: "https://ghe.acme.com:8443", apiUrl: "https://ghe.acme.com:8443/api/v3" }],
    ["http://127.0.0.1:4000", { webUrl: "http://127.0.0.1:4000", apiUrl: "http://127.0.0.1:4000" }],
    ["http://127.0.0.1:4000/api/v3", { webUrl: "http://127.0.0.1:4000", apiUrl: "http://127.0.0.1:4000/api/v3" }],
  ])("%s leads to its pages and its interface", (text, places) => {
    expect(parsePlaces(text)).toEqual(places);
  });

  it.each([
    "",
    "http://ghe.acme.com",
    "https://github.com/acme",
    "https://api.github.com/api/v3",
    "https://user:pass@ghe.acme.com",
    "not an address",
    "ftp://ghe.acme.com",
  ])("is not %j", (text) => {
    expect(parsePlaces(text)).toBeNull();
  });
});

describe("a page at GitHub", () => {
  it.each([
    [
      "of an organization's Apps",
      appSettingsUrl(SERVER, "acme"),
      "https://ghe.acme.com/organizations/acme/settings/apps",
    ],
    ["of a person's Apps", appSettingsUrl(GITHUB, null), "https://github.com/settings/apps"],
  ])("%s", (_, url, expected) => {
    expect(url).toBe(expected);
  });

  it("of webhooks is the scope's own", () => {
    const repositories = ["acme/widgets", "other/*"];
    expect(webhookSettingsUrls(GITHUB, { kind: "repositories", repositories })).toEqual([
      "https://github.com/acme/widgets/settings/hooks",
      "https://github.com/organizations/other/settings/hooks",
    ]);
    expect(webhookSettingsUrls(GITHUB, { kind: "enterprise", enterprise: "big" })).toEqual([
      "https://github.com/enterprises/big/settings/hooks",
    ]);
  });
});
