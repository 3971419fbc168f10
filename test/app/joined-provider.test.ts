import { describe, expect, it } from "vitest";
import { joinAbilities, joinProviders } from "../../src/app/joined-provider.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import type { ObservedMachine, ProviderState } from "../../src/domain/observed.ts";
import { issuePermit } from "../../src/domain/permit.ts";
import { type LaunchRequest, NO_ABILITIES, type Provider, type ProviderAbilities } from "../../src/ports/provider.ts";
import { epoch, heard, machine, observed, poolName, providerId, retiring } from "../domain/builders.ts";

interface Place {
  readonly provider: Provider;
  readonly calls: string[];
}

/** A place that says this of the one machine; null: its listing fails. */
function place(name: string, word: ObservedMachine | null): Place {
  const calls: string[] = [];
  const provider: Provider = {
    launch: async () => {
      calls.push(`launch at ${name}`);
      return [];
    },
    list: async (which) => {
      if (word === null) throw new ProviderError("provider-unavailable", name);
      return which === "all" && ["gone", "not-found"].includes(word.state) ? [] : [word];
    },
    terminate: async () => {
      calls.push(`terminate at ${name}`);
    },
    readRunnerVersion: async () => name,
    check: async () => [],
  };
  return { provider, calls };
}

const withMarks = (state: ProviderState) => observed(state);
const withoutMarks = (state: ProviderState) => observed(state, { launchId: null, pool: null });

function join(current: ObservedMachine | null, former: ObservedMachine | null, isElsewhere = true) {
  const places = [place("current", current), place("former", former)] as const;
  const [one, other] = places;
  const joined = joinProviders(one.provider, [{ settingsHash: "old", provider: other.provider, isElsewhere }]);
  return { joined, calls: () => places.flatMap(({ calls }) => calls) };
}

const request = (settingsHash: string): LaunchRequest => ({
  launchId: machine().launchId,
  pool: poolName(),
  settingsHash,
  machines: [],
});

describe("launches of several settings", () => {
  const drafting = (name: string): ProviderAbilities => ({
    ...NO_ABILITIES,
    orders: { draft: async () => name, readObstacles: () => [] },
  });

  it("are drafted with the settings that they were written with", async () => {
    const { orders } = joinAbilities(drafting("current"), [{ settingsHash: "old", abilities: drafting("former") }]);
    expect(await orders?.draft(request("old"))).toBe("former");
    expect(await orders?.draft(request("new"))).toBe("current");
  });

  it("are not drafted where the pool is of a kind that drafts none", () => {
    const formers = [{ settingsHash: "old", abilities: drafting("former") }];
    expect(joinAbilities(NO_ABILITIES, formers).orders).toBeNull();
  });
});

describe("machines of several settings", () => {
  it("are launched, and launched again, with the settings that their launch was written with", async () => {
    const { joined, calls } = join(withMarks("gone"), withMarks("gone"));
    await joined.launch(request("old"));
    await joined.launch(request("new"));
    await joined.launch(request("older"));
    expect(calls()).toEqual(["launch at current", "launch at current", "launch at former"]);
  });

  it.each<readonly [string, ObservedMachine, ObservedMachine, ObservedMachine]>([
    ["there by its folder, here by its processes", withoutMarks("running"), withMarks("running"), withMarks("running")],
    ["dead there, gone here", withMarks("gone"), withMarks("dead"), withMarks("dead")],
    ["starting there, gone here", withMarks("gone"), withMarks("starting"), withMarks("starting")],
    ["unreadable there, gone here", withMarks("gone"), withoutMarks("dead"), withoutMarks("dead")],
    ["seen running a moment later without its folder", withMarks("dead"), withoutMarks("running"), withMarks("dead")],
    ["running and dead, both without marks", withoutMarks("dead"), withoutMarks("running"), withoutMarks("running")],
    ["gone everywhere", withMarks("gone"), withMarks("gone"), withMarks("gone")],
    ["gone there, not known here", withoutMarks("not-found"), withMarks("gone"), withMarks("gone")],
    ["running there, not known here", withoutMarks("not-found"), withMarks("running"), withMarks("running")],
  ])("are what the place says that has them: %s", async (_name, current, former, want) => {
    const { joined } = join(current, former);
    expect(await joined.list([providerId()])).toEqual([want]);
    expect(await joined.list("all")).toEqual(want.state === "gone" ? [] : [want]);
  });

  it("are listed whole or not at all", async () => {
    await expect(join(withMarks("running"), null).joined.list("all")).rejects.toMatchObject({
      code: "provider-unavailable",
    });
    await expect(join(null, withMarks("running")).joined.list([providerId()])).rejects.toMatchObject({
      code: "provider-unavailable",
    });
  });

  it("are ended wherever they may be", async () => {
    const { joined, calls } = join(withMarks("gone"), withMarks("running"));
    const subject = machine({ state: retiring() });
    const decision = issuePermit({
      kind: "end-machine",
      machine: subject,
      tickets: [],
      proof: { kind: "provider-dead", observed: withMarks("dead") },
      epoch: epoch(),
      time: heard(),
    });
    if (decision.kind === "refused") throw new Error(decision.missing.join());
    await joined.terminate(decision.permit);
    expect(calls()).toEqual(["terminate at current", "terminate at former"]);
  });

  it("in one place are listed once", async () => {
    const { joined } = join(withMarks("running"), null, false);
    expect(await joined.list("all")).toEqual([withMarks("running")]);
  });
});
