import { describe, expect, it } from "vitest";
import { joinAbilities, joinProviders } from "../../src/app/joined-provider.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import { type ProviderId, parseProviderId } from "../../src/domain/ids.ts";
import type { MachineState } from "../../src/domain/machine.ts";
import type { ObservedMachine, ProviderState } from "../../src/domain/observed.ts";
import { issuePermit, type MachinePermit } from "../../src/domain/permit.ts";
import {
  type Group,
  type HeldUp,
  type Hold,
  type LaunchRequest,
  type LaunchTenure,
  NO_ABILITIES,
  type Provider,
  type ProviderAbilities,
} from "../../src/ports/provider.ts";
import { epoch, heard, machine, observed, poolName, providerId, retiring } from "../domain/builders.ts";

interface Place {
  readonly provider: Provider;
  readonly calls: string[];
  readonly names: (id: ProviderId) => boolean;
  readonly idKind: "instance";
  readonly isExclusive: boolean;
  readonly settingsHash: string;
  readonly location: string;
}

const anyName = () => true;

/** Settings that put machines where no others do. */
const by = (settingsHash: string) => ({ settingsHash, location: settingsHash });

/** A place that says this of the one machine; null: its listing fails. */
function place(name: string, word: ObservedMachine | null, names: Place["names"] = anyName): Place {
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
  return { provider, calls, names, idKind: "instance", isExclusive: false, ...by(name) };
}

/** One that says of a call about what it cannot have named what the real ones say. */
function strictPlace(name: string, word: ObservedMachine, names: Place["names"]): Place {
  const made = place(name, word, names);
  const refuse = (ids: readonly ProviderId[]) => {
    if (ids.some((id) => !names(id))) throw new ProviderError("provider-unavailable", `${name} names no such thing`);
  };
  const { list, terminate } = made.provider;
  made.provider.list = async (which) => {
    if (which !== "all") refuse(which);
    return (await list(which)).filter(({ providerId }) => which === "all" || which.includes(providerId));
  };
  made.provider.terminate = async (permit) => {
    refuse([permit.providerId]);
    await terminate(permit);
  };
  return made;
}

function permitFor(observedDead: ObservedMachine): MachinePermit {
  const { providerId: id } = observedDead;
  const subject = machine({ state: { ...retiring(), providerId: id } as MachineState });
  const decision = issuePermit({
    kind: "end-machine",
    machine: subject,
    tickets: [],
    proof: { kind: "provider-dead", observed: observedDead },
    epoch: epoch(),
    time: heard(),
  });
  if (decision.kind === "refused") throw new Error(decision.missing.join());
  return decision.permit;
}

const withMarks = (state: ProviderState) => observed(state);
const asMember = (state: ProviderState) =>
  observed(state, { launchId: null, membership: { place: "serving", departure: "waits" } });
const leftBehind = observed("running", { launchId: null, membership: null });
const withoutMarks = (state: ProviderState) => observed(state, { launchId: null, pool: null });

function join(current: ObservedMachine | null, former: ObservedMachine | null, isElsewhere = true) {
  const places = [place("new", current), place("old", former)] as const;
  const [one, other] = places;
  const joined = joinProviders(one, [isElsewhere ? other : { ...other, location: one.location }]);
  return { joined, calls: () => places.flatMap(({ calls }) => calls) };
}

const request = (settingsHash: string): LaunchRequest => ({
  launchId: machine().launchId,
  pool: poolName(),
  settingsHash,
  machines: [],
});

describe("launches of several settings", () => {
  it("are drafted and made under the tenure that they are given", async () => {
    const tenure: LaunchTenure = { epoch: 7, others: [], leftMs: () => 1 };
    const heard: (LaunchTenure | undefined)[] = [];
    const draft = async (_request: LaunchRequest, given?: LaunchTenure) => String(heard.push(given));
    const launch = async (_request: LaunchRequest, given?: LaunchTenure) => [heard.push(given)].slice(1) as never[];
    const abilities = { ...NO_ABILITIES, orders: { draftsFor: () => true, draft, readObstacles: () => [] } };
    const provider = { launch } as unknown as Provider;
    const place = { provider, names: () => true, idKind: "instance", isExclusive: false } as const;
    const [current, former] = [
      { ...place, ...by("new"), abilities },
      { ...place, ...by("old"), abilities },
    ];
    for (const hash of ["old", "new"]) {
      await joinAbilities(current, [former]).orders?.draft(request(hash), tenure);
      await joinProviders(current, [former]).launch(request(hash), tenure);
    }
    expect(heard).toEqual([tenure, tenure, tenure, tenure]);
  });

  const drafting = (hash: string) => ({
    ...by(hash),
    abilities: { ...NO_ABILITIES, orders: { draftsFor: () => true, draft: async () => hash, readObstacles: () => [] } },
  });
  const notDrafting = (hash: string) => ({ ...by(hash), abilities: NO_ABILITIES });

  it("are drafted with the settings that they were written with", async () => {
    const { orders } = joinAbilities(drafting("new"), [drafting("old")]);
    expect(await orders?.draft(request("old"))).toBe("old");
    expect(await orders?.draft(request("new"))).toBe("new");
  });

  it("are drafted for the kind that they were written for, where the pool has become of one that drafts none", async () => {
    const { orders } = joinAbilities(notDrafting("new"), [drafting("old")]);
    expect(await orders?.draft(request("old"))).toBe("old");
    expect(await orders?.draft(request("new"))).toBeNull();
  });

  it("are not drafted for a kind that drafts none, where the pool has become of one that does", async () => {
    const { orders } = joinAbilities(drafting("new"), [notDrafting("old")]);
    expect(await orders?.draft(request("old"))).toBeNull();
    expect(await orders?.draft(request("new"))).toBe("new");
  });

  it.each([[[]], [[drafting("old")]]])(
    "are not drafted with settings that are not known, beside %j",
    async (formers) => {
      const { orders } = joinAbilities(drafting("new"), formers);
      await expect(orders?.draft(request("older"))).rejects.toMatchObject({ code: "provider-unavailable" });
    },
  );

  it("have nothing drafted where no kind drafts", () => {
    expect(joinAbilities(notDrafting("new"), [notDrafting("old")]).orders).toBeNull();
  });
});

describe("members of several groups", () => {
  const HOLD: Hold = { forMs: 1, sinceMs: 2, untilMs: 3 };
  const grouped = (hold: Group["hold"]): ProviderAbilities => ({
    ...NO_ABILITIES,
    group: {
      listHeldUp: async () => [],
      hold,
      readHookEdition: async () => "1",
      noteRows: async () => {},
      readMinimumCount: () => 0,
    },
  });
  const broken = async () => {
    throw new ProviderError("provider-unavailable", "the new region refuses us");
  };
  const joinBoth = (current: ProviderAbilities, former: ProviderAbilities, location = "old") =>
    joinAbilities({ ...by("new"), abilities: current }, [{ settingsHash: "old", location, abilities: former }]).group;
  const join = (current: Group["hold"], former: Group["hold"]) => joinBoth(grouped(current), grouped(former));

  it("are held by the one that has them, though another cannot be asked", async () => {
    expect(await join(broken, async () => HOLD)?.hold(providerId())).toEqual(HOLD);
  });

  it("are asked for once in each group, however many settings name it, and its hooks are read once", async () => {
    const asked: string[] = [];
    const group = (name: string): ProviderAbilities => {
      const { group: plain } = grouped(async () => {
        asked.push(`hold in ${name}`);
        return null;
      });
      const readHookEdition = async () => {
        asked.push(`hooks of ${name}`);
        return "1";
      };
      return { ...NO_ABILITIES, group: plain && { ...plain, readHookEdition } };
    };
    const settled = (name: string, location: string, abilities = group(name)) => ({
      settingsHash: name,
      location,
      abilities,
    });
    const formers = [settled("current, formerly", "here"), settled("left", "there"), settled("left, before", "there")];
    for (const abilities of [group("current"), NO_ABILITIES]) {
      const joined = joinAbilities(settled("current", "here", abilities), formers).group;
      await joined?.readHookEdition();
      await joined?.hold(providerId());
    }
    const left = ["hooks of left", "hold in left"];
    expect(asked).toEqual(["hooks of current", "hooks of left", "hold in current", "hold in left", ...left]);
    const alone = settled("current", "here");
    expect(joinAbilities(alone, formers.slice(0, 1)).group).toBe(alone.abilities.group);
  });

  it("are asked for with where they were when they were held", async () => {
    const said: unknown[] = [];
    const hold: Group["hold"] = async (_id, last) => {
      said.push(last);
      return null;
    };
    await join(hold, hold)?.hold(providerId(), { place: "serving", departure: "waits" });
    expect(said).toEqual(Array(2).fill({ place: "serving", departure: "waits" }));
  });

  it("are held anew where one of their groups has other hooks", async () => {
    const editions = ["1", "1"];
    const group = (at: number): ProviderAbilities => {
      const { group: plain } = grouped(async () => null);
      return { ...NO_ABILITIES, group: plain && { ...plain, readHookEdition: async () => editions[at] ?? "" } };
    };
    const joined = joinBoth(group(0), group(1));
    const before = await joined?.readHookEdition();
    editions[1] = "2";
    expect(await joined?.readHookEdition()).not.toBe(before);
  });

  const alone = (listHeldUp: Group["listHeldUp"]): ProviderAbilities => ({
    ...NO_ABILITIES,
    group: {
      listHeldUp,
      hold: async () => null,
      readHookEdition: async () => "1",
      noteRows: async () => {},
      readMinimumCount: () => 0,
    },
  });
  const heldUp = (id: number): HeldUp => ({
    providerId: providerId(id),
    membership: { place: "serving", departure: "waits" },
    isGroupLeft: false,
  });
  const listHeldUp = (current: ProviderAbilities, former: Group["listHeldUp"], location = "old") =>
    joinBoth(current, alone(former), location)?.listHeldUp();
  const here = alone(async () => [heldUp(1)]);

  it("are told by each group alone, and by the others where one cannot be asked", async () => {
    const there = async () => [heldUp(2)];
    expect(await listHeldUp(here, there)).toEqual([heldUp(1), heldUp(2)]);
    expect(await listHeldUp(NO_ABILITIES, there)).toEqual([heldUp(2)]);
    expect(await listHeldUp(alone(broken), there)).toEqual([heldUp(2)]);
    expect(await listHeldUp(here, broken)).toEqual([heldUp(1)]);
    await expect(listHeldUp(alone(broken), broken)).rejects.toThrow("the new region refuses us");
  });

  it("are told once by settings of the same group", async () => {
    expect(await listHeldUp(here, async () => [heldUp(1)], "new")).toEqual([heldUp(1)]);
  });

  it("may be held or not where one cannot be asked and no other has them: they are held again", async () => {
    await expect(join(broken, async () => null)?.hold(providerId())).rejects.toThrow("the new region refuses us");
  });
});

describe("machines of several settings", () => {
  it("are launched, and launched again, with the settings that their launch was written with", async () => {
    const { joined, calls } = join(withMarks("gone"), withMarks("gone"));
    await joined.launch(request("old"));
    await joined.launch(request("new"));
    expect(calls()).toEqual(["launch at new", "launch at old"]);
  });

  it.each([0, 1])("are not launched with settings that are not known, beside %i former ones", async (formerCount) => {
    const [current, former] = [place("new", withMarks("gone")), place("old", withMarks("gone"))];
    const joined = joinProviders(current, [former].slice(0, formerCount));
    await expect(joined.launch(request("older"))).rejects.toMatchObject({ code: "provider-unavailable" });
    expect([...current.calls, ...former.calls]).toEqual([]);
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
    [
      "a member there, shown here by its marks alone",
      withoutMarks("running"),
      asMember("running"),
      asMember("running"),
    ],
    ["one that left its group there, shown here by its marks", withMarks("running"), leftBehind, leftBehind],
    ["running there, not known here", withoutMarks("not-found"), withMarks("running"), withMarks("running")],
  ])("are what the place says that has them: %s", async (_name, current, former, want) => {
    const { joined } = join(current, former);
    expect(await joined.list([providerId()])).toMatchObject([want]);
    expect(await joined.list("all")).toMatchObject(want.state === "gone" ? [] : [want]);
  });

  it.each<readonly [string, ProviderState, ProviderState, readonly string[] | undefined]>([
    ["here alone", "running", "gone", undefined],
    ["there alone", "not-found", "running", ["old"]],
    ["in both", "running", "dead", ["new", "old"]],
    ["in neither", "gone", "gone", undefined],
  ])("say by which settings they were shown, where not by today's alone: %s", async (_name, here, there, want) => {
    const [one] = await join(withMarks(here), withMarks(there)).joined.list([providerId()]);
    expect(one?.shownBySettings).toEqual(want);
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
    await joined.terminate(permitFor(withMarks("dead")));
    expect(calls()).toEqual(["terminate at new", "terminate at old"]);
  });

  it("are ended where they are, though another place cannot be asked; that is told, and all are asked again", async () => {
    const broken = place("new", withMarks("gone"));
    broken.provider.terminate = async () => {
      throw new ProviderError("provider-unavailable", "the new region refuses us");
    };
    const former = place("old", withMarks("running"));
    const joined = joinProviders(broken, [former]);
    await expect(joined.terminate(permitFor(withMarks("dead")))).rejects.toThrow("the new region refuses us");
    expect(former.calls).toEqual(["terminate at old"]);
  });

  it("of two kinds are read and ended by the one that named them", async () => {
    const ids = { instance: parseProviderId("i-0000000a"), process: parseProviderId("m-0000000b") };
    const words = { instance: withMarks("dead"), process: withMarks("dead") };
    const instance = { ...words.instance, providerId: ids.instance };
    const process = { ...words.process, providerId: ids.process };
    const cloud = strictPlace("cloud", instance, (id) => id.startsWith("i-"));
    const host = strictPlace("host", process, (id) => id.startsWith("m-"));
    const joined = joinProviders(cloud, [host]);
    expect(await joined.list([ids.instance, ids.process])).toMatchObject([instance, process]);
    await joined.terminate(permitFor(process));
    await joined.terminate(permitFor(instance));
    expect([cloud.calls, host.calls]).toEqual([["terminate at cloud"], ["terminate at host"]]);
  });

  it.each([0, 1])("that none can have named are an error, also beside %i former ones", async (formerCount) => {
    const { provider } = place("new", withMarks("gone"));
    const nobody = () => false;
    const nameless = { provider, names: nobody, idKind: "instance", isExclusive: false, ...by("new") } as const;
    const joined = joinProviders(nameless, [{ ...nameless, ...by("old") }].slice(0, formerCount));
    await expect(joined.list([providerId()])).rejects.toMatchObject({ code: "provider-unavailable" });
    await expect(joined.terminate(permitFor(withMarks("dead")))).rejects.toMatchObject({
      code: "provider-unavailable",
    });
  });

  it("in one place are listed once", async () => {
    const { joined } = join(withMarks("running"), null, false);
    expect(await joined.list("all")).toEqual([withMarks("running")]);
  });
});
