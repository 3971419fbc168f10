import { expect, it } from "vitest";
import { traceProvider } from "../../src/app/traced-provider.ts";
import { parseLaunchId, parseMachineId, parsePoolName, parseProviderId } from "../../src/domain/ids.ts";
import {
  type LaunchOrders,
  type LaunchTenure,
  NO_ABILITIES,
  type Provider,
  type ProviderAbilities,
} from "../../src/ports/provider.ts";
import type { SpanAttributes, Traces } from "../../src/ports/traces.ts";

interface Noted {
  readonly name: string;
  readonly attributes: SpanAttributes<"provider">;
}

function recordTraces(): Traces & { readonly noted: Noted[] } {
  const noted: Noted[] = [];
  return {
    noted,
    trace: async (name, word, attributes, work) => {
      const one = { name: `${name} ${word}`, attributes: { ...attributes } };
      noted.push(one);
      return await work({ note: (more) => Object.assign(one.attributes, more) });
    },
  };
}

const MACHINE = parseMachineId("m-abcdefghijkl");
const ON_HOST = parseProviderId("i-0123456789abcdef0");

/** Answers as a class would, whose methods need their object. */
const provider: Provider = {
  launch: async ({ machines }) => machines.map(({ machineId }) => ({ machineId, providerId: ON_HOST })),
  list: async () => [],
  terminate: async () => {},
  async readRunnerVersion() {
    return this === provider ? "2.336.0" : null;
  },
  check: async () => [],
};

const abilities: ProviderAbilities = {
  orders: { draftsFor: () => true, draft: async () => "order", readObstacles: () => ["no room"] },
  standby: { stop: async () => {}, start: async () => {} },
  consoles: { isLasting: false, readConsole: async () => ["booted"] },
  hints: null,
  group: null,
};

const POOL = { pool: parsePoolName("linux"), kind: "ec2" };
const REQUEST = {
  launchId: parseLaunchId("l-abcdefghijkl"),
  pool: POOL.pool,
  settingsHash: "hash",
  machines: [{ machineId: MACHINE, identitySecret: "SECRET" }],
};

it("a launch is drafted and made under the tenure that it is given", async () => {
  const tenure: LaunchTenure = { epoch: 7, others: [], leftMs: () => 1 };
  const heard: (LaunchTenure | undefined)[] = [];
  const launch: Provider["launch"] = async (_request, given) => {
    heard.push(given);
    return [];
  };
  const orders: LaunchOrders = {
    draftsFor: () => true,
    draft: async (_request, given) => String(heard.push(given)),
    readObstacles: () => [],
  };
  const untraced = { provider: { ...provider, launch }, abilities: { ...abilities, orders } };
  const traced = traceProvider(untraced, POOL, recordTraces());
  await traced.abilities.orders?.draft(REQUEST, tenure);
  await traced.provider.launch(REQUEST, tenure);
  expect(heard).toEqual([tenure, tenure]);
});

it("each call is a span that says what it is about, with the same answer, and no secret", async () => {
  const traces = recordTraces();
  const traced = traceProvider({ provider, abilities }, POOL, traces);
  expect(await traced.provider.launch(REQUEST)).toEqual([{ machineId: MACHINE, providerId: ON_HOST }]);
  expect(await traced.provider.list("all")).toEqual([]);
  expect(await traced.provider.readRunnerVersion()).toBe("2.336.0");
  expect(await traced.provider.check()).toEqual([]);
  expect(await traced.abilities.orders?.draft(REQUEST)).toBe("order");
  expect(traced.abilities.orders?.readObstacles()).toEqual(["no room"]);
  await traced.abilities.standby?.start(ON_HOST);
  expect(await traced.abilities.consoles?.readConsole(ON_HOST)).toEqual(["booted"]);
  const about = { pool: "linux", kind: "ec2" };
  expect(traces.noted).toEqual([
    {
      name: "provider launch",
      attributes: { ...about, launch: "l-abcdefghijkl", machines: ["m-abcdefghijkl"], count: 1 },
    },
    { name: "provider list", attributes: { ...about, count: 0 } },
    { name: "provider version", attributes: about },
    { name: "provider check", attributes: about },
    { name: "provider draft", attributes: { ...about, launch: "l-abcdefghijkl", machines: ["m-abcdefghijkl"] } },
    { name: "provider start", attributes: { ...about, providerId: "i-0123456789abcdef0" } },
    { name: "provider console", attributes: { ...about, providerId: "i-0123456789abcdef0" } },
  ]);
  expect(JSON.stringify(traces.noted)).not.toContain("SECRET");
});

it("what a kind cannot do, it cannot do with traces either", () => {
  const traced = traceProvider({ provider, abilities: NO_ABILITIES }, POOL, recordTraces());
  expect(traced.abilities).toEqual(NO_ABILITIES);
});
