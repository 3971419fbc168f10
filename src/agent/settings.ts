/** Reads the settings that the provider wrote for this agent. Checked by hand: the agent has no packages. */
import { readFileSync } from "node:fs";
import { AGENT_SETTINGS_VARIABLE, type AgentSettings, type InstanceSettings } from "../domain/host/settings.ts";
import { parseControllerId, parseMachineId, parsePoolName, parseProviderId } from "../domain/ids.ts";

/** Something in the settings is not as documented; the message names it. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

export function readSettings(
  environment: Readonly<Record<string, string | undefined>>,
): AgentSettings | InstanceSettings {
  const path = environment[AGENT_SETTINGS_VARIABLE];
  if (path === undefined || path === "")
    throw new SettingsError(`the environment has no ${AGENT_SETTINGS_VARIABLE}: it names the agent's settings file`);
  try {
    return parseSettings(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new SettingsError(`reading the agent's settings ${path}: ${error.message}`, { cause: error });
  }
}

/** Those of an instance say so by `provider`. */
export function parseSettings(value: unknown): AgentSettings | InstanceSettings {
  if (!isRecord(value)) throw new SettingsError("the settings are not a JSON object");
  const { provider = "process" } = value;
  const url = text(value, "controllerUrl");
  if (!/^https?:\/\/./.test(url)) throw new SettingsError("`controllerUrl` is not an http or https address");
  const common = {
    controllerUrl: url.replace(/\/+$/, ""),
    controllerId: parsed(value, "controllerId", parseControllerId),
    directory: path(value, "directory"),
    volatileDirectory: path(value, "volatileDirectory"),
    runnerDirectory: path(value, "runnerDirectory"),
    runnerEnvironment: environmentOf(value.runnerEnvironment),
  };
  switch (provider) {
    case "process":
      return {
        ...common,
        machineId: parsed(value, "machineId", parseMachineId),
        providerId: parsed(value, "providerId", parseProviderId),
        identityFile: path(value, "identityFile"),
      };
    case "ec2":
    case "asg":
      return {
        ...common,
        provider,
        pool: parsed(value, "pool", parsePoolName),
        runnerUser: text(value, "runnerUser"),
      };
    default:
      throw new SettingsError("`provider` is none of `process`, `ec2` and `asg`");
  }
}

type Key = keyof AgentSettings | keyof InstanceSettings;

function text(settings: Readonly<Record<string, unknown>>, key: Key): string {
  const value = settings[key];
  if (typeof value !== "string" || value === "") throw new SettingsError(`\`${key}\` is not a text`);
  return value;
}

function path(settings: Readonly<Record<string, unknown>>, key: Key): string {
  const value = text(settings, key);
  if (!value.startsWith("/")) throw new SettingsError(`\`${key}\` is not an absolute path`);
  return value;
}

function parsed<Id>(settings: Readonly<Record<string, unknown>>, key: Key, parse: (text: string) => Id): Id {
  try {
    return parse(text(settings, key));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new SettingsError(`\`${key}\` is ${error.message}`, { cause: error });
  }
}

/** @throws {SettingsError} */
export function environmentOf(value: unknown): Readonly<Record<string, string>> {
  if (!isRecord(value)) throw new SettingsError("`runnerEnvironment` is not a JSON object");
  return Object.fromEntries(
    Object.entries(value).map(([name, content]) => {
      if (typeof content !== "string") throw new SettingsError(`\`runnerEnvironment.${name}\` is not a text`);
      return [name, content];
    }),
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
