import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { DAY_MS, SECOND_MS } from "../../src/domain/units.ts";
import { firstApp } from "../../src/simulator/github/apps.ts";
import { recordAttempt, takeDueSends } from "../../src/simulator/github/outbox.ts";
import { handleRest } from "../../src/simulator/github/rest.ts";
import type { GitHubState } from "../../src/simulator/github/state.ts";
import type { SimulatedGitHub } from "../../src/simulator/server/simulated-github.ts";
import { useGitHub, WAIT_MS } from "./github-house.ts";
import { appJwt } from "./scripted-runner.ts";
import { createWorld, queue, START_MS } from "./world.ts";

interface Listed {
  readonly id: number;
  readonly guid: string;
  readonly event: string;
  readonly action: string | null;
  readonly status: string;
  readonly status_code: number;
  readonly redelivery: boolean;
}

describe("the record of deliveries", () => {
  const attempt = { durationMs: 30, failure: null, response: null };
  const ask = (state: GitHubState, target: string, nowMs = START_MS) => {
    const [path = "", query = ""] = target.split("?");
    const caller = { kind: "app", app: firstApp(state) } as const;
    const request = {
      path,
      query: new URLSearchParams(query),
      body: { kind: "none" },
      caller,
      bearer: "",
      ifNoneMatch: null,
    } as const;
    const { answer } = handleRest(state, { method: "GET", ...request }, nowMs);
    return { status: answer.status, text: answer.text ?? "", link: answer.headers.link ?? "" };
  };
  const list = (state: GitHubState, query = "", nowMs = START_MS) =>
    JSON.parse(ask(state, `/app/hook/deliveries${query}`, nowMs).text) as readonly Listed[];

  /** Posts everything that is due and notes this answer to it. */
  function settle(state: GitHubState, statusCode: number | null, atMs = START_MS): void {
    for (const { deliveryId, isRedelivery } of takeDueSends(state, atMs)) {
      const failure = statusCode === null ? "failed to connect to host" : null;
      recordAttempt(state, deliveryId, { ...attempt, failure, atMs, statusCode, isRedelivery });
    }
  }

  it("has one entry for each attempt, newest first, and none for what was never attempted", () => {
    const state = createWorld();
    settle(state, 200);
    queue(state, { webhooks: { drop: ["queued"] } });
    queue(state);
    settle(state, null, START_MS + SECOND_MS);
    queue(state);
    settle(state, 503, START_MS + 2 * SECOND_MS);
    const listed = list(state);
    expect(listed.map(({ event, action, status, status_code: code }) => [event, action, status, code])).toEqual([
      ["workflow_job", "queued", "Invalid HTTP Response: 503", 503],
      ["workflow_job", "queued", "failed to connect to host", 0],
      ["ping", null, "OK", 200],
    ]);
    expect(new Set(listed.map(({ id }) => id)).size).toBe(3);
    expect(list(state, "?status=failure")).toHaveLength(2);
    expect(list(state, "?status=success")).toHaveLength(1);
  });

  it("is paged by a cursor, which newer attempts do not move", () => {
    const state = createWorld();
    for (let count = 0; count < 4; count += 1) queue(state);
    settle(state, 503);
    const whole = list(state).map(({ id }) => id);
    const ids: number[] = [];
    let target: string | undefined = "/app/hook/deliveries?per_page=2";
    for (let pageCount = 0; target !== undefined && pageCount < 9; pageCount += 1) {
      const page = ask(state, target);
      ids.push(...(JSON.parse(page.text) as readonly Listed[]).map(({ id }) => id));
      target = /<([^>]+)>; rel="next"/.exec(page.link)?.[1]?.replace(state.apiUrl, "");
      queue(state);
      settle(state, 503);
    }
    expect(ids).toEqual(whole);
    expect(ask(state, "/app/hook/deliveries?cursor=mine").status).toBe(400);
  });

  it("is kept for three days", () => {
    const state = createWorld();
    settle(state, 503);
    expect(list(state, "", START_MS + 3 * DAY_MS)).toHaveLength(1);
    expect(list(state, "", START_MS + 3 * DAY_MS + 1)).toEqual([]);
  });

  it("has ids that a JSON number does not hold, where it is told so", () => {
    const state = createWorld({ hasLargeDeliveryIds: true });
    settle(state, 503);
    const [id = ""] = /(?<="id":)\d+/.exec(ask(state, "/app/hook/deliveries").text) ?? [];
    expect(BigInt(id)).toBeGreaterThan(BigInt(Number.MAX_SAFE_INTEGER));
    expect(ask(state, `/app/hook/deliveries/${id}`).text).toContain(`"id":${id},`);
    expect(ask(state, `/app/hook/deliveries/${BigInt(id) + 1n}`).status).toBe(404);
  });
});

describe("over HTTP", () => {
  const house = useGitHub();

  async function settled(own: SimulatedGitHub, count: number): Promise<void> {
    const attempts = () => own.deliveries().flatMap((delivery) => delivery.attempts);
    await own.waitFor(`${count} attempts`, () => attempts().length >= count, WAIT_MS);
  }

  const asApp = (method: string, path: string) => house.call(method, path, undefined, appJwt(house.github.appId));

  it("the App's hook and its deliveries can be read and asked for again", async () => {
    house.receiver.answerWith(503);
    house.github.setWebhook({ url: house.receiver.url, secret: "s" });
    await settled(house.github, 1);
    expect((await asApp("GET", "/app/hook/config")).body).toEqual({
      url: house.receiver.url,
      content_type: "json",
      insecure_ssl: "0",
      secret: "********",
    });
    const [failed] = (await asApp("GET", "/app/hook/deliveries")).body;
    expect(failed).toMatchObject({ status_code: 503, redelivery: false, installation_id: null });
    const { body } = await asApp("GET", `/app/hook/deliveries/${failed.id}`);
    const [sent] = house.receiver.received;
    expect(body.request.payload).toEqual(sent?.payload);
    const signature = `sha256=${createHmac("sha256", "s")
      .update(sent?.body ?? "")
      .digest("hex")}`;
    expect(body.request.headers).toMatchObject({ "X-GitHub-Delivery": failed.guid, "X-Hub-Signature-256": signature });
    house.receiver.answerWith(202);
    const again = await asApp("POST", `/app/hook/deliveries/${failed.id}/attempts`);
    expect([again.status, again.body]).toEqual([202, {}]);
    await settled(house.github, 2);
    const listed: readonly Listed[] = (await asApp("GET", "/app/hook/deliveries")).body;
    expect(listed.map(({ guid, status_code: code, redelivery }) => [guid, code, redelivery])).toEqual([
      [failed.guid, 202, true],
      [failed.guid, 503, false],
    ]);
    expect((await asApp("POST", "/app/hook/deliveries/1/attempts")).status).toBe(404);
    expect((await house.call("GET", "/app/hook/deliveries")).status).toBe(401);
  });

  it("an organization's and a repository's hooks are their own", async () => {
    const { url } = house.receiver;
    const inOrganization = house.github.addHook({ kind: "organization", organization: "acme" }, { url, secret: "o" });
    const inRepository = house.github.addHook({ kind: "repository", fullName: "acme/widgets" }, { url, secret: "r" });
    house.github.queueJob({ repository: "acme/gears", labels: ["x"], steps: ["true"] });
    await settled(house.github, 3);
    const hooks = await house.call("GET", "/orgs/acme/hooks");
    expect(hooks.body).toMatchObject([{ id: inOrganization, type: "Organization", config: { url } }]);
    expect((await house.call("GET", "/repos/acme/widgets/hooks")).body).toMatchObject([{ id: inRepository }]);
    const events = async (path: string) =>
      ((await house.call("GET", `${path}/deliveries`)).body as readonly Listed[]).map(({ event }) => event).sort();
    expect(await events(`/orgs/acme/hooks/${inOrganization}`)).toEqual(["ping", "workflow_job"]);
    expect(await events(`/repos/acme/widgets/hooks/${inRepository}`)).toEqual(["ping"]);
    expect((await house.call("GET", `/orgs/acme/hooks/${inRepository}/deliveries`)).status).toBe(404);
    const [foreign] = (await house.call("GET", `/repos/acme/widgets/hooks/${inRepository}/deliveries`)).body;
    expect((await house.call("GET", `/orgs/acme/hooks/${inOrganization}/deliveries/${foreign.id}`)).status).toBe(404);
    const payload = house.receiver.received.find(({ event }) => event === "workflow_job")?.payload;
    expect(payload).not.toHaveProperty("installation");
  });

  it("tells a receiver that is silent from one that is not there", async () => {
    const own = await house.startOther({ webhookAnswerTimeoutMs: 50 });
    house.receiver.answerWith("silence");
    own.setWebhook({ url: house.receiver.url, secret: "s" });
    await settled(own, 1);
    await house.receiver.close();
    own.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    await settled(own, 2);
    await house.replaceReceiver();
    const { body } = await house.call("GET", "/app/hook/deliveries", undefined, appJwt(own.appId), own);
    expect((body as readonly Listed[]).map(({ status, status_code: code }) => [status, code])).toEqual([
      ["failed to connect to host", 0],
      ["timed out", 0],
    ]);
  });

  it("sends a form to a hook that is set so, and nothing to one that is switched off", async () => {
    const { url } = house.receiver;
    house.github.setWebhook({ url, secret: "s", isActive: false });
    house.github.addHook({ kind: "organization", organization: "acme" }, { url, secret: "", contentType: "form" });
    await settled(house.github, 2);
    house.github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    await settled(house.github, 3);
    const deliveries = house.github.deliveries().filter(({ event }) => event === "workflow_job");
    expect(deliveries).toHaveLength(1);
    const received = house.receiver.received.find(({ event }) => event === "workflow_job");
    expect(received?.body).toMatch(/^payload=%7B/);
    expect(received?.headers).not.toHaveProperty("x-hub-signature-256");
    const { body } = await house.call("GET", "/orgs/acme/hooks");
    expect(body[0].config.content_type).toBe("form");
  });
});

describe("deliveries that fail", () => {
  const house = useGitHub();

  it("by lot are as many as told, the same for the same seed, and go through when asked for again", async () => {
    const failedOf = async (seed: number) => {
      const own = await house.startOther({ seed: 5 });
      own.setWebhook({ url: house.receiver.url, secret: "s" });
      own.failDeliveries({ fraction: 0.1, seed, actions: ["queued"] });
      const jobIds = Array.from({ length: 200 }, () =>
        own.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] }),
      );
      const isSettled = () => own.deliveries().every(({ attempts }) => attempts.length > 0);
      await own.waitFor("every delivery", isSettled, WAIT_MS);
      return { own, failed: own.deliveries().filter(({ status }) => status === "failed"), jobIds };
    };
    const [one, same, other] = [await failedOf(1), await failedOf(1), await failedOf(2)];
    const places = ({ failed, jobIds }: typeof one) => failed.map(({ jobId }) => jobIds.indexOf(jobId ?? 0));
    expect(one.failed.length).toBeGreaterThan(8);
    expect(one.failed.length).toBeLessThan(35);
    expect(places(one)).toEqual(places(same));
    expect(places(one)).not.toEqual(places(other));
    expect(one.failed[0]?.attempts).toMatchObject([{ statusCode: null, failure: "failed to connect to host" }]);
    for (const { guid } of one.failed) one.own.redeliver(guid);
    const isMended = () => one.own.deliveries().every(({ status }) => status === "delivered");
    await one.own.waitFor("the redeliveries", isMended, WAIT_MS);
  });

  it("by choice fail again and again until that ends", async () => {
    house.github.setWebhook({ url: house.receiver.url, secret: "s" });
    const ping = () => house.github.deliveries()[0];
    await house.github.waitFor("the ping", () => ping()?.status === "delivered", WAIT_MS);
    house.github.failDeliveries(({ action }) => action === "queued");
    house.github.queueJob({ repository: "acme/widgets", labels: ["x"], steps: ["true"] });
    const job = () => house.github.deliveries()[1];
    await house.github.waitFor("a failure", () => job()?.attempts.length === 1, WAIT_MS);
    house.github.redeliver(job()?.guid ?? "");
    await house.github.waitFor("another", () => job()?.attempts.length === 2, WAIT_MS);
    expect(job()?.status).toBe("failed");
    house.github.failDeliveries(null);
    house.github.redeliver(job()?.guid ?? "");
    await house.github.waitFor("the delivery", () => job()?.status === "delivered", WAIT_MS);
    expect(house.receiver.received).toHaveLength(2);
  });
});
