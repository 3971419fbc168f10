/** A pool that moved, while one of the places where it has or had machines cannot be read. */
import { describe, expect, it } from "vitest";
import { joinProviders, type SettledPlace } from "../../src/app/joined-provider.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import { type ProviderId, parseProviderId } from "../../src/domain/ids.ts";
import type { MachineState } from "../../src/domain/machine.ts";
import { PartialListing } from "../../src/domain/partial-listing.ts";
import { issuePermit, type MachinePermit } from "../../src/domain/permit.ts";
import type { Provider } from "../../src/ports/provider.ts";
import { epoch, heard, machine, observed, retiring } from "../domain/builders.ts";

const podIn = (namespace: string, uid = 1) => parseProviderId(`${namespace}:m-${uid}:uid-${uid}`);
const inNamespace = (namespace: string) => (id: ProviderId) => id.startsWith(`${namespace}:`);
const INSTANCE = parseProviderId("i-0000000a");
const shown = (providerId: ProviderId) => observed("running", { providerId });

let locationCount = 0;

class Cluster implements SettledPlace {
  readonly settingsHash: string;
  readonly location: string;
  readonly idKind: SettledPlace["idKind"];
  readonly isExclusive: boolean;
  readonly names: (id: ProviderId) => boolean;
  readonly provider: Provider;
  readonly calls: string[] = [];
  ids: readonly ProviderId[];
  isReadable = true;

  constructor(namespace: string, ids: readonly ProviderId[], idKind: SettledPlace["idKind"] = "pod") {
    this.settingsHash = `settings of ${namespace}`;
    locationCount += 1;
    this.location = `location ${locationCount}`;
    this.idKind = idKind;
    this.isExclusive = idKind === "pod";
    this.names = idKind === "pod" ? inNamespace(namespace) : (id) => !id.includes(":");
    this.ids = ids;
    this.provider = {
      launch: async () => [],
      list: async (which) => {
        if (!this.isReadable) throw new ProviderError("provider-unavailable", `listing the pods in ${namespace}`);
        if (which === "all") return this.ids.map(shown);
        return which.map((id) => (this.ids.includes(id) ? shown(id) : observed("not-found", { providerId: id })));
      },
      terminate: async ({ providerId }) => {
        this.calls.push(providerId);
      },
      readRunnerVersion: async () => null,
      check: async () => [],
    };
  }
}

function join(current: Cluster, ...formers: readonly Cluster[]): Provider {
  return joinProviders(current, formers);
}

async function partOf(listing: Promise<unknown>): Promise<PartialListing> {
  const error = await listing.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof PartialListing)) throw new Error("not a partial listing", { cause: error });
  return error;
}

function permitFor(providerId: ProviderId): MachinePermit {
  const decision = issuePermit({
    kind: "end-machine",
    machine: machine({ state: { ...retiring(), providerId } as MachineState }),
    tickets: [],
    proof: { kind: "provider-dead", observed: observed("dead", { providerId }) },
    epoch: epoch(),
    time: heard(),
  });
  if (decision.kind === "refused") throw new Error(decision.missing.join());
  return decision.permit;
}

describe("a former place that cannot be read", () => {
  it("is named, and what the present one shows is told all the same", async () => {
    const [current, former] = [new Cluster("new", [podIn("new")]), new Cluster("old", [])];
    former.isReadable = false;
    const part = await partOf(join(current, former).list("all"));
    expect(part).toMatchObject({
      code: "provider-unavailable",
      message: expect.stringContaining("listing the pods in old") as unknown,
      shown: [shown(podIn("new"))],
      isCurrentWhole: true,
      unlistedSettings: ["settings of old"],
    });
  });

  it("is alone in being unread: settings that put machines elsewhere, or where the present ones do, were listed", async () => {
    const [current, other, former] = [new Cluster("new", []), new Cluster("other", []), new Cluster("old", [])];
    former.isReadable = false;
    const sharing = (settingsHash: string, { location }: Cluster) => ({ ...former, settingsHash, location });
    const formers = [other, former, sharing("beside old", former), sharing("beside new", current)];
    const { unlistedSettings } = await partOf(joinProviders(current, formers).list("all"));
    expect(unlistedSettings).toEqual(["settings of old", "beside old"]);
  });

  it("leaves unsaid what is asked of it by id, and only that", async () => {
    const [current, former] = [new Cluster("new", []), new Cluster("old", [])];
    former.isReadable = false;
    const joined = join(current, former);
    expect(await joined.list([podIn("new")])).toMatchObject([{ state: "not-found" }]);
    const part = await partOf(joined.list([podIn("new"), podIn("old")]));
    expect(part.shown.map(({ providerId }) => providerId)).toEqual([podIn("new")]);
  });

  it("is not asked for a pod that the present one showed, though it calls its pods the same", async () => {
    const [current, former] = [new Cluster("runners", [podIn("runners")]), new Cluster("runners", [])];
    former.isReadable = false;
    const joined = join(current, former);
    expect((await partOf(joined.list("all"))).shown).toEqual([shown(podIn("runners"))]);
    current.ids = [];
    expect(await joined.list([podIn("runners")])).toMatchObject([{ state: "not-found" }]);
    await joined.terminate(permitFor(podIn("runners")));
    expect([current.calls, former.calls]).toEqual([[podIn("runners")], []]);
  });

  it("may have the pod that the present one never showed: nobody says anything of it", async () => {
    const [current, former] = [new Cluster("runners", []), new Cluster("runners", [])];
    former.isReadable = false;
    expect((await partOf(join(current, former).list([podIn("runners")]))).shown).toEqual([]);
  });

  it("may show more of a machine that several places can show: nothing is told of those", async () => {
    const [current, former] = [new Cluster("new", [INSTANCE], "instance"), new Cluster("old", [], "instance")];
    former.isReadable = false;
    await expect(join(current, former).list("all")).rejects.not.toBeInstanceOf(PartialListing);
  });

  it.each([[[INSTANCE]], [[]]])("can have none of the present ones, where it is of another kind: %j", async (ids) => {
    const [current, former] = [new Cluster("new", ids, "instance"), new Cluster("old", [])];
    former.isReadable = false;
    expect(await partOf(join(current, former).list("all"))).toMatchObject({
      shown: ids.map(shown),
      isCurrentWhole: true,
    });
  });
});

it("a present place that cannot be read leaves unsaid whether all was listed of what it starts", async () => {
  const [current, former] = [new Cluster("new", []), new Cluster("old", [podIn("old")])];
  current.isReadable = false;
  const part = await partOf(join(current, former).list("all"));
  expect(part).toMatchObject({ shown: [shown(podIn("old"))], isCurrentWhole: false });
});

it("a pod that two places show, as two ways into one cluster do, is ended by both", async () => {
  const [current, former] = [new Cluster("runners", [podIn("runners")]), new Cluster("runners", [podIn("runners")])];
  const joined = join(current, former);
  for (let count = 0; count < 3; count += 1) expect(await joined.list("all")).toHaveLength(1);
  await joined.terminate(permitFor(podIn("runners")));
  expect([current.calls, former.calls]).toEqual([[podIn("runners")], [podIn("runners")]]);
});
