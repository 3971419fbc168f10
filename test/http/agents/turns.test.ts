/** How agents come to the store: so many at a time, and nobody twice. */
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { createAgentApp } from "../../../src/http/agents/app.ts";
import { AgentLanes, type LaneName } from "../../../src/http/agents/lanes.ts";
import { OpenPolls } from "../../../src/http/agents/polls.ts";
import { Turns } from "../../../src/http/agents/turns.ts";
import { listTicketsOfMachine } from "../../../src/store/tickets/list.ts";
import { NOTHING_SEEN, Yard } from "../../controllers/yard.ts";
import { ManualClock } from "../../store/manual-clock.ts";

const THERE = new AbortController().signal;
const GONE = AbortSignal.abort();

/** Whatever could follow has followed. */
async function settle(): Promise<void> {
  for (let count = 0; count < 20; count += 1) await turn();
}

class Scene {
  readonly turns: Turns;
  readonly log: string[] = [];
  readonly clock = new ManualClock();
  readonly #ends = new Map<string, () => void>();

  constructor(turnsMax = 1, waitingMax = 100) {
    this.turns = new Turns({ turnsMax, waitingMax, clock: this.clock });
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
    expect(scene.turns.waitingCount).toBe(2);
    expect(await scene.end("b")).toEqual(["a", "b", "c"]);
    expect(scene.turns.waitingCount).toBe(1);
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

  it("are given up for what has no part in the store, and who comes back has the next one", async () => {
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
    let isSaid = false;
    void said.then(() => {
      isSaid = true;
    });
    await settle();
    expect([scene.log, isSaid]).toEqual([["a"], false]);
    await scene.end("a");
    // Before those who have not begun yet, and one after the other.
    expect([scene.log, isSaid]).toEqual([["a", "b"], true]);
    expect(await said).toBe("its word");
    await scene.end("b");
    scene.come("c");
    scene.come("d");
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

describe("turns are behind", () => {
  const LATE_MS = 10 * SECOND_MS + 1;

  it("while somebody waits for longer than an agent does, and for a moment after", async () => {
    const scene = new Scene();
    scene.come("a");
    scene.come("b");
    await settle();
    scene.clock.advance(LATE_MS - 1);
    expect(scene.turns.isBehind()).toBe(false);
    scene.clock.advance(1);
    expect(scene.turns.isBehind()).toBe(true);
    await scene.end("a");
    await scene.end("b");
    scene.clock.advance(30 * SECOND_MS);
    expect(scene.turns.isBehind()).toBe(true);
    scene.clock.advance(1);
    expect(scene.turns.isBehind()).toBe(false);
  });

  it("also where each went away in time and came again", async () => {
    const scene = new Scene();
    scene.come("a");
    for (const as of ["first b", "second b", "third b"]) {
      scene.come("b", GONE, as);
      await settle();
      scene.clock.advance(LATE_MS / 2);
    }
    expect(scene.turns.isBehind()).toBe(true);
  });

  it("and where somebody was sent away", async () => {
    const scene = new Scene(1, 1);
    for (const name of ["a", "b", "c"]) scene.come(name);
    await settle();
    expect(scene.log).toEqual(["a", "c: overloaded"]);
    expect(scene.turns.isBehind()).toBe(true);
  });

  it("and not where work takes long that nobody waits for", async () => {
    const scene = new Scene();
    scene.come("a");
    await settle();
    scene.clock.advance(LATE_MS);
    await scene.end("a");
    expect(scene.turns.isBehind()).toBe(false);
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

  it("wait behind nobody who has not shown who they are, and are not heard while anybody waits too long", async () => {
    yard = await Yard.open();
    const lanes = new AgentLanes(yard.context);
    const waiting: string[] = [];
    const hang = (lane: LaneName) => (name: string) =>
      void lanes.take(lane, { name, signal: THERE }, () => {
        waiting.push(name);
        return new Promise(() => {});
      });
    for (const name of ["stranger 1", "stranger 2"]) hang("unproven")(name);
    for (const name of ["in 1", "in 2", "in 3", "in 4", "in 5"]) hang("check-in")(name);
    hang("proven")("agent");
    await settle();
    expect(waiting).toEqual(["stranger 1", "in 1", "in 2", "in 3", "in 4", "agent"]);
    expect(yard.telemetry.gauges.get("holdfast_agent_messages_waiting")).toBe(2);
    expect(lanes.isBehind()).toBe(false);
    yard.clock.advance(11 * SECOND_MS);
    expect(lanes.isBehind()).toBe(true);
  });

  it.each([
    ["no token", "", "unproven"],
    ["another machine's", null, "unproven"],
    ["its own", "own", "proven"],
  ])("a message with %s token waits with those who have shown as much", async (_which, kind, lane) => {
    yard = await Yard.open({ warmParkedCount: 2, machineCountMax: 2 });
    await yard.pass();
    const [agent, other] = (await yard.machines()).map(({ id }) => yard.agent(id));
    if (agent === undefined || other === undefined) throw new Error("two machines were launched");
    for (const one of [agent, other]) await one.checkIn();
    const lanes = new AgentLanes(yard.context);
    const taken: string[] = [];
    const { take } = lanes;
    lanes.take = (name, caller, work) => {
      taken.push(name);
      return take.call(lanes, name, caller, work) as ReturnType<typeof work>;
    };
    const app = createAgentApp({ ...yard.context, tokens: yard.tokens, polls: new OpenPolls(), lanes });
    const token = kind === null ? other.token : kind === "own" ? agent.token : kind;
    const { machineId, incarnation } = agent;
    const report = { phase: "parked", ticket: null, ended: [], sighting: NOTHING_SEEN };
    const said = { machineId, incarnation, sequence: 5, storeGeneration: 1 };
    await post(app, "report", token, { ...said, report });
    await post(app, "poll", token, said, AbortSignal.abort());
    await post(app, "logs", token, { machineId, incarnation, ticketId: null, logs: [] });
    expect(taken).toEqual([lane, lane, lane]);
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
