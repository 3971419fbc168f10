import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PoolName } from "../../src/domain/ids.ts";
import {
  isServedBy,
  type PoolPolicy,
  type RegistrationScope,
  rankPools,
  registrationScope,
  registrationScopesOf,
  routeJob,
  scopeCovers,
  scopeKey,
} from "../../src/domain/pool.ts";
import { connectionName, job, pool, poolName } from "./builders.ts";
import { always } from "./property.ts";

type ServedRow = readonly [name: string, pool: Partial<PoolPolicy>, job: Parameters<typeof job>[0], want: boolean];

const enterprise = { kind: "enterprise", enterprise: "acme-corp" } as const;
const repositories = (...patterns: readonly string[]) => ({ kind: "repositories", repositories: patterns }) as const;

describe("isServedBy", () => {
  it.each<ServedRow>([
    ["all labels offered, repository of the organization", {}, {}, true],
    ["each label the pool has", {}, { labels: ["self-hosted", "linux", "x64"] }, true],
    ["one label that the pool lacks", {}, { labels: ["self-hosted", "linux", "gpu"] }, false],
    [
      "labels in other case: GitHub's are Linux and X64, workflows write linux",
      { labels: ["self-hosted", "Linux", "X64"] },
      { labels: ["Self-Hosted", "LINUX", "x64"] },
      true,
    ],
    ["one label only, without self-hosted: JIT runners have what we send", {}, { labels: ["x64"] }, true],
    ["no labels at all, as a completed event of a job cancelled while queued", {}, { labels: [] }, false],
    ["a pool without labels", { labels: [] }, {}, false],
    ["another connection", { connection: connectionName("ghes") }, {}, false],
    ["another organization", {}, { repository: "other/widgets" }, false],
    ["an organization whose name begins alike", {}, { repository: "acme-labs/widgets" }, false],
    ["the organization in other case", {}, { repository: "ACME/Widgets" }, true],
    ["scope of one repository, this one", { scope: repositories("acme/widgets") }, {}, true],
    ["scope of one repository, in other case", { scope: repositories("Acme/Widgets") }, {}, true],
    ["scope of one repository, another of its name's beginning", { scope: repositories("acme/wid") }, {}, false],
    ["scope of two repositories, the second", { scope: repositories("acme/a", "acme/widgets") }, {}, true],
    ["scope of an owner's repositories", { scope: repositories("acme/*") }, {}, true],
    ["scope of another owner's repositories", { scope: repositories("acm/*") }, {}, false],
    ["scope of no repository", { scope: repositories() }, {}, false],
    ["scope of an enterprise: any repository", { scope: enterprise }, { repository: "elsewhere/widgets" }, true],
    [
      "scope of an enterprise, and only some accepted",
      { scope: enterprise, acceptRepositories: ["acme/*"] },
      { repository: "elsewhere/widgets" },
      false,
    ],
    ["accepted by name", { acceptRepositories: ["acme/widgets"] }, {}, true],
    ["accepted by pattern, in other case", { acceptRepositories: ["ACME/*"] }, {}, true],
    ["in scope and not accepted", { acceptRepositories: ["acme/gadgets"] }, {}, false],
    [
      "accepted and out of scope",
      { scope: repositories("acme/gadgets"), acceptRepositories: ["acme/widgets"] },
      {},
      false,
    ],
    ["nothing is accepted", { acceptRepositories: [] }, {}, false],
    ["a required label that the job names", { requiredLabels: ["linux"] }, {}, true],
    ["a required label in other case", { requiredLabels: ["LINUX"] }, {}, true],
    [
      "a required label that the job does not name: keeps `self-hosted` off a GPU pool",
      { labels: ["self-hosted", "gpu"], requiredLabels: ["gpu"] },
      { labels: ["self-hosted"] },
      false,
    ],
    ["two required labels, one named", { requiredLabels: ["linux", "x64"] }, {}, false],
  ])("%s: %s", (_name, poolFields, jobFields, want) => {
    expect(isServedBy(pool(poolFields), job(jobFields))).toBe(want);
  });

  it("does not depend on case, order or repetition of labels", () => {
    const labels = fc.array(fc.constantFrom("linux", "x64", "gpu", "self-hosted"), { maxLength: 4 });
    always(
      fc.property(labels, labels, labels, fc.boolean(), (offered, asked, required, isUpper) => {
        const fold = (words: readonly string[]) => words.map((word) => (isUpper ? word.toUpperCase() : word)).reverse();
        const plain = isServedBy(pool({ labels: offered, requiredLabels: required }), job({ labels: asked }));
        const folded = pool({ labels: fold(offered), requiredLabels: fold(required) });
        expect(isServedBy(folded, job({ labels: [...asked, ...asked] }))).toBe(plain);
        const isWanted = asked.length > 0 && asked.every((one) => offered.includes(one));
        expect(plain).toBe(isWanted && required.every((one) => asked.includes(one)));
      }),
    );
  });
});

const small = pool({ name: poolName("small"), labels: ["self-hosted", "linux"] });
const wide = pool({ name: poolName("a-wide"), labels: ["self-hosted", "linux", "x64", "docker"] });
const urgent = pool({
  name: poolName("urgent"),
  labels: ["self-hosted", "linux", "x64", "docker", "gpu"],
  priority: 5,
});
const twin = pool({ name: poolName("a-twin"), labels: ["linux", "self-hosted"] });
const foreign = pool({ name: poolName("foreign"), labels: ["windows"], priority: 9 });

describe("rankPools", () => {
  it.each<readonly [string, readonly PoolPolicy[], readonly string[]]>([
    ["only those that may serve it", [foreign, small], ["small"]],
    ["highest priority first, whatever it has besides", [small, urgent], ["urgent", "small"]],
    ["then fewest labels that the job does not ask for", [wide, small], ["small", "a-wide"]],
    ["then by name, in any order of the configuration", [small, twin], ["a-twin", "small"]],
    ["all together", [wide, foreign, small, urgent, twin], ["urgent", "a-twin", "small", "a-wide"]],
    ["none", [foreign], []],
  ])("%s", (_name, pools, want) => {
    expect(rankPools(pools, job()).map((one) => one.name)).toEqual(want);
  });

  it("gives the same order for every order of the configuration, and leaves that one as it is", () => {
    const all = [small, wide, urgent, twin, foreign];
    always(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (pools) => {
        const before = [...pools];
        expect(rankPools(pools, job())).toEqual(rankPools(all, job()));
        expect(pools).toEqual(before);
      }),
      100,
    );
  });
});

describe("routeJob", () => {
  const observing = pool({ name: poolName("observing"), mode: "observe", priority: 9 });
  type Row = readonly [string, readonly PoolPolicy[], Readonly<Record<string, number>>, string | null];
  it.each<Row>([
    ["the first that has room", [small, urgent], { urgent: 1, small: 1 }, "urgent"],
    ["a later one where the first has none now", [small, urgent], { urgent: 0, small: 1 }, "small"],
    ["a room below zero is none", [small, urgent], { urgent: -2, small: 1 }, "small"],
    ["a pool whose room is not known has none", [small, urgent], { small: 1 }, "small"],
    ["the first that fits where none has room", [small, urgent], { urgent: 0, small: 0 }, "urgent"],
    ["never a pool with room that does not fit", [small, foreign], { foreign: 5, small: 0 }, "small"],
    ["a pool that runs before one that observes", [observing, small], { observing: 5, small: 1 }, "small"],
    ["a full pool that runs before one that observes", [observing, small], { observing: 5, small: 0 }, "small"],
    ["one that observes where no other fits", [observing, foreign], { foreign: 5 }, "observing"],
    ["no pool fits", [foreign], { foreign: 5 }, null],
    ["no pool at all", [], {}, null],
  ])("%s", (_name, pools, rooms, want) => {
    const roomByPool = new Map<PoolName, number>(Object.entries(rooms).map(([name, room]) => [poolName(name), room]));
    expect(routeJob(pools, job(), roomByPool)).toBe(want);
  });
});

describe("scopes of registrations", () => {
  const acme: RegistrationScope = { kind: "organization", organization: "acme" };
  const widgets: RegistrationScope = { kind: "repository", owner: "acme", repository: "widgets" };

  it("of an organization's pool is the organization", () => {
    expect(registrationScope(pool(), "acme/widgets")).toEqual(acme);
  });

  it("of a pool over repositories is the job's own repository, also where the pool names a pattern", () => {
    expect(registrationScope(pool({ scope: repositories("acme/*") }), "acme/widgets")).toEqual(widgets);
  });

  it("of an enterprise's pool is the enterprise", () => {
    expect(registrationScope(pool({ scope: enterprise }), "acme/widgets")).toEqual(enterprise);
  });

  it("that settings name are all but those of a pattern", () => {
    expect(registrationScopesOf(pool())).toEqual([acme]);
    expect(registrationScopesOf(pool({ scope: repositories("acme/widgets", "acme/*") }))).toEqual([widgets]);
  });

  it("have a key that tells them apart", () => {
    expect([acme, widgets, enterprise].map(scopeKey)).toEqual(["acme", "acme/widgets", "enterprise:acme-corp"]);
  });

  it.each<readonly [string, RegistrationScope, string, boolean]>([
    ["an organization covers each of its repositories", acme, "acme/gadgets", true],
    ["an organization covers none of another's", acme, "acme-labs/gadgets", false],
    ["a repository covers itself, in any case", widgets, "Acme/Widgets", true],
    ["a repository covers no other", widgets, "acme/widgets2", false],
    ["an enterprise covers every repository whose events reach us", enterprise, "elsewhere/widgets", true],
  ])("%s", (_name, scope, repository, want) => {
    expect(scopeCovers(scope, repository)).toBe(want);
  });
});
