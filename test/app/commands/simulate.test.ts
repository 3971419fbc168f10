import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runSimulate, type SimulateOptions } from "../../../src/app/commands/simulate.ts";
import type { SimulateParts } from "../../../src/app/simulate/engine.ts";
import type { MutantOutcome, MutantsRequest } from "../../../src/app/simulate/mutants.ts";
import { ALGORITHMS } from "../../../src/simulator/scenario/scenario.ts";
import { KILLS, runWorld, VIOLATES } from "../simulate/fake-world.ts";
import { makeFolder, read, writeScenario } from "../simulate/scenario-folder.ts";
import { openScreen } from "./screen.ts";

const CAUGHT: MutantOutcome = {
  name: "trust-busy-false",
  source: "src/domain/verdict.ts",
  expected: "I1",
  caughtBy: "I1",
  seedsTried: 2,
  violation: "machine i-7 was ended while job build ran there",
};
const SURVIVOR: MutantOutcome = { ...CAUGHT, name: "skip-the-fence", caughtBy: null, violation: null };

interface Asked {
  readonly mutants: MutantsRequest[];
}

async function partsWith(
  outcomes: readonly MutantOutcome[] = [],
  asked: Asked = { mutants: [] },
): Promise<SimulateParts> {
  const { scenario } = await read({ duration: "1h" });
  let nowMs = 0;
  return {
    loadRunWorld: async () => runWorld,
    loadRandomScenario: async () => (seed, provider) => ({
      ...scenario,
      name: `random-${seed}`,
      provider: provider ?? "cloud",
    }),
    loadRunMutants: async () => async (request) => {
      asked.mutants.push(request);
      return outcomes;
    },
    worldModule: new URL("../simulate/fake-world.ts", import.meta.url),
    processCount: 1,
    clock: { monotonicMs: () => (nowMs += 30_000) },
  };
}

async function simulate(scenario: unknown, options: SimulateOptions = {}, columns = 100) {
  const io = openScreen({ columns });
  const files = scenario === null ? [] : [writeScenario(makeFolder(), scenario)];
  const code = await runSimulate(files, options, io, await partsWith());
  return { code, out: io.out(), err: io.err(), json: () => JSON.parse(io.out()) };
}

const SOUND = { name: "storm", duration: "8h" };
const BROKEN = { name: VIOLATES, duration: "8h" };
const crash = { kind: "controller.crash", every: "7m" };
const lag = { kind: "github.busy-flag-lag", lag: ["25s", "180s"], probability: 1 };
const drops = { kind: "github.busy-flag-drops", perJob: 0.2, after: ["30s", "15m"] };
const faulty = (name: string) => ({ name, duration: "8h", world: { faults: [crash, lag, drops] } });

describe("one world", () => {
  it("is told from its verdict to its figures, and exits with 0", async () => {
    const { code, out } = await simulate(SOUND);
    expect(code).toBe(0);
    expect(out).toMatch(/^storm {2}holdfast, seed 1 {2}no violation\n8 hours from 2026-01-05 08:00 UTC, 1,000 events/);
    expect(out).toContain("Jobs       10: 9 succeeded, 1 cancelled; none killed by us");
    expect(out).toContain("Waits      p50 1s, p95 10s, p99 20s, longest 1m 40s");
    expect(out).toContain("Machines   1,200 launched, 1 at once; none left behind");
    expect(out).toContain("35 machine-minutes paid: 30 busy, 4.5 idle");
    expect(out).toContain("GitHub     4 calls: list-runners 3, mint 1");
    expect(out).toContain("Faults     1 fault: controller.crash 1");
    expect(out).toContain("Ended by   parked 1");
  });

  it("with a violation exits with 1, and tells what led to it by the world's clock", async () => {
    const { code, out } = await simulate(BROKEN);
    expect(code).toBe(1);
    expect(out).toContain("1 violation");
    expect(out).toContain("I1  08:14:07, 14m after the start  what has a job, or could get one, is not ended");
    expect(out).toContain("  machine i-7 was ended while job build-3 ran there");
    expect(out).toContain("    08:10:02  [i-7, build-3] job build-3 was acquired");
    expect(out).toContain("    it is busy");
    expect(out).toContain("    08:14:06  github: its runner is not busy");
    expect(out).toMatch(/Again: holdfast simulate \S+scenario\.yaml --seed 1\n/);
  });

  it("stays within the terminal", async () => {
    const { out } = await simulate(BROKEN, {}, 60);
    const long = out.split("\n").filter((line) => line.length > 60 && !/Again:|^I1|violates|digest/.test(line));
    expect(long).toEqual([]);
  });

  it("has the options before what the file says", async () => {
    const options = { json: true, seed: 3, algorithm: "age-cap", provider: "process" } as const;
    expect((await simulate(SOUND, options)).json()).toMatchObject({ seed: 3, algorithm: "age-cap", scenario: "storm" });
  });

  it("writes its events as lines of JSON", async () => {
    const trace = join(makeFolder(), "trace.jsonl");
    expect((await simulate(SOUND, { trace })).code).toBe(0);
    const event = { atMs: 500, at: "2026-01-05T08:00:00.500Z", subjects: ["build"], text: "job build was queued" };
    expect(readFileSync(trace, "utf8")).toBe(`${JSON.stringify(event)}\n`);
  });

  it("says where a trace cannot be written", async () => {
    const { code, err } = await simulate(SOUND, { trace: join(makeFolder(), "none", "trace.jsonl") });
    expect(code).toBe(1);
    expect(err).toContain("Name a file that can be written");
  });
});

describe("shrinking a world", () => {
  it("leaves out each kind of fault without which the same invariant is broken", async () => {
    const scenario = faulty(`${VIOLATES} under github.busy-flag-lag`);
    const { code, out } = await simulate(scenario, { shrink: true });
    expect(code).toBe(1);
    expect(out).toMatch(/Again: holdfast simulate \S+ --seed 1 --only github.busy-flag-lag\n/);
    expect(out).toMatch(/It takes github.busy-flag-lag. \(3 kinds of faults were in the world; 4 worlds tried.\)\n$/);
    const { json } = await simulate(scenario, { shrink: true, json: true, algorithm: "age-cap" });
    expect(json()).toMatchObject({
      violations: [{ invariant: "I1" }],
      shrunk: {
        faults: ["github.busy-flag-lag"],
        of: 3,
        worlds: 4,
        from: expect.stringMatching(/--algorithm age-cap$/),
        again: expect.stringMatching(/--algorithm age-cap --only github.busy-flag-lag$/),
      },
    });
  });

  it("keeps the fault without which no job is killed any more", async () => {
    const { out } = await simulate(faulty(`${VIOLATES} and ${KILLS}`), { shrink: true });
    expect(out).toContain("It takes controller.crash.");
  });

  it("says where it takes no fault", async () => {
    const { code, out } = await simulate(faulty(VIOLATES), { shrink: true });
    expect([code, out]).toEqual([1, expect.stringContaining("It takes no fault at all.")]);
    expect(out).toMatch(/Again: holdfast simulate \S+ --seed 1 --only none\n/);
  });

  it("tells a world that breaks nothing as it is, and tries no other", async () => {
    const { code, json } = await simulate(faulty("storm"), { shrink: true, json: true });
    expect([code, json().shrunk]).toEqual([0, undefined]);
  });

  it("is for one world", async () => {
    const { code, err } = await simulate(SOUND, { shrink: true, seeds: { from: 1, to: 2 } });
    expect([code, err]).toEqual([2, expect.stringContaining("leave --shrink out")]);
  });
});

describe("only some of the faults", () => {
  it("are part of the command that shows a violation again", async () => {
    const { out } = await simulate(BROKEN, { only: ["github.busy-flag-lag", "controller.crash"] });
    expect(out).toMatch(/Again: holdfast simulate \S+ --seed 1 --only github.busy-flag-lag,controller.crash\n/);
  });

  it("may be none", async () => {
    const { out } = await simulate(faulty(`${VIOLATES} and ${KILLS}`), { only: ["none"] });
    expect(out).toContain("none killed by us");
    expect(out).toMatch(/--only none\n/);
  });

  it("of a kind that is none are refused, with the nearest", async () => {
    const { code, err } = await simulate(BROKEN, { only: ["controller.crush"] });
    expect(code).toBe(2);
    expect(err).toContain("`controller.crush` is not a kind of fault");
    expect(err).toContain("Did you mean `controller.crash`?");
  });
});

describe("many worlds", () => {
  it("are random where no scenario is named, and told in one sum", async () => {
    const { code, json } = await simulate(null, { worlds: 3, json: true });
    expect(code).toBe(0);
    expect(json()).toMatchObject({
      worlds: 3,
      machineHours: 7.5,
      simulatedHours: 24,
      jobs: { total: 60 },
      faults: { "controller.crash": 6 },
      delays: 3,
      violations: [],
      hoursPerMinute: 48,
      processes: 1,
      runs: [{ scenario: "random-1", seed: 1 }, { seed: 2 }, { seed: 3 }],
    });
  });

  it("of a scenario have the seeds that were asked for, and say how to see a violation again", async () => {
    const { code, out } = await simulate(BROKEN, { seeds: { from: 4, to: 5 }, algorithm: "holdfast" });
    expect(code).toBe(1);
    expect(out).toContain("2 worlds  2 violations");
    expect(out).toMatch(/Again: holdfast simulate \S+ --seed 4 --algorithm holdfast\n/);
    expect(out).toMatch(/Again: holdfast simulate \S+ --seed 5 --algorithm holdfast\n/);
  });

  it("print the same from several processes", async () => {
    const options = { worlds: 5, json: true } as const;
    const [one, several] = [await simulate(null, options), await simulate(null, { ...options, processes: 3 })];
    expect(several.json()).toEqual({ ...one.json(), processes: 3 });
  });
});

describe("a comparison", () => {
  it("has each algorithm in the same worlds, in one table", async () => {
    const { code, out } = await simulate(null, { worlds: 2, algorithms: "all" });
    expect(code).toBe(1);
    for (const algorithm of ALGORITHMS) expect(out).toMatch(new RegExp(`^${algorithm}\\s`, "m"));
    for (const head of ["KILLED", "LOST", "LEAKED", "WAIT P50", "P95", "PAID", "CALLS"]) expect(out).toContain(head);
    const { json } = await simulate(null, { worlds: 2, algorithms: "all", json: true });
    expect(json()).toMatchObject({
      compares: "algorithms",
      worlds: 2,
      rows: ALGORITHMS.map((name) => ({ name, worlds: 2 })),
    });
  });

  it("has each setting of a file", async () => {
    const settings = [{ name: "as now" }, { name: "eight warm", overrides: { linux: { warm: { parked: 8 } } } }];
    const { code, out } = await simulate({ ...SOUND, settings });
    expect(code).toBe(0);
    expect(out).toMatch(/^SETTING\s+WAIT P50\s+P95\s+P99\s+LONGEST\s+PAID\s+BUSY\s+IDLE\s+AT ONCE$/m);
    expect(out).toMatch(/^as now\s+1s\s+10s\s+20s\s+1m 40s\s+35\s+30\s+4\.5\s+1$/m);
    expect(out).toMatch(/^eight warm\s/m);
    expect((await simulate({ ...SOUND, settings }, { algorithms: "all" })).code).toBe(2);
  });
});

describe("what contradicts itself", () => {
  it.each([
    [null, {}, "no world is named"],
    [null, { worlds: 2, seed: 1 }, "--seed and --worlds exclude each other"],
    [SOUND, { seed: 1, seeds: { from: 1, to: 2 } }, "--seed and --seeds exclude each other"],
    [SOUND, { worlds: 2 }, "--worlds makes random worlds, and a scenario is named"],
    [SOUND, { algorithm: "age-cap", algorithms: "all" }, "--algorithm and --algorithms exclude each other"],
    [SOUND, { seeds: { from: 1, to: 200_000 } }, "it would be 200000 worlds"],
    [SOUND, { seeds: { from: 1, to: 2 }, trace: "trace.jsonl" }, "there is more than one world"],
    [SOUND, { shrink: true, trace: "trace.jsonl" }, "--trace and --shrink exclude each other"],
    [SOUND, { mutants: "all" }, "the options do not go together"],
    [null, { mutants: "all", shrink: true }, "the options do not go together"],
    [null, { mutants: "all", only: ["controller.crash"] }, "the options do not go together"],
    [null, { mutants: "all", seeds: { from: 2, to: 9 } }, "the options do not go together"],
  ] as const)("%j with %j is refused", async (scenario, options, problem) => {
    const { code, err } = await simulate(scenario, options);
    expect([code, err]).toEqual([2, expect.stringContaining(problem)]);
  });

  it("in a file is told with its problems, for programs as JSON", async () => {
    const { code, err } = await simulate({ sed: 1 });
    expect([code, err]).toEqual([2, expect.stringContaining("did you mean `seed`?")]);
    const told = await simulate({ sed: 1 }, { json: true });
    expect(told.code).toBe(2);
    expect(told.json()).toMatchObject({ problems: [{ path: "sed" }] });
  });
});

describe("mutants", () => {
  async function tryMutants(outcomes: readonly MutantOutcome[], options: SimulateOptions) {
    const io = openScreen();
    const asked: Asked = { mutants: [] };
    const code = await runSimulate([], options, io, await partsWith(outcomes, asked));
    return { code, out: io.out(), request: asked.mutants[0] };
  }

  it("are all found, or the command fails and names those that are not", async () => {
    expect(await tryMutants([CAUGHT], { mutants: "all" })).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^1 mutant {2}every one found\n[\s\S]*trust-busy-false\s+I1\s+I1\s+2/),
    });
    const { code, out } = await tryMutants([CAUGHT, SURVIVOR], { mutants: "all", json: true });
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({ planted: 2, found: 1, survivors: ["skip-the-fence"], rows: [CAUGHT, SURVIVOR] });
    expect((await tryMutants([SURVIVOR], { mutants: "all" })).out).toMatch(/1 survived[\s\S]*survived/);
  });

  it("are tried by their names, in so many worlds and so many at a time", async () => {
    const { request } = await tryMutants([CAUGHT], {
      mutants: "skip-the-fence",
      seeds: { from: 1, to: 3 },
      processes: 4,
    });
    expect(request).toMatchObject({ names: ["skip-the-fence"], seedCount: 3, concurrentMax: 4 });
    expect((await tryMutants([CAUGHT], { mutants: "all" })).request).toMatchObject({ names: null });
  });
});
