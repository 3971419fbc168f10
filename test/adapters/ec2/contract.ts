/**
 * What the adapter does at an address that answers as EC2 does, whoever answers there. Real HTTP, the official client, and
 * a look at what came to be by another client than the adapter's.
 */
import {
  DescribeInstancesCommand,
  DescribeLaunchTemplateVersionsCommand,
  DescribeVolumesCommand,
  EC2Client,
  type Instance,
  type LaunchTemplateVersion,
} from "@aws-sdk/client-ec2";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { Ec2Settings } from "../../../src/adapters/ec2/settings.ts";
import { templateName } from "../../../src/adapters/ec2/templates.ts";
import { emptyMemory } from "../../../src/controllers/context.ts";
import { parseControllerId, parseJobId, parseProviderId } from "../../../src/domain/ids.ts";
import { providerIdOf } from "../../../src/domain/machine.ts";
import type { ObservedMachine } from "../../../src/domain/observed.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import { loadMachine } from "../../../src/store/machines/load.ts";
import { saveMachine } from "../../../src/store/machines/save.ts";
import { Yard } from "../../controllers/yard.ts";
import {
  CREDENTIALS,
  draftAndLaunch,
  drafted,
  handClock,
  makePlace,
  newLaunch,
  openProvider,
  optionsAt,
  type Place,
  permitFor,
  REGION,
  settingsAt,
} from "./stage.ts";

export interface Endpoint {
  readonly url: string;
  /** What is there already; where it is not said, a place is made, and the region is that of the tests. */
  readonly standing?: { readonly region: string; readonly place: Place; readonly instanceTypes: readonly string[] };
  close(): Promise<void>;
}

/** What an endpoint does not model is not asked of it, and said so. */
export interface EndpointAbilities {
  /** A request with a token that was used before starts nothing more, and gives the same answer. */
  readonly keepsTokens: boolean;
  readonly marksVolumesOfFleets: boolean;
  /** Tells what a dry run would have done. */
  readonly hasDryRuns: boolean;
}

const OPEN_PATIENCE_MS = 60_000;
const UNKNOWN_ID = parseProviderId("i-0fffffffffffffff0");

/** One address for all tests of a suite, and what a pool there names. */
class Region {
  #endpoint: Endpoint | null = null;
  #client: EC2Client | null = null;
  #place: Place | null = null;
  #changes: Partial<Ec2Settings> = {};
  #controllerCount = 0;

  /** The first of the types that pools name here. */
  get instanceType(): string {
    return this.#changes.instanceTypes?.[0] ?? "m5.large";
  }

  async open(endpoint: Endpoint): Promise<void> {
    this.#endpoint = endpoint;
    const { url, standing } = endpoint;
    const region = standing?.region ?? REGION;
    this.#client = new EC2Client({ region, endpoint: url, credentials: CREDENTIALS });
    this.#place = standing?.place ?? (await makePlace(this.#client));
    this.#changes = standing === undefined ? {} : { region, instanceTypes: standing.instanceTypes };
  }

  async close(): Promise<void> {
    this.#client?.destroy();
    await this.#endpoint?.close();
  }

  get client(): EC2Client {
    if (this.#client === null) throw new Error("the region is open");
    return this.#client;
  }

  get place(): Place {
    if (this.#place === null) throw new Error("the region is open");
    return this.#place;
  }

  /** With a controller of its own for each test: they share a region, and see nothing of each other. */
  pool(changes: Parameters<typeof settingsAt>[2] = {}, clock: Clock = handClock(Date.now())) {
    this.#controllerCount += 1;
    const controllerId = parseControllerId(`ci-${this.#controllerCount}`);
    const settings = settingsAt(this.#endpoint?.url ?? "", this.place, { ...this.#changes, ...changes });
    const options = optionsAt(settings, clock, controllerId);
    return { options, clock, provider: openProvider(options) };
  }

  async instanceOf(id: string): Promise<Instance> {
    const answer = await this.client.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
    const [instance] = answer.Reservations?.[0]?.Instances ?? [];
    if (instance === undefined) throw new Error(`${id} is not there`);
    return instance;
  }

  async versionsOf(options: ReturnType<typeof optionsAt>): Promise<readonly LaunchTemplateVersion[]> {
    const LaunchTemplateName = templateName(options);
    const answer = await this.client.send(new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateName }));
    return answer.LaunchTemplateVersions ?? [];
  }
}

const tagsOf = ({ Tags }: { readonly Tags?: Instance["Tags"] }) =>
  Object.fromEntries((Tags ?? []).map(({ Key, Value }) => [Key, Value]));

const isPresent = ({ state }: ObservedMachine) => state === "starting" || state === "running";

/** @param open at an address with nothing of ours. */
export function describeEc2Adapter(name: string, open: () => Promise<Endpoint>, abilities: EndpointAbilities): void {
  describe(`the EC2 adapter against ${name}`, () => {
    const region = new Region();
    beforeAll(async () => region.open(await open()), OPEN_PATIENCE_MS);
    afterAll(() => region.close());
    itStarts(region);
    itMarksVolumes(region, abilities);
    itKeepsTemplates(region);
    itEnds(region);
    itRepeats(region, abilities);
    itServesControllers(region);
  });
}

/** The controllers' own passes over the adapter: what it says of machines is what they need to bind, follow and end them. */
function itServesControllers(region: Region): void {
  it("lets the controllers launch for jobs, know which instance is which machine, and end what is forced", async () => {
    const yard = await Yard.open({ machineCountMax: 5 });
    onTestFinished(() => yard.close());
    // One time for both, in which only the adapter's short pauses pass by themselves.
    const clock: Clock = {
      nowMs: () => yard.clock.nowMs(),
      monotonicMs: () => yard.clock.monotonicMs(),
      sleep: handClock().sleep,
    };
    const { provider, options } = region.pool({}, clock);
    Object.assign(yard.context, { provider, abilities: provider });
    for (const id of [1, 2, 3]) await yard.queue(id);
    await yard.pass();

    const started = await yard.machines();
    expect(started.map(({ state }) => state.kind)).toEqual(["provisioning", "provisioning", "provisioning"]);
    const bound = started.flatMap((machine) => providerIdOf(machine) ?? []);
    expect(new Set(bound).size).toBe(3);
    for (const machine of started)
      expect(yard.context.memory.observed.get(machine.id)).toMatchObject({ providerId: providerIdOf(machine) });

    // Another process, which remembers nothing, finds the same machines and adopts none.
    Object.assign(yard.context, { memory: emptyMemory(), provider: openProvider(options) });
    await yard.pass();
    expect((await yard.machines()).map(({ origin }) => origin)).toEqual(["launched", "launched", "launched"]);

    for (const machine of started) {
      const current = await loadMachine(yard.store.db, machine.id);
      if (current === null) throw new Error("its row is there");
      const forced = { operator: "alice", reason: "the test is over", atMs: yard.clock.nowMs() };
      await saveMachine(yard.store.db, { ...current, forced, version: current.version + 1 }, current.version);
    }
    for (const job of [1, 2, 3]) yard.github.jobs.delete(parseJobId(job));
    yard.isShuttingDown = true;
    await yard.pass();
    const ended = await provider.list(bound);
    expect(ended.every(({ state }) => state === "dead" || state === "gone")).toBe(true);
  });
}

function itStarts(region: Region): void {
  it("starts the machines of a launch by one fleet, and lists them by its marks", async () => {
    const { provider, options } = region.pool();
    const request = newLaunch(3);
    const launched = await draftAndLaunch(provider, request);
    expect(launched.map(({ machineId }) => machineId)).toEqual(request.machines.map(({ machineId }) => machineId));
    expect(new Set(launched.map(({ providerId }) => providerId)).size).toBe(3);

    const listed = await provider.list("all");
    expect(listed.map(({ providerId }) => providerId).sort()).toEqual(
      launched.map(({ providerId }) => providerId).sort(),
    );
    for (const observed of listed) {
      expect(observed).toMatchObject({ launchId: request.launchId, pool: options.pool, machineId: null });
      expect(isPresent(observed)).toBe(true);
    }
  });

  it("gives a machine that is started alone its own mark, and by one call where there is one place", async () => {
    const [subnet = ""] = region.place.subnets;
    const { provider } = region.pool({ instanceTypes: [region.instanceType], subnets: [subnet], market: "on-demand" });
    const request = newLaunch(1);
    const [launched] = await draftAndLaunch(provider, request);
    const [listed] = await provider.list("all");
    expect(listed).toMatchObject({ ...launched, launchId: request.launchId });
    expect(await region.instanceOf(launched?.providerId ?? "")).toMatchObject({
      InstanceType: region.instanceType,
      SubnetId: subnet,
    });
  });

  it("asks for spot first where the settings say so, and for on-demand where they say that", async () => {
    const spot = region.pool({ market: "spot" });
    const [onSpot] = await draftAndLaunch(spot.provider, newLaunch(1));
    expect((await region.instanceOf(onSpot?.providerId ?? "")).InstanceLifecycle).toBe("spot");
    const demand = region.pool({ market: "on-demand" });
    const [onDemand] = await draftAndLaunch(demand.provider, newLaunch(1));
    expect((await region.instanceOf(onDemand?.providerId ?? "")).InstanceLifecycle).not.toBe("spot");
  });
}

function itMarksVolumes(region: Region, abilities: EndpointAbilities): void {
  it.each([
    ["by one call for one place", true, true],
    ["by a fleet", false, abilities.marksVolumesOfFleets],
  ] as const)(
    "marks volumes as it marks instances, with the tags of the settings beside: %s",
    async (_name, isOnePlace, isModelled) => {
      const changes = isOnePlace ? { instanceTypes: [region.instanceType] } : {};
      const subnets = region.place.subnets.slice(0, 1);
      const { provider, options } = region.pool({ ...changes, subnets, tags: { team: "platform" } });
      const request = newLaunch(1);
      const [launched] = await draftAndLaunch(provider, request);
      const instance = await region.instanceOf(launched?.providerId ?? "");
      const launchId = request.launchId;
      const marks = { "holdfast:controller": options.controllerId, "holdfast:launch": launchId, team: "platform" };
      expect(tagsOf(instance)).toMatchObject(marks);
      const VolumeIds = (instance.BlockDeviceMappings ?? []).flatMap(({ Ebs }) => Ebs?.VolumeId ?? []);
      expect(VolumeIds.length).toBeGreaterThan(0);
      const { Volumes = [] } = await region.client.send(new DescribeVolumesCommand({ VolumeIds }));
      // The template marks a fleet's volumes, and knows no launch.
      const { "holdfast:launch": _, ...withoutLaunch } = marks;
      const wanted = isOnePlace ? marks : withoutLaunch;
      if (isModelled) for (const volume of Volumes) expect(tagsOf(volume)).toMatchObject(wanted);
    },
  );
}

function itKeepsTemplates(region: Region): void {
  it("keeps one template with a version for each of its settings", async () => {
    const { provider, options } = region.pool();
    await draftAndLaunch(provider, newLaunch(1));
    await draftAndLaunch(openProvider(options), newLaunch(1));
    const [first, ...others] = await region.versionsOf(options);
    expect(others).toEqual([]);
    expect(first?.LaunchTemplateData).toMatchObject({
      ImageId: region.place.image,
      InstanceInitiatedShutdownBehavior: "terminate",
      MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1 },
    });
    const script = Buffer.from(first?.LaunchTemplateData?.UserData ?? "", "base64").toString("utf8");
    expect(script).toContain(options.bundle.url);

    const changed = { ...options, controllerUrl: "https://elsewhere.test" };
    await draftAndLaunch(openProvider(changed), newLaunch(1));
    expect((await region.versionsOf(options)).map(({ VersionNumber }) => VersionNumber).sort()).toEqual([1, 2]);
  });
}

function itEnds(region: Region): void {
  it("ends what it is told to, also beside an instance that is not known", async () => {
    const { provider, clock } = region.pool();
    const [one, two, kept] = await draftAndLaunch(provider, newLaunch(3));
    if (one === undefined || two === undefined || kept === undefined) throw new Error("three were launched");
    await Promise.all([
      provider.terminate(permitFor(one.providerId, clock)),
      provider.terminate(permitFor(UNKNOWN_ID, clock)),
      provider.terminate(permitFor(two.providerId, clock)),
    ]);
    const observed = await provider.list([one.providerId, two.providerId, kept.providerId, UNKNOWN_ID]);
    expect(observed.slice(0, 2).every(({ state }) => state === "dead" || state === "gone")).toBe(true);
    expect(observed[2] !== undefined && isPresent(observed[2])).toBe(true);
    expect(observed[3]?.state).toBe("not-found");
    // What has ended is listed as well: that is the proof of its end.
    expect((await provider.list("all")).length).toBe(3);
  });

  it("shows another controller's instances in no listing, and does not know them by their ids", async () => {
    const other = region.pool();
    const [theirs] = await draftAndLaunch(other.provider, newLaunch(1));
    const { provider } = region.pool();
    expect(await provider.list("all")).toEqual([]);
    expect((await provider.list([theirs?.providerId ?? UNKNOWN_ID]))[0]?.state).toBe("not-found");
  });

  it("stops a machine and starts it again", async () => {
    const { provider, clock } = region.pool({ market: "on-demand" });
    const [launched] = await draftAndLaunch(provider, newLaunch(1));
    const providerId = launched?.providerId ?? UNKNOWN_ID;
    await provider.standby?.stop(permitFor(providerId, clock));
    expect((await provider.list([providerId]))[0]?.state).toBe("stopped");
    await provider.standby?.start(providerId);
    const [started] = await provider.list([providerId]);
    expect(started !== undefined && isPresent(started)).toBe(true);
  });

  it("has no console of an instance that is not known", async () => {
    const { provider } = region.pool();
    expect(await provider.consoles?.readConsole(UNKNOWN_ID)).toBeNull();
  });
}

function itRepeats(region: Region, abilities: EndpointAbilities): void {
  // Skipped: an endpoint that forgets tokens starts the machines of a repeat anew.
  it.skipIf(!abilities.keepsTokens)("starts nothing twice when a launch is repeated, after a restart too", async () => {
    const { provider, options } = region.pool();
    const request = await drafted(provider, newLaunch(2));
    const launched = await provider.launch(request);
    expect(await provider.launch(request)).toEqual(launched);
    expect(await openProvider(options).launch(request)).toEqual(launched);
    expect((await provider.list("all")).length).toBe(2);
  });

  // Skipped: an endpoint that has no dry runs starts what is only tried.
  it.skipIf(!abilities.hasDryRuns)("finds nothing wrong with settings that machines were started from", async () => {
    const { provider } = region.pool();
    await draftAndLaunch(provider, newLaunch(1));
    const findings = await provider.check();
    expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
    expect((await provider.list("all")).length).toBe(1);
  });
}
