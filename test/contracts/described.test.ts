// Every method of the adapter against GitHub's own descriptions of each place that it runs at: what is asked is described
// there, and what is described there is understood.
import { describe, expect, it } from "vitest";
import {
  ACME,
  ACME_GROUP,
  APP_HOOK,
  attempt,
  GIVEN,
  type Given,
  METHOD_NAMES,
  type MethodName,
  ORGANIZATION_HOOK,
  REPOSITORY_HOOK,
  WIDGETS,
} from "./github/adapter-calls.ts";
import { appAuth, connectTo, type SeenExchange, TOKEN_AUTH } from "./github/connecting.ts";
import { DESCRIPTION_NAMES, type DescriptionName, describeCall, readDescription } from "./github/contract.ts";
import { answerAsDescribed, leastOf } from "./github/described-github.ts";

const AUTHS = { app: appAuth(), token: TOKEN_AUTH };
type Row = readonly [place: DescriptionName, auth: keyof typeof AUTHS, scope: Given["scope"]["kind"]];
const SCOPES = { organization: ACME, repository: WIDGETS, enterprise: ACME_GROUP };
const HOOKS = { organization: ORGANIZATION_HOOK, repository: REPOSITORY_HOOK, enterprise: ORGANIZATION_HOOK };

const ROWS: readonly Row[] = DESCRIPTION_NAMES.flatMap((place) =>
  (["app", "token"] as const).flatMap((auth) =>
    (["organization", "repository", "enterprise"] as const).map((scope): Row => [place, auth, scope]),
  ),
);

function givenFor(auth: Row[1], scope: Row[2]): Given {
  return { ...GIVEN, scope: SCOPES[scope], hook: auth === "app" ? APP_HOOK : HOOKS[scope] };
}

/** Which calls are made that the place does not have, and what is wrong with the others. */
function judge(place: DescriptionName, seen: readonly SeenExchange[]) {
  const absent = new Set<string>();
  const problems: string[] = [];
  for (const { method, path, query, body } of seen) {
    const call = describeCall(place, method, path);
    if (call === null) absent.add(nameAnywhere(method, path));
    else problems.push(...call.checkRequest(query, body));
  }
  return { absent: [...absent].sort(), problems };
}

/** By a place that has it. */
function nameAnywhere(method: string, path: string): string {
  const calls = DESCRIPTION_NAMES.map((place) => describeCall(place, method, path));
  return calls.find((call) => call !== null)?.name ?? `${method} ${path}, which is nowhere`;
}

const ENTERPRISE_RUNNERS = [
  "DELETE /enterprises/{enterprise}/actions/runners/{runner_id}",
  "GET /enterprises/{enterprise}/actions/runner-groups",
  "GET /enterprises/{enterprise}/actions/runners",
  "POST /enterprises/{enterprise}/actions/runners/generate-jitconfig",
];
const SCOPE_PATHS = {
  organization: "/orgs/{org}",
  repository: "/repos/{owner}/{repo}",
  enterprise: "/enterprises/{enterprise}",
};

/** What is missing of the calls that the adapter makes; each is answered with 404 there. */
function missingAt([place, auth, scope]: Row): readonly string[] {
  if (place === "ghec") return [];
  const path = SCOPE_PATHS[scope];
  // Without an installation to be found in the enterprise, an App gets no further there.
  if (scope === "enterprise" && auth === "app") return [`GET ${path}/installation`];
  const deprecation = `GET ${path}/actions/runners/deprecations/{version}`;
  return scope === "enterprise" && place === "dotcom" ? [...ENTERPRISE_RUNNERS, deprecation].sort() : [deprecation];
}

describe("what the adapter asks is described, in the path, the query and the body", () => {
  it.each(ROWS)("at %s as %s, scope %s", async (...row) => {
    const [place, auth, scope] = row;
    const { connection, seen } = connectTo(answerAsDescribed(place, "example"), { auth: AUTHS[auth] });
    const given = givenFor(auth, scope);
    for (const name of METHOD_NAMES) await attempt(connection, name, given).catch(() => null);
    await attempt(connection, "listRepositories", { ...given, owner: null }).catch(() => null);
    expect(seen.length).toBeGreaterThan(METHOD_NAMES.length);
    expect(judge(place, seen)).toEqual({ absent: missingAt(row), problems: [] });
  });
});

it("says of each request who asks, and which version of the interface is meant", async () => {
  const { connection, seen } = connectTo(answerAsDescribed("dotcom", "example"), { auth: AUTHS.app });
  for (const name of METHOD_NAMES) await attempt(connection, name, givenFor("app", "organization")).catch(() => null);
  for (const { headers } of seen) {
    expect(Object.fromEntries(headers)).toMatchObject({
      accept: "application/vnd.github+json",
      authorization: expect.stringMatching(/^Bearer \S+$/),
      "user-agent": expect.stringMatching(/^holdfast\//),
      "x-github-api-version": "2022-11-28",
    });
  }
});

/** What a method says of an answer that GitHub may give; a code where it does not understand it. */
async function saidBy(name: MethodName, row: Row, generosity: "example" | "least"): Promise<unknown> {
  const [place, auth, scope] = row;
  const { connection } = connectTo(answerAsDescribed(place, generosity), { auth: AUTHS[auth] });
  return await attempt(connection, name, givenFor(auth, scope)).catch((error: unknown) => error);
}

describe("what GitHub describes is understood: its example, and the least that its schema allows", () => {
  const understood = ROWS.filter(([place, auth, scope]) => {
    // An App has no way into an enterprise but where its installation there can be found.
    return scope !== "enterprise" || (place === "ghec" ? true : auth === "token" && place !== "dotcom");
  });
  it.each(understood)("at %s as %s, scope %s", async (...row) => {
    for (const name of METHOD_NAMES) {
      for (const generosity of ["example", "least"] as const) {
        const said = await saidBy(name, row, generosity);
        expect({ name, generosity, said }).not.toMatchObject({ said: { code: expect.any(String) } });
      }
    }
  });

  it("and rightly: what the examples say", async () => {
    const said = (name: MethodName, auth: Row[1] = "token") => saidBy(name, ["ghec", auth, "organization"], "example");
    expect(await said("mintTicket")).toMatchObject({ runnerId: 23 });
    expect(await said("listRunners")).toMatchObject([{ id: 23 }, { id: 24 }]);
    expect(await said("getJob")).toMatchObject({ kind: "present", value: { id: GIVEN.jobId, status: "completed" } });
    expect(await said("getRun")).toMatchObject({
      kind: "present",
      value: {
        attempt: 1,
        isCompleted: false,
        jobs: [{ id: GIVEN.jobId, conclusion: "success", hasFailedStep: false }],
      },
    });
    expect(await said("rerunJob")).toBe("asked");
    expect(await said("readDeprecation")).toMatchObject({ kind: "present" });
    expect(await said("listRepositories")).toEqual(["octocat/Hello-World"]);
    expect(await said("describe", "app")).toMatchObject({ kind: "app", slug: "octoapp" });
    expect(await said("describe")).toMatchObject({ kind: "token", login: "octocat" });
    expect(await said("listDeliveries")).toMatchObject([{ id: "12345678" }, { id: "123456789" }]);
  });
});

describe("what a place does not have", () => {
  it("is known, so that its 404 is", () => {
    const absent = Object.fromEntries(DESCRIPTION_NAMES.map((name) => [name, readDescription(name).absent]));
    const enterpriseHooks = absent.ghec?.filter((call) => call.includes("/hooks"));
    expect(absent.ghec).toEqual(enterpriseHooks);
    const deprecations = Object.values(SCOPE_PATHS).map((path) => `GET ${path}/actions/runners/deprecations/{version}`);
    const ofServer = [...(absent.ghec ?? []), ...deprecations, "GET /enterprises/{enterprise}/installation"].sort();
    expect([...(absent["ghes-3.17"] ?? [])].sort()).toEqual(ofServer);
    expect([...(absent["ghes-3.19"] ?? [])].sort()).toEqual(ofServer);
    const one = "GET /enterprises/{enterprise}/actions/runners/{runner_id}";
    expect([...(absent.dotcom ?? [])].sort()).toEqual([...ofServer, ...ENTERPRISE_RUNNERS, one].sort());
  });

  it("no installation token may touch an enterprise's runners, nor read who somebody is", () => {
    const { calls } = readDescription("ghec");
    const refused = Object.entries(calls).filter(([, { isForApps }]) => !isForApps);
    const names = refused.map(([name]) => name);
    expect(names).toEqual(expect.arrayContaining(ENTERPRISE_RUNNERS));
    // The rest is what the App asks in its own name, or what only a token asks.
    const others = names.filter((name) => !/ \/enterprises\/|\/installation$| \/app/.test(name));
    expect(others.sort()).toEqual(["GET /user", "GET /user/repos"]);
  });
});

describe("the descriptions can say no", () => {
  const LIST = "/orgs/acme/actions/runners";
  it.each<[name: string, method: string, path: string, query: string, body: unknown]>([
    ["a query that is not described", "GET", LIST, "label=x", undefined],
    ["a number that is none", "GET", LIST, "page=one", undefined],
    ["more than a page", "GET", LIST, "per_page=101", undefined],
    ["a word that is not in the list", "GET", "/repos/acme/widgets/actions/runs", "status=running", undefined],
    ["an id that is none", "GET", `${LIST}/seven`, "", undefined],
    ["a body where there is none", "DELETE", `${LIST}/7`, "", {}],
    ["a body that lacks what is required", "POST", `${LIST}/generate-jitconfig`, "", { name: "x" }],
    [
      "a property that is not described",
      "POST",
      `${LIST}/generate-jitconfig`,
      "",
      { name: "x", runner_group_id: 1, labels: ["x"], ephemeral: true },
    ],
  ])("%s", (_name, method, path, query, body) => {
    for (const place of DESCRIPTION_NAMES) {
      const call = describeCall(place, method, path);
      expect(call?.checkRequest(new URLSearchParams(query), body)).not.toEqual([]);
    }
  });

  it("an id of any size is one", () => {
    const call = describeCall("dotcom", "GET", `/app/hook/deliveries/${GIVEN.deliveryId}`);
    expect(call?.name).toBe("GET /app/hook/deliveries/{delivery_id}");
    expect(call?.checkRequest(new URLSearchParams(), undefined)).toEqual([]);
  });

  it("a literal path goes before a parameter, and an empty part is no parameter", () => {
    expect(describeCall("dotcom", "POST", `${LIST}/generate-jitconfig`)?.name).toContain("generate-jitconfig");
    expect(describeCall("dotcom", "GET", `${LIST}/`)).toBeNull();
    expect(describeCall("dotcom", "PUT", LIST)).toBeNull();
  });

  it("an older server may know fewer properties, but not have others' types", () => {
    const runner = { id: 1, name: "x", os: "linux", status: "online", busy: false, labels: [], future: true };
    const listed = (value: object) => ({ total_count: 1, runners: [value] });
    const check = (place: DescriptionName, value: object) =>
      describeCall(place, "GET", LIST)?.checkAnswer(200, listed(value));
    expect(check("dotcom", runner)).toHaveLength(1);
    expect(check("ghes-3.17", runner)).toEqual([]);
    expect(check("ghes-3.17", { ...runner, busy: "no" })).toHaveLength(1);
  });

  it("the least of an answer keeps what is required, and takes null where it may", () => {
    const schema = {
      required: ["kept", "emptied"],
      properties: { kept: { type: "string" }, dropped: { type: "string" }, emptied: { type: ["string", "null"] } },
    };
    expect(leastOf({ kept: "a", dropped: "b", emptied: "c" }, schema, {})).toEqual({ kept: "a", emptied: null });
  });
});
