import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const AGENT = join(import.meta.dirname, "..", "..", "src", "agent");

/** Who signals what, and why. Nothing else of the agent may. */
const SIGNALS: { readonly [file: string]: readonly string[] } = {
  // What is left of jobs whose tickets are over.
  "clean.ts": ['process.kill(leftover.pid, "SIGKILL")'],
  // The agent itself, with what it was sent.
  "launcher.ts": ['agent?.kill("SIGTERM")', 'restarted.kill("SIGTERM")'],
  // The fence: one listener, by its number and its start time.
  "listener-signals.ts": ["process.kill(pid, name)"],
};

function signalsIn(text: string): readonly string[] {
  const calls = /\w+\??\.kill\([^)]*\)|\bkillSignal\b|\b(spawn|exec)\w*\(\s*["'`](pkill|killall|kill)\b/g;
  return [...text.matchAll(calls)].map(([call]) => call);
}

it("no other signal leaves the agent", () => {
  const found = readdirSync(AGENT).flatMap((name) => {
    const calls = signalsIn(readFileSync(join(AGENT, name), "utf8"));
    return calls.length === 0 ? [] : [[name, calls] as const];
  });
  expect(Object.fromEntries(found)).toEqual(SIGNALS);
});

it("only the fence takes the signals, and only it and its watchdog use them", () => {
  const users = readdirSync(AGENT).filter((name) =>
    readFileSync(join(AGENT, name), "utf8").includes("./listener-signals.ts"),
  );
  expect(users).toEqual(["fence.ts", "watchdog.ts"]);
});

it.each([
  ["process.kill(pid)", 1],
  ['child?.kill("SIGKILL")', 1],
  ['spawnSync("kill", ["-9", pid])', 1],
  ['claim === "kill" && isOurs', 0],
  ["killStoppedListener(listener)", 0],
])("the scan sees through %s", (text, count) => {
  expect(signalsIn(text)).toHaveLength(count);
});
