/** The adapter against the simulator's own EC2: what moto does not model, and what goes wrong at a real one. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../src/domain/units.ts";
import { startSimulatedEc2 } from "../../../src/simulator/server/ec2/simulated-ec2.ts";
import { describeEc2Adapter, type Endpoint } from "./contract.ts";

/** Nothing is late and nothing takes time: what the suite asks is what it sees. */
const AT_ONCE = {
  lags: { freshIdMs: [0, 0], listingMs: [0, 0], stateMs: [0, 0], launchTemplateMs: [0, 0] },
  times: {
    pendingMs: [0, 0],
    shuttingDownMs: [0, 0],
    stoppingMs: [0, 0],
    terminatedMs: [HOUR_MS, HOUR_MS],
    noticeMs: 2 * MINUTE_MS,
    tokenMs: DAY_MS,
    statusChecksMs: [0, 0],
  },
  rates: null,
  ignoredEndingShare: 0,
  failedPendingShare: 0,
} as const;

async function open(): Promise<Endpoint> {
  const ec2 = await startSimulatedEc2({ seed: 1, ec2: AT_ONCE });
  const { region, subnets, securityGroups, images } = ec2.options;
  const standing = {
    region,
    place: {
      subnets: subnets.slice(0, 2).map(({ id }) => id),
      securityGroups: securityGroups.slice(0, 1).map(({ id }) => id),
      image: images.find(({ architecture }) => architecture === "x86_64")?.id ?? "",
    },
    instanceTypes: ["c5.xlarge", "m5.xlarge"],
  };
  return { url: ec2.endpoint, standing, close: () => ec2.close() };
}

describeEc2Adapter("the simulated EC2", open, { keepsTokens: true, marksVolumesOfFleets: true, hasDryRuns: true });
