import type { Hono } from "hono";
import { raw } from "hono/html";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { formatInstant } from "../../../src/domain/instant.ts";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { withoutAges } from "../../../src/http/pages/ages.ts";
import { createPagesApp } from "../../../src/http/pages/app.ts";
import { INTERVAL_MS, LiveFeed, PAGES_MAX, STREAMS_MAX, UNSENT_BYTES_MAX } from "../../../src/http/pages/live-feed.ts";
import { type LivePage, part } from "../../../src/http/pages/parts.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import { openStore, type Store } from "../../../src/store/store.ts";
import { openSampleStore, sampleSources } from "../sample-fleet.ts";
import { recordTelemetry } from "../stand-ins.ts";

/** A clock whose sleeps end when the test says so. */
function steppedClock() {
  let nowMs = 0;
  let sleepers: (() => void)[] = [];
  const clock: Clock = {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: (_durationMs, signal) =>
      new Promise((resolve) => {
        sleepers.push(resolve);
        signal?.addEventListener("abort", () => resolve());
      }),
  };
  /** Until every reading that was due has been told. */
  const step = async (ms: number = INTERVAL_MS) => {
    nowMs += ms;
    const due = sleepers;
    sleepers = [];
    for (const wake of due) wake();
    await settle();
  };
  return { clock, step };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

const pageOf = (bodies: Record<string, string>, title = "t"): LivePage => ({
  title,
  now: formatInstant(0),
  isOver: false,
  parts: Object.entries(bodies).map(([id, body]) => part(id, raw(body))),
});

function openFeed() {
  const { clock, step } = steppedClock();
  const telemetry = recordTelemetry();
  return { feed: new LiveFeed({ clock, telemetry }), step, telemetry };
}

/** What has been sent so far, as text. */
function listen(stream: ReadableStream<Uint8Array> | null) {
  if (stream === null) throw new Error("the stream was refused");
  const reader = stream.getReader();
  const heard = { text: "", isClosed: false, reader };
  void (async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      heard.text += new TextDecoder().decode(value);
    }
    heard.isClosed = true;
  })();
  return heard;
}

describe("a page that is kept open", () => {
  it("is told all parts at first, then only those that changed, and nothing where only time passed", async () => {
    const { feed, step } = openFeed();
    let count = 1;
    let age = 1;
    const read = async () =>
      pageOf({ a: `<b>${count}</b>`, b: `<time datetime="x" data-age="ago">${age}s ago</time>` });
    const heard = listen(feed.open("now", read));
    await settle();
    expect(heard.text).toContain('"id":"a"');
    expect(heard.text).toContain('"id":"b"');
    heard.text = "";
    age += 1;
    await step();
    expect(heard.text).toBe("");
    count = 2;
    await step();
    expect(heard.text).toContain("<b>2</b>");
    expect(heard.text).not.toContain('"id":"b"');
  });

  it("reads once however many look, and not at all once nobody does", async () => {
    const { feed, step } = openFeed();
    let readCount = 0;
    const read = async () => {
      readCount += 1;
      return pageOf({ a: "x" });
    };
    const all = Array.from({ length: 10 }, () => listen(feed.open("now", read)));
    await settle();
    await step();
    expect(readCount).toBe(2);
    for (const { text } of all) expect(text).toContain('"id":"a"');
    for (const { reader } of all) await reader.cancel();
    expect(feed.streamCount).toBe(0);
    await step();
    await step();
    expect(readCount).toBe(2);
  });

  it("hears every 15 s that the server is there", async () => {
    const { feed, step } = openFeed();
    const heard = listen(feed.open("now", async () => pageOf({ a: "x" })));
    await settle();
    heard.text = "";
    await step(14 * SECOND_MS);
    expect(heard.text).toBe("");
    await step(SECOND_MS);
    expect(heard.text).toBe(`event: now\ndata: ${formatInstant(0)}\n\n`);
  });

  it("goes on after a reading that failed, and says so in the log", async () => {
    const { feed, step, telemetry } = openFeed();
    let isBroken = true;
    const heard = listen(
      feed.open("now", async () => {
        if (isBroken) throw new Error("disk");
        return pageOf({ a: "well again" });
      }),
    );
    await settle();
    expect(telemetry.errors).toHaveLength(1);
    isBroken = false;
    await step();
    expect(heard.text).toContain("well again");
  });

  it("is asked for anew, and its stream ends, once its subject is known no more or it is another page", async () => {
    const { feed, step } = openFeed();
    let page: LivePage | null = pageOf({ a: "x" });
    const heard = listen(feed.open("subject", async () => page));
    await settle();
    page = pageOf({ other: "y" });
    await step();
    expect(heard.text).toContain("event: reload");
    expect(heard.isClosed).toBe(true);
    expect(feed.streamCount).toBe(0);
    page = null;
    const second = listen(feed.open("subject", async () => page));
    await settle();
    expect(second.text).toContain("event: reload");
    expect(second.isClosed).toBe(true);
  });

  it("keeps a line break of a part inside one event", async () => {
    const { feed } = openFeed();
    const heard = listen(
      feed.open("now", async () => pageOf({ a: "x\n\nevent: reload\n\n" }, "a\nb\r\nevent: reload")),
    );
    await settle();
    expect(heard.text.match(/^event: reload/gm)).toBeNull();
  });
});

describe("bounds of what is kept open", () => {
  const read = async () => pageOf({ a: "x" });

  it("refuses one stream more than it serves, and takes one again when another left", async () => {
    const { feed } = openFeed();
    const all = Array.from({ length: STREAMS_MAX }, () => listen(feed.open("now", read)));
    expect(feed.open("now", read)).toBeNull();
    await all[0]?.reader.cancel();
    expect(feed.open("now", read)).not.toBeNull();
  });

  it("refuses one page more than it reads", () => {
    const { feed } = openFeed();
    for (let number = 0; number < PAGES_MAX; number += 1) listen(feed.open(`subject ${number}`, read));
    expect(feed.open("one more", read)).toBeNull();
    expect(feed.open("subject 1", read)).not.toBeNull();
  });

  it("closes a stream whose reader does not take what is sent", async () => {
    const { feed, step } = openFeed();
    let count = 0;
    const large = async () => {
      count += 1;
      return pageOf({ a: `${count}${"x".repeat(UNSENT_BYTES_MAX / 3)}` });
    };
    feed.open("now", large);
    const taking = listen(feed.open("now", large));
    for (let turn = 0; turn < 4; turn += 1) await step();
    expect(feed.streamCount).toBe(1);
    expect(taking.isClosed).toBe(false);
  });

  it("closes each after an hour, so that the browser says again who it is", async () => {
    const { feed, step } = openFeed();
    const heard = listen(feed.open("now", read));
    await settle();
    await step(60 * MINUTE_MS - 1);
    expect(heard.isClosed).toBe(false);
    await step(1);
    expect(heard.isClosed).toBe(true);
    expect(feed.streamCount).toBe(0);
  });
});

describe("GET /live", () => {
  const EVERYONE = { name: "everyone", role: "reader", token: null } as const;
  let store: Store;
  let app: Hono;
  beforeEach(async () => {
    store = await openSampleStore();
    app = createPagesApp({ operators: [EVERYONE], sources: sampleSources(store), telemetry: recordTelemetry() });
  });
  afterEach(() => store.close());

  it.each(["page=now", "page=safety", "page=why", "page=subject&subject=7"])(
    "%s sends the page's parts",
    async (query) => {
      const response = await app.request(`/live?${query}`);
      expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
      const reader = response.body?.getReader();
      let text = "";
      while (!text.includes("event: part")) text += new TextDecoder().decode((await reader?.read())?.value);
      await reader?.cancel();
      expect(text).not.toContain("<script>");
    },
  );

  it.each(["", "page=elsewhere", "page=subject", "page=subject&subject=", `page=subject&subject=${"x".repeat(501)}`])(
    "refuses %s",
    async (query) => {
      const response = await app.request(`/live?${query}`);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "payload-invalid" });
    },
  );

  it("sends what the page itself shows", async () => {
    const html = await (await app.request("/")).text();
    const reader = (await app.request("/live?page=now")).body?.getReader();
    let text = "";
    while (!text.includes('"id":"ended"') || !text.endsWith("\n\n"))
      text += new TextDecoder().decode((await reader?.read())?.value);
    await reader?.cancel();
    for (const [, data = ""] of text.matchAll(/event: part\ndata: (.*)/g))
      expect(withoutAges(html)).toContain(withoutAges(JSON.parse(data).html));
  });

  it("an empty store has its pages too", async () => {
    const empty = await openStore("sqlite::memory:");
    const sources = sampleSources(empty, { pools: [] });
    const bare = createPagesApp({ operators: [EVERYONE], sources, telemetry: recordTelemetry() });
    for (const path of ["/", "/safety", "/explain"]) expect((await bare.request(path)).status).toBe(200);
    await empty.close();
  });
});
