import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderProblems } from "../../../src/app/config/problems.ts";
import { readConfig } from "../../../src/app/config/read.ts";
import { SECRET } from "./broken-row.ts";
import { failureIn, makeFolder, readIn, soundConfig, type Written } from "./config-folder.ts";

describe("files that cannot be read", () => {
  it("are told with the key, and the folder that paths begin at", async () => {
    const folder = makeFolder();
    const config = soundConfig();
    config.github.main.token.file = "none";
    config.tokenKeyFile = ".";
    const error = await failureIn(folder, config);
    expect(error.code).toBe("config-unreadable");
    expect(error.problems.map(({ path, problem }) => `${path} ${problem}`)).toEqual([
      "github.main.token.file names a file that cannot be read: there is none",
      "tokenKeyFile names a file that cannot be read: it is a folder",
    ]);
    expect(error.problems[0]?.mend).toContain(`relative paths begin at ${folder}`);
  });

  it.each([
    ["empty", "", "holds nothing"],
    ["of two lines", "one\ntwo", "holds more than one line"],
    ["far too long", "x".repeat(70_000), "names a file of more than 65536 bytes"],
  ])("a webhook secret that is %s", async (_name, text, problem) => {
    const folder = makeFolder();
    writeFileSync(join(folder, "webhook-secret"), text);
    const { problems } = await failureIn(folder, soundConfig());
    expect(problems).toMatchObject([{ path: "github.main.webhookSecretFiles[0]", problem }]);
  });
});

it("reports everything at once: schema, cross-checks and secrets, in every block", async () => {
  const config = soundConfig();
  Object.assign(config, { controllerId: "CI", stroe: "x", listen: "0.0.0.0:1" });
  config.github.main = { token: "ghp_SECRETOFGITHUB" };
  config.operators = [{ name: "a", role: "king", anonymous: false }, 7];
  Object.assign(config.pools[0], { github: "mian", labels: ["a", "A"], warm: { parked: 9, stopped: 1 } });
  const { code, problems } = await failureIn(makeFolder(), config);
  expect(code).toBe("config-invalid");
  expect(problems.map(({ path }) => path).sort()).toEqual([
    "controllerId",
    "github.main.token",
    "github.main.webhookSecretFiles",
    "operators[0].role",
    "operators[0].tokenFile",
    "operators[1]",
    "pools[0].github",
    "pools[0].labels[1]",
    "pools[0].warm.parked",
    "pools[0].warm.stopped",
    "stroe",
    "urls",
  ]);
});

it("what a broken file holds is never repeated: it may be a secret in the wrong place", async () => {
  const secret = "ghp_SECRET0123456789";
  const places: readonly ((config: Written) => void)[] = [
    (c) => (c.github.main.token = { file: secret, value: secret }),
    (c) => (c.github.main.webhookSecretFiles = [secret]),
    (c) => (c.github.main.webhookSecretFiles = secret),
    (c) => (c.operators[0] = { name: secret, role: secret, tokenFile: secret, token: secret }),
    (c) => (c.tokenKeyFile = secret),
    (c) => (c.pools[0].runner.environment = { A: [secret] }),
    (c) => (c.store = secret),
    (c) => (c.listen = secret),
    (c) => (c.urls = `https://user:${secret}@acme.com`),
    (c) => (c.github.main.caFile = secret),
    (c) => (c.github.main.demand = secret),
    (c) => (c.github.main.proxy = { url: `http://user:${secret}@proxy:3128` }),
    (c) => (c.github.main.proxy = { url: `socks5://user:${secret}@proxy:3128`, except: [secret] }),
    (c) => (c.listen = { tls: { certificateFile: secret, keyFile: secret }, trustedProxies: [secret] }),
    (c) => (c.pools[0].scope = { enterprise: `${secret}!` }),
  ];
  for (const place of places) {
    const config = soundConfig();
    place(config);
    const error = await failureIn(makeFolder(), config);
    const told = renderProblems(error) + String(error.stack) + String(error.cause) + JSON.stringify(error);
    expect(told).not.toMatch(SECRET);
  }
});

describe("a file that is not YAML", () => {
  it.each([
    ["a key twice", "controllerId: a\ncontrollerId: ghp_SECRET\n", "line 2, column 1", "has a key for the second time"],
    ["a tab", "github:\n\tmain: ghp_SECRET\n", "line 2, column 1", "is indented with a tab"],
    [
      "an open bracket",
      "pools: [ghp_SECRET",
      "line 1, column 19",
      "is indented wrongly, or comes after a bracket that is open",
    ],
    ["an alias of nothing", "store: *ghp_SECRET\n", "(the file)", "has an alias that stands for nothing, or too many"],
    ["nothing", "# ghp_SECRET\n", "(the file)", "is empty"],
    ["a list", "- ghp_SECRET\n", "(the file)", "must be a block of keys"],
  ])("%s", async (_name, text, path, problem) => {
    const error = await failureIn(makeFolder(), text);
    expect(error.problems).toContainEqual(expect.objectContaining({ path, problem }));
    expect(renderProblems(error)).not.toMatch(SECRET);
  });

  it("is told of its first mistake, and not of all that follows from it", async () => {
    const { problems } = await failureIn(
      makeFolder(),
      "github: -1 { token: a, app: { id: 1 } }\npools:\n  - name: a\n",
    );
    expect(problems.map(({ path }) => path)).toEqual(["line 1, column 9"]);
  });

  it("a file that is not there", async () => {
    await expect(readConfig(join(makeFolder(), "none.yaml"), {})).rejects.toMatchObject({
      code: "config-unreadable",
      problems: [{ path: "(the file)", problem: "cannot be read: there is none" }],
    });
  });
});

it("the sound one is sound, and so are values that ask for nothing", async () => {
  const config = soundConfig();
  config.github.main.demand = "webhooks";
  Object.assign(config.pools[0], { warm: { parked: 4, registered: 0, stopped: 0 }, tickets: { ready: 0 } });
  config.pools.push({ ...config.pools[0], name: "linux-2", runnerGroup: "Default" });
  await expect(readIn(makeFolder(), config)).resolves.toBeDefined();
});
