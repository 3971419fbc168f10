import { matching, type Rule } from "../rule.ts";
import { isIn } from "../source-file.ts";

/** Where the machine itself is touched. Everything else gets time, chance and settings handed in. */
const SYSTEM = [
  "src/adapters/system",
  "src/agent/system",
  "src/simulator/server",
  "src/simulator/runner",
  "src/simulator/world/system",
  // Runs in a browser, where the page is the system.
  "src/http/pages/browser",
];

function inProductBut(places: readonly string[]): Rule["where"] {
  return (path) => isIn(path, ["src", "bin"]) && !isIn(path, places);
}

/** Time, chance and settings come from outside, so that a run is determined by its inputs and its seed. */
export const effectRules: readonly Rule[] = [
  {
    name: "no clock in logic",
    where: inProductBut(SYSTEM),
    find: matching("code", /\bDate\.now\b|\bnew Date\b|(?<![.\w])Date\(|\bperformance\.now\b|\bprocess\.hrtime\b/),
    instead:
      "take `nowMs` as an argument, or in a controller ask the Clock port; texts of times are made by its callers",
    planted: [
      { path: "src/domain/planted.ts", text: "export const isOld = (sinceMs: number) => Date.now() - sinceMs > 5;" },
      { path: "src/controllers/scale/planted.ts", text: "const now = new Date();" },
      { path: "src/http/planted.ts", text: "const text = new Date(ms).toISOString();" },
      { path: "src/adapters/ec2/planted.ts", text: "const startMs = performance.now();" },
      { path: "src/app/config.ts", text: "const readAtMs = Date.now();" },
    ],
    harmless: [
      { path: "src/adapters/system/clock.ts", text: "export const nowMs = () => Date.now();" },
      { path: "src/agent/system.ts", text: "const nowMs = performance.now();" },
      {
        path: "src/domain/near.ts",
        text: '// Never Date.now() here.\nconst say = "new Date()"; const at = Date.parse(text);',
      },
      { path: "test/near.test.ts", text: "const startMs = Date.now();" },
    ],
  },
  {
    name: "no timers in logic",
    where: inProductBut(SYSTEM),
    find: matching(
      "code",
      /(?<!\.)\bset(Timeout|Interval|Immediate)\b|\bglobalThis\.set(Timeout|Interval|Immediate)\b/,
    ),
    instead: "wait through the Clock port, which the simulator can drive",
    planted: [
      { path: "src/controllers/planted.ts", text: "setTimeout(() => wake(), 5_000);" },
      { path: "src/app/planted.ts", text: "const timer = globalThis.setInterval(wake, 1_000);" },
      { path: "src/adapters/github/planted.ts", text: 'import { setTimeout as sleep } from "node:timers/promises";' },
    ],
    harmless: [
      { path: "src/adapters/system/clock.ts", text: "setTimeout(resolve, delayMs);" },
      {
        path: "src/controllers/near.ts",
        text: "// a setTimeout would escape the simulator\nclock.setTimeout(wake, 5_000);",
      },
    ],
  },
  {
    name: "no chance in logic",
    where: inProductBut(SYSTEM),
    find: matching("code", /\bMath\.random\b|\brandom(UUID|Bytes|Int|Fill|FillSync)\b|\bgetRandomValues\b/),
    instead: "draw from the Random port, which the simulator seeds",
    planted: [
      { path: "src/domain/planted.ts", text: "const jitter = Math.random();" },
      { path: "src/store/planted.ts", text: 'import { randomUUID } from "node:crypto";' },
      { path: "src/http/planted.ts", text: "const token = crypto.randomBytes(32);" },
    ],
    harmless: [
      { path: "src/adapters/system/random.ts", text: 'import { randomBytes } from "node:crypto";' },
      { path: "src/domain/near.ts", text: "export const jitterMs = (random: number) => Math.round(random * 10);" },
    ],
  },
  {
    name: "settings are read once",
    where: inProductBut([...SYSTEM, "src/app/config"]),
    find: matching("code and strings", /\bprocess\.env\b|\benv\b.*\bfrom "(node:)?process"/),
    instead: "add a key to the one schema in src/app/config.ts and pass its value on",
    planted: [
      { path: "src/controllers/planted.ts", text: 'const max = Number.parseInt(process.env.RUNNERS_MAX ?? "3", 10);' },
      { path: "src/app/planted.ts", text: 'import { env } from "node:process";' },
    ],
    harmless: [
      { path: "src/app/config.ts", text: "const environment = process.env;" },
      {
        path: "src/agent/near.ts",
        text: "// The job's process.env is its own.\nconst env = { RUNNER_PERFLOG: folder };",
      },
    ],
  },
];
