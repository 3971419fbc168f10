// Each refusal and breakage as GitHub words it, given to every method of the adapter: which code comes of it, that the
// error says what was attempted, and that none of them becomes a fact about a runner.
import { describe, expect, it } from "vitest";
import { GitHubError, type GitHubErrorCode } from "../../src/domain/errors.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import {
  APP_HOOK,
  attempt,
  GIVEN,
  type Given,
  METHOD_NAMES,
  type MethodName,
  WIDGETS,
} from "./github/adapter-calls.ts";
import { type Answering, appAuth, type Connected, connectTo, TOKEN } from "./github/connecting.ts";
import { answerAsDescribed } from "./github/described-github.ts";
import { answerOf, RECORDED_FAILURES, type RecordedFailure } from "./github/recorded-failures.ts";

/** A code, whether it was thrown or told as `unknown`; else what the method says. */
type Outcome = GitHubErrorCode | "absent" | "busy" | "deleted" | "present" | "refused" | "done" | "null";

interface Expected {
  readonly code: GitHubErrorCode;
  /** Of the methods that take it otherwise. */
  readonly but?: Partial<Record<MethodName, Outcome>>;
  /** Where it is the answer to the App's own sign-in. */
  readonly signIn?: GitHubErrorCode;
  readonly waitMs?: number;
}

const UNAUTHORIZED: Expected = { code: "github-unauthorized" };
const CLOCK_SKEW: Expected = { code: "github-clock-skew" };
const FORBIDDEN: Expected = { code: "github-forbidden" };
/** What may not run again now, or ever: another look at the run tells which. */
const NOT_AGAIN: Expected = { code: "github-forbidden", but: { rerunJob: "refused" } };
const INVALID: Expected = { code: "github-invalid" };
const UNAVAILABLE: Expected = { code: "github-unavailable" };
/**
 * By the ports' contract a 404 to a question about one thing is its absence. GitHub also hides so what we may not see,
 * which is why an absence is never a proof that nothing runs.
 */
const NOT_FOUND: Expected = {
  code: "github-not-found",
  but: {
    deleteRunner: "absent",
    getJob: "absent",
    getRun: "absent",
    readDeprecation: "absent",
    readPayload: "null",
    findHooks: "github-forbidden",
  },
  signIn: "github-not-installed",
};
const MOVED: Expected = { code: "github-not-found" };
/** Whatever a 422 says: GitHub lists no other reason for it there, and a runner that is kept loses nothing. */
const UNPROCESSABLE: Expected = { code: "github-invalid", but: { deleteRunner: "busy" } };
const limited = (waitMs: number): Expected => ({ code: "github-rate-limited", waitMs });

const EXPECTED: Readonly<Record<string, Expected>> = {
  "200-empty": { code: "github-invalid", but: { mintTicket: "github-unavailable", redeliver: "done" } },
  "200-of-another-shape": {
    code: "github-invalid",
    but: { mintTicket: "github-unavailable", redeliver: "done", readPayload: "null" },
  },
  "200-page-of-a-portal": UNAVAILABLE,
  "200-truncated": UNAVAILABLE,
  "204-empty": { code: "github-invalid", but: { deleteRunner: "deleted", mintTicket: "github-unavailable" } },
  "301-moved-elsewhere": MOVED,
  "301-moved-without-an-address": MOVED,
  "307-moved-in-a-circle": MOVED,
  "400-api-version-unknown": INVALID,
  "401-bad-credentials": UNAUTHORIZED,
  "401-expired-installation-token": UNAUTHORIZED,
  "401-jwt-expired": CLOCK_SKEW,
  "401-jwt-expires-too-late": CLOCK_SKEW,
  "401-jwt-issued-in-the-future": CLOCK_SKEW,
  "401-requires-authentication": UNAUTHORIZED,
  "403-abuse-detection": limited(MINUTE_MS),
  "403-archived-repository": FORBIDDEN,
  "403-ip-allow-list": FORBIDDEN,
  "403-job-of-an-old-attempt": NOT_AGAIN,
  "403-needs-admin-rights": FORBIDDEN,
  "403-not-accessible-by-integration": FORBIDDEN,
  "403-not-accessible-by-token": FORBIDDEN,
  "403-of-a-proxy": UNAVAILABLE,
  "403-primary-limit": limited(10 * MINUTE_MS),
  "403-run-already-running": NOT_AGAIN,
  "403-run-cannot-be-retried": NOT_AGAIN,
  "403-secondary-limit": limited(MINUTE_MS),
  "403-secondary-limit-without-a-wait": limited(MINUTE_MS),
  "403-single-sign-on": FORBIDDEN,
  "403-suspended-installation": { code: "github-suspended" },
  "403-too-many-bad-logins": FORBIDDEN,
  "403-upgrade-your-plan": FORBIDDEN,
  "404-hidden": NOT_FOUND,
  "404-not-installed": NOT_FOUND,
  "404-unknown-app": { ...NOT_FOUND, code: "github-unauthorized", signIn: "github-unauthorized" },
  "407-proxy-wants-a-password": UNAVAILABLE,
  "409-name-taken": { code: "github-invalid", but: { mintTicket: "github-name-taken" } },
  "410-api-version-retired": INVALID,
  "422-busy": UNPROCESSABLE,
  "422-busy-in-older-words": UNPROCESSABLE,
  "422-runner-group-full": {
    code: "github-invalid",
    but: { mintTicket: "github-runners-full", deleteRunner: "busy" },
  },
  "422-validation-failed": UNPROCESSABLE,
  "429-of-a-proxy": limited(MINUTE_MS),
  "429-primary-limit": limited(10 * MINUTE_MS),
  "429-secondary-limit": limited(2 * MINUTE_MS),
  "500-server-error": UNAVAILABLE,
  "500-unicorn-page": UNAVAILABLE,
  "502-server-error": UNAVAILABLE,
  "502-unicorn-page": UNAVAILABLE,
  "503-maintenance-mode": UNAVAILABLE,
  "503-unavailable": UNAVAILABLE,
  "503-with-a-wait": { code: "github-unavailable", waitMs: 30 * SECOND_MS },
  "504-gateway-timeout": UNAVAILABLE,
};

/** What every error says by itself: what was being done, and to what. */
const ATTEMPTED: Readonly<Record<MethodName, RegExp>> = {
  mintTicket: /^minting the ticket holdfast-t1 in \/repos\/acme\/widgets$/,
  findRunner: /^listing the runners of \/orgs\/acme$/,
  listRunners: /^listing the runners of \/orgs\/acme$/,
  deleteRunner: /^deleting the registration 23 of \/orgs\/acme$/,
  getJob: /^reading the job 399444496 of acme\/widgets$/,
  getRun: /^(reading the run|listing the jobs of the run) 30433642 of acme\/widgets$/,
  rerunJob: /^asking that the job 399444496 of acme\/widgets runs again$/,
  listOpenJobs: /^listing the (queued|in_progress|waiting|pending) runs of \/repos\/acme\/widgets$/,
  listRepositories: /^listing the repositories of (acme|the token)$/,
  readDeprecation: /^asking until when the runner version 2\.336\.0 is taken in \/orgs\/acme$/,
  findHooks: /^listing the webhooks of \/orgs\/acme$/,
  listDeliveries: /^listing the deliveries of \/orgs\/acme\/hooks\/17$/,
  listFailedDeliveries: /^listing the deliveries of \/orgs\/acme\/hooks\/17$/,
  redeliver: /^asking for the delivery 18014398509481985 of \/orgs\/acme\/hooks\/17 again$/,
  readPayload: /^reading the delivery 18014398509481985 of \/orgs\/acme\/hooks\/17$/,
  describe: /^reading whose token it is$/,
  listRunnerGroups: /^listing the runner groups of \/orgs\/acme$/,
};

/** A ticket in an organization needs the runner group's number first; in a repository the call is the only one. */
function givenOf(name: MethodName): Given {
  return name === "mintTicket" ? { ...GIVEN, scope: WIDGETS } : GIVEN;
}

interface Told {
  readonly outcome: Outcome;
  readonly error: GitHubError | null;
}

async function tell(connected: Connected, name: MethodName, given: Given): Promise<Told> {
  try {
    return { outcome: outcomeOf(await attempt(connected.connection, name, given)), error: null };
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    return { outcome: error.code, error };
  }
}

function outcomeOf(said: unknown): Outcome {
  if (said === undefined) return "done";
  if (said === null) return "null";
  if (said === "absent" || said === "busy" || said === "deleted" || said === "refused") return said;
  const { kind, code } = said as { readonly kind?: Outcome | "unknown"; readonly code?: GitHubErrorCode };
  if (kind === "unknown" && code !== undefined) return code;
  return kind === "absent" ? "absent" : "present";
}

async function tellAll(answering: Answering): Promise<Readonly<Record<string, Told>>> {
  const told: Record<string, Told> = {};
  // A connection of its own for each, since a rate limit holds back what comes after it.
  for (const name of METHOD_NAMES) told[name] = await tell(connectTo(answering), name, givenOf(name));
  return told;
}

function expectationOf({ name }: RecordedFailure): Expected {
  const expected = EXPECTED[name];
  if (expected === undefined) throw new Error(`nothing is expected of ${name}`);
  return expected;
}

const ROWS = RECORDED_FAILURES.map((failure) => [failure.name, failure] as const);

describe("to every method", () => {
  it.each(ROWS)("%s", async (_name, failure) => {
    const { code, but = {}, waitMs } = expectationOf(failure);
    const told = await tellAll(() => answerOf(failure));
    const outcomes = Object.fromEntries(Object.entries(told).map(([name, { outcome }]) => [name, outcome]));
    expect(outcomes).toEqual({ ...Object.fromEntries(METHOD_NAMES.map((name) => [name, code])), ...but });
    for (const name of METHOD_NAMES) {
      const { error } = told[name] ?? { error: null };
      if (error === null) continue;
      expect(error.message).toMatch(ATTEMPTED[name]);
      expect(error.cause).toBeInstanceOf(Error);
      expect(wholeOf(error)).not.toContain(TOKEN);
      expect(error.retryAfterMs).toBe(waitMs ?? null);
    }
  });
});

/** All that a log would show of it. */
function wholeOf(error: unknown): string {
  const parts: string[] = [];
  for (let one = error; one instanceof Error; one = one.cause) parts.push(String(one.stack));
  return parts.join("\n");
}

describe("to an App that signs in, whatever it wants to do", () => {
  const SIGN_IN = ["/orgs/acme/installation", "/access_tokens"] as const;
  const NAMES = ["mintTicket", "findRunner", "listRunners", "deleteRunner", "getJob", "listOpenJobs"] as const;

  it.each(ROWS)("%s", async (_name, failure) => {
    const { code, signIn = code, waitMs } = expectationOf(failure);
    const rest = answerAsDescribed("ghec", "example");
    for (const path of SIGN_IN) {
      const answering: Answering = (request, init) =>
        request.path.startsWith("/repositories") || isSignIn(request.path, path)
          ? answerOf(failure)
          : rest(request, init);
      for (const name of NAMES) {
        const connected = connectTo(answering, { auth: appAuth() });
        const { outcome, error } = await tell(connected, name, { ...GIVEN, hook: APP_HOOK });
        expect({ path, name, outcome }).toEqual({ path, name, outcome: signIn });
        if (error === null) continue;
        expect(error.message).toMatch(/^(signing in as the App|finding the App's installation) for acme$/);
        expect(error.retryAfterMs).toBe(waitMs ?? null);
      }
    }
  });

  function isSignIn(path: string, wanted: (typeof SIGN_IN)[number]): boolean {
    const isLookUp = path.endsWith("/installation");
    return wanted === "/access_tokens" ? path.endsWith(wanted) : isLookUp;
  }
});

describe("to the look for the runner group", () => {
  /** Not for us, or not there: older servers and tokens with fewer permissions have no list of groups. */
  const CANNOT_BE_LOOKED_FOR: readonly GitHubErrorCode[] = ["github-forbidden", "github-not-found", "github-invalid"];

  it.each(ROWS)(
    "%s: the group Default is 1 where it cannot be looked for, and waits for all else",
    async (_n, failure) => {
      const { code, waitMs } = expectationOf(failure);
      const rest = answerAsDescribed("ghec", "example");
      const connected = connectTo((request, init) =>
        request.path.endsWith("/runner-groups") ? answerOf(failure) : rest(request, init),
      );
      const { outcome, error } = await tell(connected, "mintTicket", GIVEN);
      const minted = connected.seen.filter(({ method }) => method === "POST").map(({ body }) => body);
      if (CANNOT_BE_LOOKED_FOR.includes(code)) {
        expect(outcome).toBe("present");
        expect(minted).toMatchObject([{ runner_group_id: 1 }]);
        return;
      }
      expect(outcome).toBe(code);
      expect(error?.retryAfterMs).toBe(waitMs ?? null);
      expect(minted).toEqual([]);
    },
  );
});

describe("a connection that breaks", () => {
  it.each<[name: string, answering: Answering]>([
    ["before an answer", () => Promise.reject(new TypeError("fetch failed", { cause: new Error("read ECONNRESET") }))],
    ["by its time limit", () => Promise.reject(new DOMException("The operation timed out", "TimeoutError"))],
    ["in the middle of a body", () => new Response(halfABody(), { status: 200 })],
    ["in the middle of a refusal", () => new Response(halfABody(), { status: 404 })],
  ])("%s is an effect unknown", async (_name, answering) => {
    const told = await tellAll(answering);
    for (const name of METHOD_NAMES) expect([name, told[name]?.outcome]).toEqual([name, "github-unavailable"]);
  });

  function halfABody(): ReadableStream<Uint8Array> {
    return new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode('{"total_count": 1'));
        controller.error(new TypeError("terminated"));
      },
    });
  }
});

describe("the records", () => {
  it("are each expected to become something, and say where they are from", () => {
    expect(RECORDED_FAILURES.map(({ name }) => name).sort()).toEqual(Object.keys(EXPECTED).sort());
    for (const { name, source, status } of RECORDED_FAILURES) {
      expect(source).toMatch(/^(https:\/\/(docs\.)?github\.com\/\S+( \(.+\))?|none published: shape inferred)$/);
      expect(name.startsWith(`${status}-`)).toBe(true);
    }
  });

  it("become facts about a runner in the answers to one deletion only", () => {
    const RUNNER_METHODS = ["mintTicket", "findRunner", "listRunners", "deleteRunner"] as const;
    const facts = Object.entries(EXPECTED).flatMap(([failure, { but = {} }]) =>
      RUNNER_METHODS.flatMap((method) => {
        const outcome = but[method];
        return outcome === undefined || outcome.startsWith("github-") ? [] : [`${failure}: ${method} ${outcome}`];
      }),
    );
    expect(facts).toEqual([
      "204-empty: deleteRunner deleted",
      "404-hidden: deleteRunner absent",
      "404-not-installed: deleteRunner absent",
      "404-unknown-app: deleteRunner absent",
      "422-busy: deleteRunner busy",
      "422-busy-in-older-words: deleteRunner busy",
      "422-runner-group-full: deleteRunner busy",
      "422-validation-failed: deleteRunner busy",
    ]);
  });
});
