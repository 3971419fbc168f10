import { existsSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Diagnostics } from "./diagnostics.ts";
import { readJsonFile } from "./system.ts";

/** What the listener needs of `.runner` and `.credentials_rsaparams`. */
export interface RunnerConfiguration {
  readonly agentId: number;
  readonly agentName: string;
  readonly serverUrl: string;
  readonly workFolder: string;
  readonly isEphemeral: boolean;
  readonly token: string;
}

const SETTINGS = ".runner";
const CREDENTIALS = ".credentials";
const KEY = ".credentials_rsaparams";

/** Writes the files of a JIT configuration into the root, as they are. @throws on anything that is not one. */
export function saveJitConfiguration(root: string, encoded: string, diagnostics: Diagnostics): void {
  const files: unknown = JSON.parse(Buffer.from(encoded, "base64").toString("utf8"));
  if (typeof files !== "object" || files === null) throw new Error("The JIT configuration is not an object.");
  for (const [name, content] of Object.entries(files)) {
    if (typeof content !== "string" || basename(name) !== name) throw new Error(`The JIT configuration names ${name}.`);
    const bytes = Buffer.from(content, "base64");
    writeFileSync(join(root, name), bytes, { mode: 0o600 });
    diagnostics.trace("Runner", `Saved ${bytes.length} bytes to '${join(root, name)}'.`);
  }
}

export function isConfigured(root: string): boolean {
  return existsSync(join(root, SETTINGS));
}

export function loadConfiguration(root: string): RunnerConfiguration {
  const settings = readJsonFile(join(root, SETTINGS)) as { readonly [key: string]: unknown };
  const key = readJsonFile(join(root, KEY)) as { readonly d: string };
  const agentId = Number(settings.AgentId);
  return {
    agentId,
    agentName: String(settings.AgentName),
    serverUrl: String(settings.ServerUrlV2).replace(/\/+$/, ""),
    workFolder: String(settings.WorkFolder ?? "_work"),
    isEphemeral: settings.Ephemeral === true || String(settings.Ephemeral).toLowerCase() === "true",
    token: `${agentId}:${Buffer.from(key.d, "base64").toString("utf8")}`,
  };
}

/** What the runner does after an ephemeral job, and when its registration is gone. */
export function deleteConfiguration(root: string, diagnostics: Diagnostics): void {
  rmSync(join(root, CREDENTIALS), { force: true });
  rmSync(join(root, KEY), { force: true });
  diagnostics.writeLine("√ Removed .credentials");
  rmSync(join(root, SETTINGS), { force: true });
  diagnostics.writeLine("√ Removed .runner");
}
