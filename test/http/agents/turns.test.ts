/** How agents come to the store: so many at a time, and nobody twice. */
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { createAgentApp } from "../../../src/http/agents/app.ts";
import { OpenPolls } from "../../../src/http/agents/polls.ts";
import { Turns } from "../../../src/http/agents/turns.ts";
import { listTicketsOfMachine } from "../../../src/store/tickets/list.ts";
import { NOTHING_SEEN, Yard } from "../../controllers/yard.ts";

const THERE = new AbortController().signal;
const GONE = AbortSignal.abort();

/** Whatever could follow has followed. */
async function settle(): Promise<void> {
  for (let count = 0; count < 20; count += 1) await turn();
}

class Scene {
  readonly turns: Turns;
  readonly log: string[] = [];
  waitingCount = 0;
  readonly #ends = new Map<string, () => void>();

  constructor(turnsMax = 1, waitingMax = 100) {
    const onWaiting = (count: number) => {
      this.waitingCount = count;
    };
    this.turns = new Turns({ turnsMax, waitingMax, onWaiting });
  }

  /** @param as what is logged of it, where several come under one name. */
  come(name: string, signal: AbortSignal = THERE, as = name): void {
    const work = () => {
      this.log.push(as);
      return new Promise<void>((resolve) => this.#ends.set(as, resolve));
    };
    this.turns.take({ name, signal }, work).catch((error: { code: string }) => this.log.push(`${as}: ${error.code}`));
  }

  async end(as: string): Promise<readonly string[]> {
    this.#ends.get(as)?.();
    await settle();
    return this.log;
  }
}

describe("turns", () => {
  it("are so many at a time, in the order of those who came", async () => {
    const scene = new Scene(2);
    for (const name of ["a", "b", "c", "d"]) scene.come(name);
    await settle();
    expect(scene.log).toEqual(["a", "b"]);
    expect(scene.waitingCount).toBe(2);
    expect(await scene.end("b")).toEqual(["a", "b", "c"]);
    expect(scene.waitingCount).toBe(1);
    scene.come("e");
    await settle();
    expect(await scene.end("a")).toEqual(["a", "b", "c", "d"]);
    await scene.end("c");
    expect(await scene.end("d")).toEqual(["a", "b", "c", "d", "e"]);
    await scene.end("e");
    scene.come("f");
    scene.come("g");
    await settle();
    expect(scene.log.slice(-2)).toEqual(["f", "g"]);
  });

  it("are handed on where what was done in one failed", async () => {
    const { turns } = new Scene();
    const failing = turns.take({ name: "a", signal: THERE }, () => Promise.reject(new Error("the store is full")));
    const next = turns.take({ name: "b", signal: THERE }, async () => "done");
    await expect(failing).rejects.toThrow("the store is full");
    expect(await next).toBe("done");
  });

  it("come also for who has gone: what it says is evidence", async () => {
    const scene = new Scene();
    scene.come("a");
    scene.come("b", GONE);
    await settle();
    expect(await scene.end("a")).toEqual(["a", "b"]);
  });

  it("come once for who went and came again, at its first place", async () => {
    const scene = new Scene();
    scene.come("a");
    scene.come("b", GONE, "first b");
    scene.come("c");
    scene.come("b", GONE, "second b");
    scene.come("b", THERE, "third b");
    await settle();
    expect(await scene.end("a")).toEqual(["a", "first b: overloaded", "second b: overloaded", "third b"]);
    await scene.end("third b");
    expect(await scene.end("c")).toEqual(["a", "first b: overloaded", "second b: overloaded", "third b", "c"]);
    scene.come("b", GONE, "fourth b");
    scene.come("b", GONE, "fifth b");
    await settle();
    expect(scene.log.slice(5)).toEqual(["fourth b"]);
    expect((await scene.end("fourth b")).slice(5)).toEqual(["fourth b", "fifth b"]);
  });

  it("are taken from nobody who is still there, even by one of the same name", async () => {
    const scene = new Scene();
    scene.come("a");
    scene.come("b", THERE, "first b");
    scene.come("b", THERE, "second b");
    await settle();
    await scene.end("a");
    expect(await scene.end("first b")).toEqual(["a", "first b", "second b"]);
  });

  it("are refused to who comes after as many as may wait", async () => {
    const scene = new Scene(1, 2);
    for (const name of ["a", "b", "c", "d"]) scene.come(name);
    await settle();
    expect(scene.log).toEqual(["a", "d: overloaded"]);
    await scene.end("a");
    scene.come("e");
    await scene.end("b");
    expect(await scene.end("c")).toEqual(["a", "d: overloaded", "b", "c", "e"]);
  });

  it("are given up for what has no part in the store, and waited for again", async () => {
    const scene = new Scene(1, 1);
    let answer = (_word: string): void => {};
    const said = scene.turns.take({ name: "asking", signal: THERE }, (rest) =>
      rest(
        () =>
          new Promise<string>((resolve) => {
            answer = resolve;
          }),
      ),
    );
    await settle();
    scene.come("a");
    scene.come("b");
    await settle();
    expect(scene.log).toEqual(["a"]);
    answer("its word");
    await settle();
    // One who has begun is not refused, however many wait.
    await scene.end("a");
    expect(await scene.end("b")).toEqual(["a", "b"]);
    expect(await said).toBe("its word");
    scene.come("c");
    await settle();
    expect(scene.log).toEqual(["a", "b", "c"]);
  });

  it("are handed on where that fails", async () => {
    const scene = new Scene();
    const failing = scene.turns.take({ name: "asking", signal: THERE }, (rest) =>
      rest(() => Promise.reject(new Error("nobody answers"))),
    );
    await expect(failing).rejects.toThrow("nobody answers");
    scene.come("a");
    scene.come("b");
    await settle();
    expect(await scene.end("a")).toEqual(["a", "b"]);
  });
});

describe("agents at a slow store", () => {
  let yard: Yard;
  afterEach(() => yard.close());

  const MACHINES = 30;
  const AT_A_TIME_MAX = 8;

  function post(app: ReturnType<typeof createAgentApp>, path: string, token: string, body: object, signal = THERE) {
    const headers = { authorization: `Bearer ${token}` };
    const init = { method: "POST", headers, body: JSON.stringify(body), signal };
    return app.request(new Request(`http://localhost/agent/v1/${path}`, init));
  }

  it("wait for one another, so that a controller's statement waits for a handful of theirs", async () => {
    yard = await Yard.open({ warmParkedCount: MACHINES, machineCountMax: MACHINES });
    await yard.pass();
    const agents = (await yard.machines()).map(({ id }) => yard.agent(id));
    expect(agents).toHaveLength(MACHINES);
    for (const agent of agents) await agent.checkIn();
    let openCount = 0;
    let goOn = (): void => {};
    const isFast = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const db = yard.store.db.withPlugin({
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => {
        openCount += 1;
        await isFast;
        return result;
      },
    });
    const app = createAgentApp({
      ...yard.context,
      store: { ...yard.store, db },
      tokens: yard.tokens,
      polls: new OpenPolls(),
    });
    const report = { phase: "parked", ticket: null, ended: [], sighting: NOTHING_SEEN };
    yard.clock.advance(MINUTE_MS);
    const comingAtMs = yard.clock.nowMs();
    const answers = agents.map(({ machineId, incarnation, token }) =>
      post(app, "report", token, { machineId, incarnation, sequence: 5, storeGeneration: 1, report }),
    );
    await settle();
    expect(openCount).toBe(AT_A_TIME_MAX);
    // Who waits is nobody's lost host.
    const { hearing } = yard.context;
    expect(agents.map(({ machineId }) => hearing.stirredAtMs(machineId))).toEqual(agents.map(() => comingAtMs));
    goOn();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(agents.map(() => 200));
  });

  it("get no ticket that they did not wait for, and count as heard", async () => {
    yard = await Yard.open();
    const agent = await yard.parkedAgent();
    const app = createAgentApp({ ...yard.context, tokens: yard.tokens, polls: new OpenPolls() });
    const { machineId, incarnation, token } = agent;
    yard.clock.advance(1);
    const answer = await post(app, "poll", token, { machineId, incarnation, sequence: 9 }, AbortSignal.abort());
    expect(await answer.json()).toEqual({ kind: "nothing" });
    const [ticket] = await listTicketsOfMachine(yard.store.db, machineId);
    expect(ticket?.state.kind).toBe("issued");
    expect(yard.context.hearing.heardAtMs(machineId)).toBe(yard.clock.nowMs());
  });
});
