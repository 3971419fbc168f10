import { describe, expect, it } from "vitest";
import { issuePermit, PERMIT_LIFE_MS, type RegistrationPermit } from "../../../src/domain/permit.ts";
import type { RegistrationScope } from "../../../src/domain/pool.ts";
import { SECOND_MS } from "../../../src/domain/units.ts";
import { connectionName, epoch, heard, runnerId, ticket } from "../../domain/builders.ts";
import { type Answers, connect, failureOf, startStandIn, TOKEN, tellWhole } from "./stand-in.ts";

const ACME = { kind: "organization", organization: "acme" } as const;

/** Issued at `START_MS`. */
function permit(scope: RegistrationScope = ACME, connection = connectionName()): RegistrationPermit {
  const over = ticket({ state: "spent", scope, connection, runnerId: runnerId(42) });
  const decision = issuePermit({ kind: "delete-registration", ticket: over, epoch: epoch(), time: heard() });
  if (decision.kind === "refused") throw new Error(decision.missing.join());
  return decision.permit;
}

const refusal = (status: number, message = "no"): Answers => ({ status, body: { message } });
const BUSY = 'Bad request - Runner "x" is currently running a job and cannot be deleted.';

describe("deleting a registration", () => {
  it.each([
    ["204", { status: 204 }, "deleted"],
    ["404", refusal(404), "absent"],
    ["422", refusal(422, BUSY), "busy"],
    ["422, whatever it says", refusal(422), "busy"],
    ["400 that says busy, as older servers do", refusal(400, BUSY), "busy"],
    ["500 that says busy, as older servers do", refusal(500, BUSY), "busy"],
  ] as const)("%s", async (_name, answer, want) => {
    const standIn = await startStandIn(() => answer);
    await expect(connect(standIn.apiUrl).github.deleteRunner(permit())).resolves.toBe(want);
    expect(standIn.asked).toMatchObject([{ method: "DELETE", path: "/orgs/acme/actions/runners/42" }]);
  });

  it.each([
    ["401", refusal(401), "github-unauthorized"],
    ["403", refusal(403), "github-forbidden"],
    ["429", refusal(429), "github-rate-limited"],
    ["400", refusal(400), "github-invalid"],
    ["500", refusal(500), "github-unavailable"],
    ["200, which it never is", { status: 200, body: {} }, "github-invalid"],
    ["a connection that ends", "hang-up", "github-unavailable"],
  ] as const)("%s is no word on the registration", async (_name, answer, code) => {
    const { apiUrl } = await startStandIn(() => answer);
    const error = await failureOf(connect(apiUrl).github.deleteRunner(permit()));
    expect(error).toMatchObject({ name: "GitHubError", code });
    expect(tellWhole(error)).not.toContain(TOKEN);
  });

  it("of a repository", async () => {
    const standIn = await startStandIn(() => ({ status: 204 }));
    const scope = { kind: "repository", owner: "acme", repository: "widgets" } as const;
    await connect(standIn.apiUrl).github.deleteRunner(permit(scope));
    expect(standIn.asked[0]?.path).toBe("/repos/acme/widgets/actions/runners/42");
  });
});

describe("without a good permit nothing is called", () => {
  it.each<readonly [string, () => RegistrationPermit, number]>([
    ["a copy", () => ({ ...permit() }) as RegistrationPermit, 0],
    ["a literal", () => Object.assign(Object.create(null), permit()) as RegistrationPermit, 0],
    ["expired", permit, PERMIT_LIFE_MS],
    ["for another connection", () => permit(ACME, connectionName("ghes")), 0],
  ])("%s", async (_name, make, laterMs) => {
    const standIn = await startStandIn(() => ({ status: 204 }));
    const { github, clock } = connect(standIn.apiUrl);
    clock.ms += laterMs;
    await expect(github.deleteRunner(make())).rejects.toMatchObject({ name: "HoldfastError", code: "permit-stale" });
    expect(standIn.asked).toEqual([]);
  });

  it("one ms before it expires it is good", async () => {
    const { apiUrl } = await startStandIn(() => ({ status: 204 }));
    const { github, clock } = connect(apiUrl);
    clock.ms += PERMIT_LIFE_MS - 1;
    await expect(github.deleteRunner(permit())).resolves.toBe("deleted");
  });

  it("one that expires while we sign in is looked at again", async () => {
    const { privateKey: privateKeyPem } = await import("node:crypto").then(({ generateKeyPairSync }) =>
      generateKeyPairSync("rsa", {
        modulusLength: 2048,
        publicKeyEncoding: { type: "spki", format: "pem" },
        privateKeyEncoding: { type: "pkcs1", format: "pem" },
      }),
    );
    const standIn = await startStandIn(({ path }) => {
      connected.clock.ms += 20 * SECOND_MS;
      if (path.endsWith("/installation")) return { status: 200, body: { id: 5 } };
      return { status: 201, body: { token: "ghs_x", expires_at: "2100-01-01T00:00:00Z" } };
    });
    const connected = connect(standIn.apiUrl, { auth: { kind: "app", appId: 1, privateKeyPem } });
    await expect(connected.github.deleteRunner(permit())).rejects.toMatchObject({ code: "permit-stale" });
    expect(standIn.asked.some(({ method }) => method === "DELETE")).toBe(false);
  });
});
