/**
 * The agent's ground on an EC2 instance. Which instance it is says the metadata service, once in a boot: an agent that takes
 * over a runner must not wait for it. Which machine it is says the controller at check-in; until then, and for the mark of
 * its processes, it goes by the name that such an instance is adopted under.
 */
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { InstanceSettings } from "../domain/host/settings.ts";
import { type ProviderId, parseProviderId } from "../domain/ids.ts";
import type { Identity } from "../domain/protocol.ts";
import { strayMachineId } from "../domain/stray.ts";
import { MINUTE_MS } from "../domain/units.ts";
import { type Account, findAccount } from "./account.ts";
import { AccountError, type Ground, inheritsFew, type RunnerHost, tellNothing } from "./ground.ts";
import { type InstanceMetadata, MetadataError } from "./instance-metadata.ts";
import { isFileError } from "./log.ts";
import { watchNotice } from "./notice.ts";
import { openSafely, readFrom } from "./safe-file.ts";
import { readSystemdVersion, scopeCommand } from "./scope.ts";
import { watchService } from "./service-watch.ts";
import type { System } from "./system.ts";

const INSTANCE_ID_PATH = "/latest/meta-data/instance-id";
const IDENTITY_PATH = "/latest/dynamic/instance-identity/rsa2048";
const PROFILE_PATH = "/latest/meta-data/iam/info";
const INSTANCE_FILE = "instance.json";
const FILE_BYTES_MAX = 4_096;
const POWER_OFF_TIMEOUT_MS = MINUTE_MS;

export interface InstanceParts {
  readonly metadata: InstanceMetadata;
  readonly bootId: string;
  readonly system: System;
}

/** @throws {MetadataError} where nobody says which instance this is. */
export async function instanceGround(settings: InstanceSettings, parts: InstanceParts): Promise<Ground> {
  const { metadata, system, bootId } = parts;
  const providerId = await learnInstanceId(settings.volatileDirectory, parts);
  const machineId = strayMachineId(providerId);
  const isMember = settings.provider === "asg";
  if (machineId === null) throw new MetadataError(`the instance's id ${JSON.stringify(providerId)} is none`);
  return {
    // An image may be made of an instance that was used: what it did is not this one's.
    settings: { ...settings, directory: join(settings.directory, providerId), providerId, machineId },
    bootId,
    readIdentity: identityReader(metadata),
    runnerHost: scopedRunners(settings.runnerUser, metadata),
    watchNotice: (log, onNotice, signal) => watchNotice({ metadata, system, log, onNotice }, signal),
    isMember,
    watchService: isMember
      ? (log, onService, signal) => watchService({ metadata, system, log, onService }, signal)
      : tellNothing,
    powerOff,
  };
}

/** Kept on tmpfs, with the boot that it was said in. */
async function learnInstanceId(directory: string, { metadata, bootId }: InstanceParts): Promise<ProviderId> {
  const path = join(directory, INSTANCE_FILE);
  const kept = readKept(path);
  if (kept?.bootId === bootId) return parseInstanceId(kept.instanceId);
  const instanceId = parseInstanceId(await metadata.read(INSTANCE_ID_PATH));
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, `${JSON.stringify({ instanceId, bootId })}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch (error) {
    // A full tmpfs keeps no agent from its work: the next one asks again.
    if (!isFileError(error)) throw error;
  }
  return instanceId;
}

/** It becomes a folder's name. */
function parseInstanceId(text: string | null): ProviderId {
  if (text === null || !/^i-[0-9a-f]{8,17}$/.test(text))
    throw new MetadataError(`the metadata names no instance but ${JSON.stringify(text?.slice(0, 40) ?? null)}`);
  return parseProviderId(text);
}

function readKept(path: string): { readonly instanceId: string; readonly bootId: string } | null {
  const opened = openSafely(path);
  if (opened.kind !== "open") return null;
  try {
    const kept: unknown = JSON.parse(readFrom(opened.file, 0, FILE_BYTES_MAX).toString("utf8"));
    const { instanceId, bootId } = (kept ?? {}) as { readonly instanceId?: unknown; readonly bootId?: unknown };
    return typeof instanceId === "string" && typeof bootId === "string" ? { instanceId, bootId } : null;
  } catch (error) {
    if (!(error instanceof SyntaxError) && !isFileError(error)) throw error;
    return null;
  } finally {
    closeSync(opened.file);
  }
}

/** Read anew each time, because a region's certificate may have changed; the last one will do where that fails. */
function identityReader(metadata: InstanceMetadata): () => Promise<Identity> {
  let last: string | null = null;
  return async () => {
    try {
      last = (await metadata.read(IDENTITY_PATH)) ?? last;
    } catch (error) {
      if (!(error instanceof MetadataError) || last === null) throw error;
    }
    if (last === null) throw new MetadataError("the metadata has no signed identity document");
    return { kind: "ec2", document: last };
  };
}

/**
 * An instance without a profile has nothing in its metadata that a job could need, and its identity document, by which a job
 * could speak in the agent's name: there the metadata is closed to runners. With one, their jobs' credentials come from it.
 */
function scopedRunners(user: string, metadata: InstanceMetadata): RunnerHost {
  let account: Account | null = null;
  let systemdVersion: number | null = null;
  const findOwner = () => {
    account ??= findAccount(user);
    if (account === null) throw new AccountError(`this machine has no user ${JSON.stringify(user)}`);
    return account;
  };
  return {
    isOtherUser: true,
    findOwner,
    inherits: inheritsFew,
    wrap: async (ticketId) => {
      systemdVersion ??= readSystemdVersion();
      const isMetadataClosed = (await hasProfile(metadata)) === false;
      return scopeCommand({ ticketId, account: findOwner(), systemdVersion, isMetadataClosed });
    },
  };
}

/** Null where that cannot be read. */
async function hasProfile(metadata: InstanceMetadata): Promise<boolean | null> {
  try {
    return (await metadata.readOnce(PROFILE_PATH)) !== null;
  } catch (error) {
    if (!(error instanceof MetadataError)) throw error;
    return null;
  }
}

/** What EC2 makes of it is `InstanceInitiatedShutdownBehavior`: the instance is terminated. */
function powerOff(): void {
  const { status, error } = spawnSync("systemctl", ["poweroff"], { timeout: POWER_OFF_TIMEOUT_MS });
  if (status !== 0) throw new Error(`powering off ended with ${status}`, { cause: error });
}
