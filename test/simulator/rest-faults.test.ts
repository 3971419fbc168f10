import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import type { FaultOutcome } from "../../src/simulator/github/faults.ts";
import { JIT, RUNNERS, useGitHub } from "./github-house.ts";
import { connectRunner } from "./scripted-runner.ts";

const house = useGitHub();
const MINT = `${RUNNERS}/generate-jitconfig`;

/** What comes over the wire until the connection ends, and how it ended. */
function readRaw(path: string): Promise<{ readonly text: string; readonly end: string; readonly chunkCount: number }> {
  const { port } = new URL(house.github.apiUrl);
  return new Promise((resolve) => {
    let text = "";
    let chunkCount = 0;
    let end = "closed";
    const socket = connect(Number(port), "127.0.0.1", () => {
      const lines = [
        `GET ${path} HTTP/1.1`,
        "host: x",
        `authorization: Bearer ${house.github.token}`,
        "connection: close",
      ];
      socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    });
    socket.on("data", (chunk) => {
      text += chunk.toString();
      chunkCount += 1;
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      end = error.code ?? error.message;
    });
    socket.on("close", () => resolve({ text, end, chunkCount }));
  });
}

describe("faults on the wire", () => {
  it.each<FaultOutcome["kind"]>(["answer-lost", "reset", "half-answer"])(
    "%s: the caller has no answer",
    async (kind) => {
      const outcome = kind === "half-answer" ? ({ kind } as const) : ({ kind, effect: "done" } as FaultOutcome);
      house.github.faults.inject("generate-jitconfig", outcome);
      await expect(house.call("POST", MINT, JIT)).rejects.toThrow();
      expect(house.github.runners()).toMatchObject([{ name: "r-1" }]);
      expect((await house.call("POST", MINT, JIT)).status).toBe(409);
    },
  );

  it("reset: not a byte, and GitHub did nothing if so told", async () => {
    house.github.faults.inject("list-runners", { kind: "reset", effect: "none" });
    expect(await readRaw(RUNNERS)).toMatchObject({ text: "", end: "ECONNRESET" });
    house.github.faults.inject("generate-jitconfig", { kind: "reset", effect: "none" });
    await expect(house.call("POST", MINT, JIT)).rejects.toThrow();
    expect(house.github.runners()).toEqual([]);
  });

  it("half-answer: the whole length is promised and half of it comes", async () => {
    await house.call("POST", MINT, JIT);
    const whole = await readRaw(RUNNERS);
    house.github.faults.inject("list-runners", { kind: "half-answer" });
    const half = await readRaw(RUNNERS);
    const lengthOf = (text: string) => Number(/content-length: (\d+)/i.exec(text)?.[1]);
    const bodyOf = (text: string) => text.slice(text.indexOf("\r\n\r\n") + 4);
    expect(half.end).toBe("ECONNRESET");
    expect(lengthOf(half.text)).toBe(lengthOf(whole.text));
    expect(bodyOf(half.text)).toBe(bodyOf(whole.text).slice(0, Math.floor(lengthOf(whole.text) / 2)));
  });

  it("slow-body: piece by piece, and right in the end", async () => {
    await house.call("POST", MINT, JIT);
    house.github.faults.inject("list-runners", { kind: "slow-body", delayMs: 200 });
    const { text, chunkCount } = await readRaw(RUNNERS);
    expect(chunkCount).toBeGreaterThan(2);
    expect(JSON.parse(text.slice(text.indexOf("\r\n\r\n") + 4))).toMatchObject({ total_count: 1 });
  });
});

describe("faults on any call", () => {
  it("hit the next REST calls whatever they are, and no runner's", async () => {
    house.github.faults.inject("any", { kind: "status", effect: "none", status: 502 }, 2);
    const { id } = await connectRunner(house.github, { name: "r", labels: ["x"] });
    const statuses = [
      await house.call("GET", `${RUNNERS}/${id}`),
      await house.call("GET", "/user"),
      await house.call("GET", RUNNERS),
    ].map(({ status }) => status);
    expect(statuses).toEqual([502, 502, 200]);
  });

  it("leave the faults of other calls to those", async () => {
    house.github.faults.inject("list-runners", { kind: "status", effect: "none", status: 503 });
    house.github.faults.inject("any", { kind: "status", effect: "none", status: 500 });
    expect((await house.call("GET", "/user")).status).toBe(500);
    expect((await house.call("GET", RUNNERS)).status).toBe(503);
    expect((await house.call("GET", RUNNERS)).status).toBe(200);
  });
});
