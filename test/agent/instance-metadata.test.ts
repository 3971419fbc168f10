/** The agent's reading of an instance's metadata, against the simulated EC2's own endpoint over loopback. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { InstanceMetadata, MetadataError } from "../../src/agent/instance-metadata.ts";
import type { Log } from "../../src/agent/log.ts";
import { watchNotice } from "../../src/agent/notice.ts";
import { type System, system } from "../../src/agent/system.ts";
import { HOUR_MS } from "../../src/domain/units.ts";
import { useEc2 } from "../simulator/ec2/simulated-ec2-house.ts";
import { launchInstance, openInstance } from "./instance-stage.ts";

const house = useEc2();
const ID_PATH = "/latest/meta-data/instance-id";

/** Sleeps for no time, and notes for how long it would have. */
function hasty(): System & { readonly pausesMs: number[] } {
  const pausesMs: number[] = [];
  const sleep = async (durationMs: number) => {
    pausesMs.push(durationMs);
    await new Promise(setImmediate);
  };
  return { ...system, fraction: () => 0, pausesMs, sleep };
}

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const at = (url: string, own: System = hasty()) =>
  new InstanceMetadata({ AWS_EC2_METADATA_SERVICE_ENDPOINT: url }, own);

describe("the instance's metadata", () => {
  it("is read with a token of a session, also after that ended", async () => {
    const { id, url } = await openInstance(house);
    const metadata = at(`${url}/`);
    expect(await metadata.read(ID_PATH)).toBe(id);
    house.ec2.advanceClock(7 * HOUR_MS);
    expect(await metadata.read(ID_PATH)).toBe(id);
    expect(await metadata.read("/latest/meta-data/spot/instance-action")).toBeNull();
    expect(await metadata.read("/latest/dynamic/instance-identity/rsa2048")).toMatch(/^MIA/);
  });

  it("takes one token for many readings", async () => {
    const methods: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      methods.push(request.method);
      response.end("answer");
    });
    const metadata = at(url);
    for (let count = 0; count < 3; count += 1) await metadata.read(ID_PATH);
    expect(methods).toEqual(["PUT", "GET", "GET", "GET"]);
  });

  it("is asked for six times, ever later, before nothing is known of it", async () => {
    let count = 0;
    const url = await serve((_request, response) => {
      count += 1;
      response.writeHead(503).end();
    });
    const own = hasty();
    await expect(at(url, own).read(ID_PATH)).rejects.toThrow(MetadataError);
    expect(count).toBe(6);
    expect(own.pausesMs).toEqual([500, 1_000, 2_000, 4_000, 5_000]);
  });

  it.each<[string, RequestListener]>([
    ["leads elsewhere", (_request, response) => response.writeHead(302, { location: "http://127.0.0.1:9/" }).end()],
    [
      "is longer than any",
      (request, response) => response.end(request.method === "PUT" ? "token" : "x".repeat(70_000)),
    ],
    ["breaks off", (request) => request.socket.destroy()],
    [
      "takes its own tokens back",
      (request, response) => response.writeHead(request.method === "PUT" ? 200 : 401).end("token"),
    ],
  ])("is not known where the answer %s", async (_name, answer) => {
    await expect(at(await serve(answer)).readOnce(ID_PATH)).rejects.toThrow(MetadataError);
  });

  it("is not followed where its answer leads", async () => {
    let isFollowed = false;
    const other = await serve((_request, response) => {
      isFollowed = true;
      response.end();
    });
    const url = await serve((_request, response) => response.writeHead(302, { location: other }).end());
    await expect(at(url).readOnce(ID_PATH)).rejects.toThrow(MetadataError);
    expect(isFollowed).toBe(false);
  });
});

/** A watch whose pauses are stepped by hand. */
function watch(url: string) {
  const lines: string[] = [];
  const pausesMs: number[] = [];
  const stop = new AbortController();
  let notices = 0;
  let wake = () => {};
  let paused = () => {};
  const own: System = {
    ...system,
    sleep: (durationMs) =>
      new Promise((resolve) => {
        pausesMs.push(durationMs);
        wake = resolve;
        paused();
      }),
  };
  const log: Log = { path: "", write: (message) => void lines.push(message) };
  const onNotice = () => {
    notices += 1;
  };
  const atPause = () =>
    new Promise<void>((resolve) => {
      paused = resolve;
    });
  const first = atPause();
  const ended = watchNotice({ metadata: at(url), system: own, log, onNotice }, stop.signal);
  return {
    first,
    lines,
    pausesMs,
    notices: () => notices,
    look: async () => {
      const next = atPause();
      wake();
      await next;
    },
    end: async () => {
      stop.abort();
      wake();
      await ended;
    },
  };
}

describe("the watch for a notice", () => {
  it("looks every five seconds, and tells of a notice once", async () => {
    const { id, url } = await openInstance(house);
    const watching = watch(url);
    await watching.first;
    await watching.look();
    expect(watching.notices()).toBe(0);
    house.ec2.interrupt(id);
    for (let count = 0; count < 3; count += 1) await watching.look();
    expect(watching.notices()).toBe(1);
    expect(watching.lines).toEqual(["the instance is to be taken back"]);
    expect(new Set(watching.pausesMs)).toEqual(new Set([5_000]));
    await watching.end();
  });

  it("takes what cannot be read for no notice, and says so once", async () => {
    let isAway = true;
    const url = await serve((request, response) => {
      if (isAway) response.writeHead(500).end();
      else response.writeHead(request.method === "PUT" ? 200 : 404).end("token");
    });
    const watching = watch(url);
    await watching.first;
    await watching.look();
    expect(watching.lines).toHaveLength(1);
    isAway = false;
    await watching.look();
    isAway = true;
    await watching.look();
    expect(watching.lines).toHaveLength(2);
    expect(watching.notices()).toBe(0);
    await watching.end();
  });

  it("finds nothing on an instance that spot does not have", async () => {
    const id = await launchInstance(house, { market: "on-demand" });
    const watching = watch((await house.ec2.startMetadata(id)).url);
    await watching.first;
    await watching.look();
    expect([watching.notices(), watching.lines]).toEqual([0, []]);
    await watching.end();
  });
});
