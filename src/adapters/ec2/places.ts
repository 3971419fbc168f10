/** The zones of the pool's subnets: what has no room has none in a zone, whichever subnet of it is asked for. */
import { DescribeSubnetsCommand } from "@aws-sdk/client-ec2";
import { ProviderError } from "../../domain/errors.ts";
import { toLaunchError } from "../aws/errors.ts";
import type { Ec2Clients } from "./client.ts";
import type { Place } from "./rests.ts";
import type { Ec2Settings } from "./settings.ts";

export class Places {
  readonly #clients: Ec2Clients;
  readonly #settings: Ec2Settings;
  /** A subnet never moves. */
  #known: readonly Place[] | null = null;

  constructor(clients: Ec2Clients, settings: Ec2Settings) {
    this.#clients = clients;
    this.#settings = settings;
  }

  /**
   * Every type in every subnet, in the order of the settings.
   * @throws {ProviderError} by the codes of a launch.
   */
  async read(): Promise<readonly Place[]> {
    this.#known ??= await this.#read();
    return this.#known;
  }

  /** Those that are known without asking. */
  find(instanceType: string | undefined, subnet: string | undefined): Place | null {
    return this.#known?.find((one) => one.instanceType === instanceType && one.subnet === subnet) ?? null;
  }

  async #read(): Promise<readonly Place[]> {
    const { subnets, instanceTypes } = this.#settings;
    const attempted = `reading the zones of ${subnets.join(", ")}`;
    let zones: ReadonlyMap<string | undefined, string | undefined>;
    try {
      const answer = await this.#clients.read.send(new DescribeSubnetsCommand({ SubnetIds: [...subnets] }));
      zones = new Map((answer.Subnets ?? []).map(({ SubnetId, AvailabilityZone }) => [SubnetId, AvailabilityZone]));
    } catch (error) {
      throw toLaunchError(error, attempted);
    }
    return instanceTypes.flatMap((instanceType) =>
      subnets.map((subnet) => {
        const zone = zones.get(subnet);
        if (zone !== undefined) return { instanceType, subnet, zone };
        throw new ProviderError("provider-invalid", `${attempted}: there is no ${subnet}`);
      }),
    );
  }
}
