/**
 * A pool's settings as the store keeps them, so that machines made from them can be cared for when the configuration has
 * others, or has the pool no more. They hold no secret: a pool's block has none, and the variables of its runner are for
 * none.
 */
import * as z from "zod";
import { SCALINGS } from "../../adapters/asg/settings.ts";
import {
  MARKETS,
  ON_DEMAND_ALLOCATIONS,
  SPOT_ALLOCATIONS,
  TENANCIES,
  VOLUME_TYPES,
} from "../../adapters/ec2/settings.ts";
import { HoldfastError } from "../../domain/errors.ts";
import { parseConnectionName, parsePoolName } from "../../domain/ids.ts";
import type { PoolSettings } from "../../store/pools/row.ts";
import type { PoolConfig } from "./config.ts";

/** Grows when what is written here can no longer be read by the schema below. */
const SHAPE = 1;

const count = () => z.int().min(0);
const texts = () => z.array(z.string());

const textOrNull = () => z.string().nullable();

const StoredEc2Schema = z.object({
  kind: z.literal("ec2"),
  region: z.string(),
  endpoint: textOrNull(),
  subnets: texts(),
  securityGroups: texts(),
  instanceTypes: texts(),
  image: textOrNull(),
  launchTemplate: z.object({ id: z.string(), version: z.string() }).nullable(),
  market: z.enum(MARKETS),
  onDemandBase: count(),
  onDemandPercent: count(),
  spotAllocation: z.enum(SPOT_ALLOCATIONS),
  onDemandAllocation: z.enum(ON_DEMAND_ALLOCATIONS),
  spotMaxPrice: textOrNull(),
  tenancy: z.enum(TENANCIES),
  hostResourceGroup: textOrNull(),
  instanceProfile: textOrNull(),
  publicAddress: z.boolean().nullable(),
  volume: z
    .object({
      sizeGib: count().nullable(),
      type: z.enum(VOLUME_TYPES),
      iops: count().nullable(),
      throughputMib: count().nullable(),
      kmsKey: textOrNull(),
    })
    .nullable(),
  metadataHops: count(),
  tags: z.record(z.string(), z.string()),
  runnerUser: z.string(),
  runnerDownload: z.object({ url: z.string(), sha256: z.string(), version: z.string() }).nullable(),
  identityCertificates: texts(),
});

const StoredAsgSchema = z.object({
  kind: z.literal("asg"),
  region: z.string(),
  group: z.string(),
  scaling: z.enum(SCALINGS),
  endpoint: textOrNull(),
  autoScalingEndpoint: textOrNull(),
  longestJobSeconds: count(),
  runnerUser: z.string(),
  identityCertificates: texts(),
});

const StoredKubernetesSchema = z.object({
  kind: z.literal("kubernetes"),
  access: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("in-cluster") }),
    z.object({ kind: z.literal("kubeconfig"), file: z.string(), context: textOrNull() }),
    z.object({
      kind: z.literal("token"),
      server: z.string(),
      tokenFile: z.string(),
      certificateFile: textOrNull(),
    }),
  ]),
  namespace: z.string(),
  image: z.string(),
  resources: z.object({
    requests: z.record(z.string(), z.string()),
    limits: z.record(z.string(), z.string()),
  }),
  nodeSelector: z.record(z.string(), z.string()),
  tolerations: z.array(z.record(z.string(), z.union([z.string(), z.number()]))),
  serviceAccount: textOrNull(),
  longestJobSeconds: count(),
  template: z.object({
    metadata: z
      .object({
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()),
      })
      .exactOptional(),
    spec: z.record(z.string(), z.unknown()).exactOptional(),
  }),
});

const StoredPoolSchema = z.object({
  shape: z.literal(SHAPE),
  policy: z.object({
    name: z.string(),
    connection: z.string(),
    scope: z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("organization"), organization: z.string() }),
      z.object({ kind: z.literal("repositories"), repositories: texts() }),
      z.object({ kind: z.literal("enterprise"), enterprise: z.string() }),
    ]),
    acceptRepositories: texts().nullable(),
    labels: texts(),
    runnerGroup: z.string(),
    requiredLabels: texts(),
    priority: z.int(),
    mode: z.enum(["run", "observe"]),
    machineCountMax: count(),
    jobsPerMachine: count(),
    warmParkedCount: count(),
    // Written by versions that had it; those before stopped none.
    warmStoppedCount: count().default(0),
    warmRegisteredCount: count(),
    readyTicketCount: count(),
    maxAgeMs: count().nullable(),
    deadlines: z.object({
      bootMs: count(),
      onlineMs: count(),
      idleTicketMs: count(),
      lostHostMs: count(),
      unknownMs: count(),
    }),
    // As above: those before ran no job again.
    rerun: z.object({ exceptLabel: textOrNull() }).nullable().default(null),
    sizing: z.literal("external").exactOptional(),
    settingsHash: z.string(),
  }),
  runner: z.object({ directory: z.string(), environment: z.record(z.string(), z.string()) }),
  provider: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("process"), workDirectory: z.string() }),
    StoredEc2Schema,
    StoredAsgSchema,
    StoredKubernetesSchema,
  ]),
});

export function writeStoredPool({ policy, runner, provider }: PoolConfig): string {
  return JSON.stringify({ shape: SHAPE, policy, runner, provider });
}

/** @throws {HoldfastError} `pool-unreadable`, naming the pool. */
export function readStoredPool({ pool, settings }: PoolSettings): PoolConfig {
  try {
    const { policy, runner, provider } = StoredPoolSchema.parse(JSON.parse(settings));
    const { name, connection, ...rest } = policy;
    return {
      policy: { ...rest, name: parsePoolName(name), connection: parseConnectionName(connection) },
      runner,
      provider,
    };
  } catch (error) {
    throw unreadable(pool, error);
  }
}

function unreadable(pool: string, cause: unknown): HoldfastError {
  return new HoldfastError("pool-unreadable", `reading the settings that the store holds of pool "${pool}"`, { cause });
}
