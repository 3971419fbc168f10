import { describe, expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { jobId, START_MS } from "../../domain/builders.ts";
import { type Answers, connect, failureOf, startStandIn, TOKEN, tellWhole } from "./stand-in.ts";

const ACME = { kind: "organization", organization: "acme" } as const;
const MINT = { scope: ACME, runnerName: "holdfast-t1", labels: ["linux"], runnerGroup: "Default" };
const RESET = String(Math.floor((START_MS + 10 * MINUTE_MS) / SECOND_MS));

function refusal(status: number, message = "no", headers: Readonly<Record<string, string>> = {}): Answers {
  return { status, headers, body: { message } };
}

type Row = readonly [name: string, answer: Answers, code: string];

const EVERYWHERE: readonly Row[] = [
  ["401", refusal(401, "Bad credentials"), "github-unauthorized"],
  ["403", refusal(403, "Resource not accessible by integration"), "github-forbidden"],
  [
    "401 about the time of a signature",
    refusal(401, "'Issued at' claim ('iat') must be an Integer"),
    "github-clock-skew",
  ],
  ["403, suspended", refusal(403, "This installation has been suspended"), "github-suspended"],
  ["403, suspended in other words", refusal(403, "Sorry. Your account was suspended."), "github-suspended"],
  ["403 with a rate limit that has room", refusal(403, "no", { "x-ratelimit-remaining": "12" }), "github-forbidden"],
  ["403, rate limit used up", refusal(403, "no", { "x-ratelimit-remaining": "0" }), "github-rate-limited"],
  ["403, asked to wait", refusal(403, "no", { "retry-after": "7" }), "github-rate-limited"],
  [
    "403, secondary limit by its words",
    refusal(403, "You have exceeded a secondary rate limit"),
    "github-rate-limited",
  ],
  ["429", refusal(429), "github-rate-limited"],
  ["404", refusal(404, "Not Found"), "github-not-found"],
  ["307, moved", { status: 307, headers: { location: "http://127.0.0.1:1/elsewhere" } }, "github-not-found"],
  ["400", refusal(400), "github-invalid"],
  ["422", refusal(422, "Invalid request."), "github-invalid"],
  ["500", refusal(500), "github-unavailable"],
  ["502 with a page", { status: 502, body: "<html>Unicorn</html>" }, "github-unavailable"],
  ["503", refusal(503), "github-unavailable"],
  ["a connection that ends", "hang-up", "github-unavailable"],
  ["a body that is cut", "cut", "github-unavailable"],
  ["200 with a page", { status: 200, body: "<html>Sign in</html>" }, "github-unavailable"],
];

describe("minting", () => {
  const rows: readonly Row[] = [
    ...EVERYWHERE,
    ["409", refusal(409, "Already exists - A runner with the name *** already exists."), "github-name-taken"],
    [
      "422, the group is full",
      refusal(422, "Invalid Argument - Runner group 1 has reached max limit of 10000 runners."),
      "github-runners-full",
    ],
    [
      "403, the scope is full",
      refusal(403, "Maximum number of self-hosted runners reached for this organization"),
      "github-runners-full",
    ],
    ["422, the group is unknown", refusal(422, "Runner group not found"), "github-group-unknown"],
    ["422, another limit", refusal(422, "Invalid request. labels: maximum 100 items"), "github-invalid"],
    ["422, too many labels", refusal(422, "A runner has at most the limit of 100 labels"), "github-invalid"],
    // It took effect, and is resolved by name like a lost answer.
    ["201 in another shape", { status: 201, body: { runner: {} } }, "github-unavailable"],
  ];
  it.each(rows)("%s", async (_name, answer, code) => {
    const { apiUrl } = await startStandIn(() => answer);
    const { github } = connect(apiUrl);
    const error = await failureOf(github.mintTicket(MINT));
    expect(error).toMatchObject({ name: "GitHubError", code });
    expect(error.message).toBe("minting the ticket holdfast-t1 in /orgs/acme");
    expect(error.cause).toBeInstanceOf(Error);
  });
});

describe("listing", () => {
  const rows = EVERYWHERE.filter(([name]) => name !== "307, moved");
  it.each([
    ...rows,
    ["200 in another shape", { status: 200, body: { runners: [{ id: "x" }] } }, "github-invalid"],
  ] as const)("%s", async (_name, answer, code) => {
    const { apiUrl } = await startStandIn(() => answer);
    await expect(connect(apiUrl).github.listRunners(ACME)).rejects.toMatchObject({ name: "GitHubError", code });
  });
});

describe("a look never throws: what failed is unknown", () => {
  const rows = EVERYWHERE.filter(([name]) => name !== "307, moved");
  it.each(rows)("finding a runner: %s", async (_name, answer, code) => {
    const { apiUrl } = await startStandIn(() => answer);
    const seen = await connect(apiUrl).github.findRunner(ACME, "x");
    expect(seen).toEqual({ kind: "unknown", code, observedAtMs: START_MS });
  });

  it.each(rows.filter(([, , code]) => code !== "github-not-found"))(
    "reading a job: %s",
    async (_name, answer, code) => {
      const { apiUrl } = await startStandIn(() => answer);
      const seen = await connect(apiUrl).github.getJob("acme/widgets", jobId());
      expect(seen).toEqual({ kind: "unknown", code, observedAtMs: START_MS });
    },
  );

  it("a repository that would lead elsewhere is not asked for", async () => {
    const standIn = await startStandIn(() => refusal(404));
    const seen = await connect(standIn.apiUrl).github.getJob("acme/..", jobId());
    expect(seen).toMatchObject({ kind: "unknown", code: "github-invalid" });
    expect(standIn.asked).toEqual([]);
  });
});

describe("the wait that GitHub asks for", () => {
  it.each([
    ["seconds", { "retry-after": "30" }, 30 * SECOND_MS],
    [
      "seconds before the reset",
      { "retry-after": "30", "x-ratelimit-remaining": "0", "x-ratelimit-reset": RESET },
      30 * SECOND_MS,
    ],
    ["a date", { "retry-after": new Date(START_MS + 90 * SECOND_MS).toUTCString() }, 90 * SECOND_MS],
    ["the reset of the limit", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": RESET }, 10 * MINUTE_MS],
    ["a reset that is past", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1" }, SECOND_MS],
    ["not a number", { "retry-after": "soon" }, MINUTE_MS],
    ["nothing", {}, MINUTE_MS],
    ["more than its window", { "retry-after": "999999" }, HOUR_MS],
  ])("%s", async (_name, headers, retryAfterMs) => {
    const { apiUrl } = await startStandIn(() => refusal(429, "slow down", headers));
    await expect(connect(apiUrl).github.mintTicket(MINT)).rejects.toMatchObject({ retryAfterMs });
  });
});

it("a call that takes too long is unavailable, and counted as that", async () => {
  const late: typeof fetch = () => Promise.reject(new DOMException("The operation was aborted", "TimeoutError"));
  const { github, telemetry } = connect("http://127.0.0.1:1", { fetch: late });
  await expect(github.listRunners(ACME)).rejects.toMatchObject({ code: "github-unavailable" });
  expect(telemetry.counts).toEqual(["list-runners timeout"]);
});

it("every call has a time limit", async () => {
  const signals: unknown[] = [];
  const spy: typeof fetch = (_input, init) => {
    signals.push(init?.signal);
    return Promise.reject(new TypeError("fetch failed"));
  };
  await connect("http://127.0.0.1:1", { fetch: spy }).github.findRunner(ACME, "x");
  expect(signals).toEqual([expect.any(AbortSignal)]);
});

it("asks with the documented headers, and counts by operation and status", async () => {
  const standIn = await startStandIn(() => ({ status: 200, body: { total_count: 0, runners: [] } }));
  const { github, telemetry } = connect(standIn.apiUrl);
  await github.listRunners(ACME);
  expect(standIn.asked[0]?.headers).toMatchObject({
    accept: "application/vnd.github+json",
    "x-github-api-version": "2022-11-28",
    "user-agent": expect.stringMatching(/^holdfast\/\d/),
    authorization: `Bearer ${TOKEN}`,
  });
  expect(telemetry.counts).toEqual(["list-runners 200"]);
});

describe("secrets", () => {
  it.each([...EVERYWHERE, ["an answer that repeats it", refusal(403, `token ${TOKEN} is bad`), ""] as const])(
    "are in no error and no line: %s",
    async (_name, answer) => {
      const { apiUrl } = await startStandIn(() => answer);
      const { github, telemetry } = connect(apiUrl);
      const error = await failureOf(github.mintTicket(MINT));
      await github.findRunner(ACME, "x");
      expect(tellWhole(error) + telemetry.lines.join("\n")).not.toContain("SECRETOFTHETEST");
    },
  );

  it("a JIT configuration in an answer that is cut or of another shape is not repeated", async () => {
    for (const body of [
      '{"encoded_jit_config": "JITSECRET',
      { runner: { id: "x" }, encoded_jit_config: "JITSECRET" },
    ]) {
      const { apiUrl } = await startStandIn(() => ({ status: 201, body }));
      expect(tellWhole(await failureOf(connect(apiUrl).github.mintTicket(MINT)))).not.toContain("JITSECRET");
    }
  });

  it("a token with a line end is refused without being shown", () => {
    const auth = { kind: "token", token: `${TOKEN}\nx` } as const;
    let told = "";
    try {
      connect("http://127.0.0.1:1", { auth });
    } catch (error) {
      told = tellWhole(error);
    }
    expect(told).toContain("holds more than a token");
    expect(told).not.toContain("SECRETOFTHETEST");
  });
});
