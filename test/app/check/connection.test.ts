import { describe, expect, it } from "vitest";
import { checkConnection } from "../../../src/app/check/connection.ts";
import { GitHubError } from "../../../src/domain/errors.ts";
import { app, GRANTED, hastyClock, installation, pool, subject } from "./subject-builder.ts";

const unavailable = (attempted: string) => async (): Promise<never> => {
  throw new GitHubError("github-unavailable", attempted);
};

async function errorsOf(given: ReturnType<typeof subject>) {
  return (await checkConnection(given)).filter(({ severity }) => severity !== "ok");
}

describe("a connection", () => {
  it("is sound where all of it is, and nothing was written", async () => {
    const findings = await checkConnection(subject());
    expect(new Set(findings.map(({ severity }) => severity))).toEqual(new Set(["ok"]));
    expect(new Set(findings.map(({ area }) => area))).toEqual(
      new Set(["connection main", "webhook main", "jobs main", "pool linux"]),
    );
  });

  it("is looked at in all its parts, whichever of them fails", async () => {
    const refusals = {
      hooks: { findHooks: unavailable("reading the App's webhook") },
      github: { listRepositories: unavailable("listing the repositories of acme") },
      access: { listRunnerGroups: unavailable("listing the runner groups of /orgs/acme") },
    };
    const findings = await checkConnection(subject(refusals));
    const warnings = findings.filter(({ severity }) => severity === "warning");
    expect(warnings.map(({ path }) => path).sort()).toEqual(["pools", "pools[0].runnerGroup", "urls.webhooks"]);
    expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(findings.map(({ finding }) => finding)).toContain("its runners can be read: the organization acme");
  });

  it("is given up in its parts where GitHub stops answering", async () => {
    const silent = { hooks: { findHooks: () => new Promise<never>(() => {}) } };
    const described = { describe: async () => app(), clockDifferenceMs: () => null };
    // Every wait but the sign-in's is over at once.
    let waits = 0;
    const clock = { ...hastyClock(), sleep: () => (waits++ === 0 ? new Promise<void>(() => {}) : Promise.resolve()) };
    const findings = await errorsOf(subject({ ...silent, access: described }, { clock }));
    expect(findings.map(({ path, code }) => [path, code])).toContainEqual(["urls.webhooks", "github-unavailable"]);
  });

  it("that nobody is let into is told once, and the pools' runners are looked at all the same", async () => {
    const describe_ = async () => {
      throw new GitHubError("github-unauthorized", "reading the App's own description");
    };
    const access = { describe: describe_, clockDifferenceMs: () => null };
    const findings = await checkConnection(subject({ access }));
    expect(findings.map(({ severity, path }) => [severity, path])).toEqual([
      ["error", "github.main.app.privateKeyFile"],
      ["ok", "pools[0].runner"],
    ]);
  });

  it("whose App is not installed is told once, without asking for what cannot be had", async () => {
    const asked: string[] = [];
    const github = {
      findRunner: async () => {
        asked.push("findRunner");
        return { kind: "absent", observedAtMs: 0 } as const;
      },
    };
    const access = { describe: async () => app({ installations: [] }) };
    expect(await errorsOf(subject({ github, access }))).toMatchObject([{ code: "github-not-installed" }]);
    expect(asked).toEqual([]);
  });

  it("whose permission is missing is told once, and the rest is looked at", async () => {
    const { actions: _actions, ...permissions } = GRANTED;
    const access = { describe: async () => app({ installations: [installation({ permissions })] }) };
    const listOpenJobs = async () => {
      throw new GitHubError("github-forbidden", "listing the runs of acme/widgets");
    };
    const findings = await errorsOf(subject({ github: { listOpenJobs }, access }));
    expect(findings).toMatchObject([{ severity: "error", code: "github-forbidden", path: "github.main.app" }]);
  });

  it("ends where a bug shows", async () => {
    const findHooks = async () => {
      throw new TypeError("a bug");
    };
    await expect(checkConnection(subject({ hooks: { findHooks } }))).rejects.toThrow("a bug");
  });

  it("with two pools looks at both", async () => {
    const pools = [pool(), pool({ name: "mac", labels: ["macos"] }, 1)];
    const findings = await checkConnection(subject({}, { pools }));
    expect(findings.map(({ area }) => area)).toContain("pool mac");
  });
});
