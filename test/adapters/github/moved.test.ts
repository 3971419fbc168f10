// Renamed and transferred repositories: GitHub answers with the place by number, `/repositories/{id}/…`.
import { describe, expect, it } from "vitest";
import { issuePermit, PERMIT_LIFE_MS } from "../../../src/domain/permit.ts";
import { epoch, heard, jobId, runnerId, ticket } from "../../domain/builders.ts";
import { type Answers, type Asked, connect, failureOf, startStandIn } from "./stand-in.ts";

const OLD = { kind: "repository", owner: "acme", repository: "old" } as const;
const MINT = { scope: OLD, runnerName: "holdfast-t1", labels: ["linux"], runnerGroup: "Default" };

function permit() {
  const over = ticket({ state: "spent", scope: OLD, runnerId: runnerId(42) });
  const decision = issuePermit({ kind: "delete-registration", ticket: over, epoch: epoch(), time: heard() });
  if (decision.kind === "refused") throw new Error(decision.missing.join());
  return decision.permit;
}

/** Everything of the old name is at number 9 now. */
function moved(asked: Asked, status: number, origin = ""): Answers | null {
  if (!asked.path.startsWith("/repos/acme/old")) return null;
  const query = asked.query.toString();
  const path = asked.path.replace("/repos/acme/old", "/repositories/9");
  return {
    status,
    headers: { location: `${origin}${path}${query === "" ? "" : `?${query}`}` },
    body: { message: "Moved" },
  };
}

const calls = (asked: readonly Asked[]) => asked.map(({ method, path }) => `${method} ${path}`);

describe.each([301, 302, 307, 308])("moved, %i", (status) => {
  it("a listing is read at the new place", async () => {
    const empty: Answers = { status: 200, body: { total_count: 0, runners: [] } };
    const standIn = await startStandIn((asked) => moved(asked, status) ?? empty);
    await expect(connect(standIn.apiUrl).github.listRunners(OLD)).resolves.toEqual([]);
    expect(calls(standIn.asked)).toEqual([
      "GET /repos/acme/old/actions/runners",
      "GET /repositories/9/actions/runners",
    ]);
    expect(standIn.asked[1]?.query.get("per_page")).toBe("100");
  });

  it("a ticket is minted there, by the same method with the same body", async () => {
    const body = { runner: { id: 7 }, encoded_jit_config: "e30=" };
    const standIn = await startStandIn((asked) => moved(asked, status) ?? { status: 201, body });
    await expect(connect(standIn.apiUrl).github.mintTicket(MINT)).resolves.toMatchObject({ runnerId: 7 });
    const [first, second] = standIn.asked;
    expect(calls(standIn.asked)).toEqual([
      "POST /repos/acme/old/actions/runners/generate-jitconfig",
      "POST /repositories/9/actions/runners/generate-jitconfig",
    ]);
    expect(second?.body).toEqual(first?.body);
    expect(second?.headers.authorization).toBe(first?.headers.authorization);
  });

  it("a registration is deleted there", async () => {
    const standIn = await startStandIn((asked) => moved(asked, status) ?? { status: 204 });
    await expect(connect(standIn.apiUrl).github.deleteRunner(permit())).resolves.toBe("deleted");
    expect(calls(standIn.asked)).toEqual([
      "DELETE /repos/acme/old/actions/runners/42",
      "DELETE /repositories/9/actions/runners/42",
    ]);
  });
});

it("a permit that expires on the way deletes nothing at the new place", async () => {
  const standIn = await startStandIn((asked) => {
    connected.clock.ms += PERMIT_LIFE_MS;
    return moved(asked, 307) ?? { status: 204 };
  });
  const connected = connect(standIn.apiUrl);
  await expect(connected.github.deleteRunner(permit())).rejects.toMatchObject({ code: "permit-stale" });
  expect(calls(standIn.asked)).toEqual(["DELETE /repos/acme/old/actions/runners/42"]);
});

describe("is not followed", () => {
  it("to another server, which would see our credentials", async () => {
    const other = await startStandIn(() => ({ status: 204 }));
    const standIn = await startStandIn((asked) => moved(asked, 307, other.apiUrl) ?? { status: 500 });
    const { github } = connect(standIn.apiUrl);
    await expect(github.deleteRunner(permit())).rejects.toMatchObject({ code: "github-not-found" });
    await expect(github.mintTicket(MINT)).rejects.toMatchObject({ code: "github-not-found" });
    await expect(github.listRunners(OLD)).rejects.toMatchObject({ code: "github-not-found" });
    expect(other.asked).toEqual([]);
  });

  it.each([
    "/repos/other/place/actions/runners/43",
    "/repositories/9/actions/runners/142",
    "/repositories/9",
    "/orgs/acme/actions/runner-groups/42",
  ])("to something else than was to be changed: %s", async (location) => {
    const standIn = await startStandIn((asked) =>
      asked.path.startsWith("/repos/acme/old") ? { status: 307, headers: { location } } : { status: 204 },
    );
    const { github } = connect(standIn.apiUrl);
    await expect(github.deleteRunner(permit())).rejects.toMatchObject({ code: "github-not-found" });
    await expect(github.mintTicket(MINT)).rejects.toMatchObject({ code: "github-not-found" });
    expect(standIn.asked.map(({ path }) => path.startsWith("/repos/acme/old"))).toEqual([true, true]);
  });

  it("out of the interface, to another part of the same server", async () => {
    const standIn = await startStandIn(({ path }) =>
      path.startsWith("/api/v3/") ? { status: 307, headers: { location: "/login" } } : { status: 204 },
    );
    const { github } = connect(`${standIn.apiUrl}/api/v3`);
    await expect(github.deleteRunner(permit())).rejects.toMatchObject({ code: "github-not-found" });
    expect(standIn.asked).toHaveLength(1);
  });

  it.each<readonly [string, Answers]>([
    ["without a place", { status: 301 }],
    ["to no address", { status: 301, headers: { location: "http://" } }],
    ["303, which asks for another method", { status: 303, headers: { location: "/elsewhere" } }],
  ])("%s", async (_name, answer) => {
    const standIn = await startStandIn(() => answer);
    const error = await failureOf(connect(standIn.apiUrl).github.deleteRunner(permit()));
    expect(error).toMatchObject({ code: "github-not-found" });
    expect(standIn.asked).toHaveLength(1);
  });

  it("more than three times", async () => {
    const standIn = await startStandIn((_asked, count) => ({
      status: 301,
      headers: { location: `/repositories/${count}` },
    }));
    const seen = await connect(standIn.apiUrl).github.getJob("acme/old", jobId());
    expect(seen).toMatchObject({ kind: "unknown", code: "github-not-found" });
    expect(standIn.asked).toHaveLength(4);
  });
});
