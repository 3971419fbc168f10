/**
 * The agent's ground in a pod. Who it is stands in its environment; what it proves that by is a token that the kubelet
 * replaces before it runs out, so it is read anew each time. Runners run as the container's own user: agent and job share
 * the container, and nothing in it is kept from the job.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { POD_HOME, POD_TOKEN_FILE, POD_VARIABLES, POD_VOLATILE } from "../domain/host/pod-settings.ts";
import type { HostSettings } from "../domain/host/settings.ts";
import { parseControllerId, parseMachineId } from "../domain/ids.ts";
import { podProviderId } from "../domain/pod/provider-id.ts";
import { type Ground, UNTOLD_GROUND } from "./ground.ts";
import { environmentOf, SettingsError } from "./settings.ts";
import type { Environment } from "./system.ts";

/** Of an agent in a pod. */
export interface PodGroundSettings extends HostSettings {
  readonly podUid: string;
  readonly tokenFile: string;
}

export interface PodPaths {
  readonly home: string;
  readonly volatile: string;
  readonly tokenFile: string;
}

const PATHS: PodPaths = { home: POD_HOME, volatile: POD_VOLATILE, tokenFile: POD_TOKEN_FILE };

export function isPod(environment: Environment): boolean {
  return environment[POD_VARIABLES.podUid] !== undefined;
}

/** @throws {SettingsError} naming the variable. */
export function readPodSettings(environment: Environment, paths: PodPaths = PATHS): PodGroundSettings {
  const text = (key: keyof typeof POD_VARIABLES) => textOf(environment, POD_VARIABLES[key]);
  const controllerUrl = text("controllerUrl").replace(/\/+$/, "");
  if (!/^https?:\/\/./.test(controllerUrl))
    throw new SettingsError(`${POD_VARIABLES.controllerUrl} is not an http or https address`);
  const runnerDirectory = text("runnerDirectory");
  if (!runnerDirectory.startsWith("/"))
    throw new SettingsError(`${POD_VARIABLES.runnerDirectory} is not an absolute path`);
  const podUid = text("podUid");
  const place = { namespace: text("podNamespace"), podName: text("podName"), podUid };
  return {
    controllerUrl,
    controllerId: parsed(POD_VARIABLES.controllerId, () => parseControllerId(text("controllerId"))),
    machineId: parsed(POD_VARIABLES.machineId, () => parseMachineId(text("machineId"))),
    providerId: parsed(POD_VARIABLES.podUid, () => podProviderId(place)),
    directory: join(paths.home, "state"),
    volatileDirectory: paths.volatile,
    runnerDirectory,
    runnerEnvironment: environmentOf(parsedJson(text("runnerEnvironment"))),
    podUid,
    tokenFile: paths.tokenFile,
  };
}

/** @param kernelBootId the node's, which its other pods share. */
export function podGround(settings: PodGroundSettings, kernelBootId: string): Ground {
  return {
    settings,
    bootId: `${settings.podUid}/${kernelBootId}`,
    readIdentity: async () => ({ kind: "kubernetes", token: readToken(settings.tokenFile) }),
    runnerHost: { isOtherUser: false, findOwner: () => null, wrap: async () => [], inherits: isNotOurs },
    // The kubelet asks the first process to end, and that asks us.
    ...UNTOLD_GROUND,
    // The end of the agent is the end of the container.
    powerOff: () => {},
  };
}

/** Whoever wrote the pod's template set the container's environment for the jobs in it; ours begins with our name. */
function isNotOurs(name: string): boolean {
  return !name.startsWith("HOLDFAST_");
}

/** The folder is the kubelet's, and no job can write there. */
function readToken(path: string): string {
  const token = readFileSync(path, "utf8").trim();
  if (token === "") throw new Error(`the pod's token ${path} is empty`);
  return token;
}

function textOf(environment: Environment, name: string): string {
  const value = environment[name];
  if (value === undefined || value === "") throw new SettingsError(`the environment has no ${name}`);
  return value;
}

function parsed<Value>(name: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new SettingsError(`${name}: ${error.message}`, { cause: error });
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SettingsError(`${POD_VARIABLES.runnerEnvironment} is not JSON`, { cause: error });
  }
}
