import { describe, expect, it } from "vitest";
import { decideSettings, type InitOptions } from "../../../src/app/init/decide-settings.ts";
import { emptyFolder, person, writeIn } from "./init-means.ts";

const LINUX = { platform: "linux", architecture: "x64" };
const MAC = { platform: "darwin", architecture: "arm64" };

const enough: InitOptions = { organization: "acme", demand: "poll", createApp: true };

async function refusal(options: InitOptions): Promise<string> {
  const error: unknown = await decideSettings(options, null, LINUX).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: "usage" });
  return error instanceof Error && "wrong" in error ? String(error.wrong) : "";
}

describe("flags alone", () => {
  it("are enough where they say what has no usual value", async () => {
    expect(await decideSettings(enough, null, LINUX)).toEqual({
      github: { webUrl: "https://github.com", apiUrl: "https://api.github.com" },
      caFile: null,
      scope: { kind: "organization", organization: "acme" },
      signIn: { kind: "create-app", isPersonal: false },
      demand: { kind: "poll" },
      webhooksUrl: null,
      listen: { host: "127.0.0.1", port: 8080 },
      controllerId: "acme-ci",
      operator: "admin",
      pool: "linux",
      labels: ["self-hosted", "linux", "x64"],
      machineCountMax: 4,
      runnerDirectory: "/opt/runner",
      workDirectory: "./machines",
    });
  });

  it("say each thing that a question would ask", async () => {
    const tokenFile = writeIn(emptyFolder(), "token", "ghp_1");
    const options = {
      githubUrl: "ghe.acme.com",
      repositories: "acme/widgets, other/*",
      tokenFile,
      webhooksUrl: "https://holdfast.acme.com/",
      listen: "0.0.0.0:9000",
      controllerId: "two",
      operator: "alice",
      labels: "self-hosted,gpu , big one",
      max: "12",
      runnerDirectory: "./runner",
      workDirectory: "/srv/machines",
    };
    expect(await decideSettings(options, null, MAC)).toMatchObject({
      github: { apiUrl: "https://ghe.acme.com/api/v3" },
      scope: { kind: "repositories", repositories: ["acme/widgets", "other/*"] },
      signIn: { kind: "token", tokenFile },
      webhooksUrl: "https://holdfast.acme.com",
      listen: { host: "0.0.0.0", port: 9000 },
      controllerId: "two",
      operator: "alice",
      pool: "macos",
      labels: ["self-hosted", "gpu", "big one"],
      machineCountMax: 12,
      runnerDirectory: "./runner",
      workDirectory: "/srv/machines",
    });
  });

  it("tell at once all that is missing", async () => {
    const text = await refusal({});
    for (const flag of ["--organization", "--create-app", "--webhooks-url"]) expect(text).toContain(flag);
  });

  it.each<readonly [string, InitOptions, RegExp]>([
    ["two scopes", { ...enough, enterprise: "acme" }, /--organization and --enterprise exclude each other/],
    ["two ways to sign in", { ...enough, appId: "1" }, /--create-app and --app-id .* exclude each other/],
    ["poll with an address", { ...enough, webhooksUrl: "https://a.example" }, /--demand poll and --webhooks-url/],
    [
      "an App without its key",
      { organization: "acme", demand: "poll", appId: "1" },
      /--private-key-file <file> is missing/,
    ],
    ["an App for an enterprise", { enterprise: "acme", demand: "poll", createApp: true }, /need --token-file/],
    ["a new App for two owners", { repositories: "a/x,b/y", demand: "poll", createApp: true }, /of one owner/],
    ["a person's organization", { ...enough, personal: true }, /--personal goes with --repositories/],
    [
      "webhooks to this computer's own name",
      { organization: "acme", createApp: true, webhooksUrl: "http://localhost" },
      /that GitHub reaches/,
    ],
    ["webhooks without an address", { ...enough, demand: "webhooks" }, /--webhooks-url <address> is missing/],
    [
      "credentials sent in the clear",
      { ...enough, githubUrl: "http://ghe.acme.com" },
      /--github-url must be an https address/,
    ],
    ["a name that is none", { ...enough, controllerId: "Not A Name" }, /--controller-id must be lower-case/],
    ["no labels", { ...enough, labels: " , " }, /--labels needs at least one/],
    ["no machines", { ...enough, max: "0" }, /--max must be a whole number/],
    ["an organization that is none", { ...enough, organization: "a/b" }, /--organization must be/],
    [
      "a key that is not there",
      { organization: "acme", demand: "poll", appId: "1", privateKeyFile: "/nowhere/app.pem" },
      /--private-key-file names a file that cannot be read: there is none/,
    ],
    ["a folder for a token", { organization: "acme", demand: "poll", tokenFile: "/" }, /--token-file names no file/],
    ["an address without a port", { ...enough, listen: "localhost" }, /--listen must be/],
  ])("refuse %s", async (_, options, expected) => {
    expect(await refusal(options)).toMatch(expected);
  });

  it("repeat no path and no answer that could be a secret", async () => {
    expect(await refusal({ ...enough, createApp: false, tokenFile: "ghp_pasted" })).not.toContain("ghp_pasted");
  });
});

describe("somebody who is asked", () => {
  it("is asked for what no flag says, and for nothing else", async () => {
    const somebody = person({});
    await decideSettings({ ...enough, controllerId: "x", labels: "a", max: "1", listen: "[::1]:80" }, somebody, LINUX);
    expect(somebody.asked).toEqual([
      expect.stringContaining("Where is your GitHub"),
      expect.stringContaining("GitHub's runner"),
      expect.stringContaining("machines work"),
    ]);
  });

  it("may choose everything", async () => {
    const key = writeIn(emptyFolder(), "app.pem", "");
    const somebody = person({
      "Whose jobs": "repositories",
      "Which repositories": "alice/widgets",
      "sign in": "app",
      "App's id": "77",
      "private key": key,
      "hear of jobs": "webhooks",
      "Under which address": "https://holdfast.acme.com",
    });
    expect(await decideSettings({}, somebody, LINUX)).toMatchObject({
      scope: { kind: "repositories", repositories: ["alice/widgets"] },
      signIn: { kind: "app", appId: 77, privateKeyFile: key },
      webhooksUrl: "https://holdfast.acme.com",
      controllerId: "alice-ci",
    });
  });

  it("says whether the repositories' owner is a person, whose App is made on another page", async () => {
    const somebody = person({ "Who is alice": "person" });
    const options = { repositories: "alice/widgets", createApp: true, demand: "poll" } as const;
    expect(await decideSettings(options, somebody, LINUX)).toMatchObject({
      signIn: { kind: "create-app", isPersonal: true },
    });
  });

  it("is not asked how to sign in for an enterprise: there is one way", async () => {
    const tokenFile = writeIn(emptyFolder(), "token", "ghp_1");
    const somebody = person({ "holds the token": tokenFile });
    const settings = await decideSettings({ enterprise: "acme", demand: "poll" }, somebody, LINUX);
    expect(settings.signIn).toEqual({ kind: "token", tokenFile });
    expect(somebody.asked.join()).not.toContain("sign in");
  });
});

describe("the name that is offered", () => {
  it.each([
    ["acme", "acme-ci"],
    ["Acme-Corp", "acme-corp-ci"],
    ["A-", "a-ci"],
    ["a-very-long-organization-name-indeed", "a-very-long-organization-na-ci"],
    ["long-enough-to-be-cut-at-a-hyphen", "long-enough-to-be-cut-at-a-ci"],
  ])("for %s is %s", async (organization, controllerId) => {
    expect((await decideSettings({ ...enough, organization }, null, LINUX)).controllerId).toBe(controllerId);
  });
});
