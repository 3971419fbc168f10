/**
 * The script by which the agent comes into an image, or onto a running machine of an Auto Scaling group: the values of a pool,
 * and below them `deploy/agent/install.sh`, which is the same for all. It holds no secret: an instance proves who it is by
 * what its platform signs.
 */
import { readFileSync } from "node:fs";
import type { InstanceSettings } from "../domain/host/settings.ts";
import { AGENT_HOME, AGENT_VOLATILE } from "../domain/instance/agent-unit.ts";
import { hereDocument, quote } from "../domain/instance/shell-text.ts";
import { SYSTEM_FILES } from "../domain/instance/system-files.ts";

const BODY = new URL("../../deploy/agent/install.sh", import.meta.url);
const SETTINGS_PATH = `${AGENT_HOME}/settings.json`;

export type InstallerParts = Pick<
  InstanceSettings,
  "controllerId" | "pool" | "controllerUrl" | "runnerDirectory" | "runnerUser" | "runnerEnvironment"
> & {
  readonly bundle: { readonly url: string; readonly sha256: string; readonly entry: string };
};

export function installScript({ bundle, ...parts }: InstallerParts): string {
  const settings: InstanceSettings = {
    ...parts,
    provider: "asg",
    directory: `${AGENT_HOME}/state`,
    volatileDirectory: AGENT_VOLATILE,
  };
  const values = {
    runner: parts.runnerDirectory,
    runner_user: parts.runnerUser,
    bundle_url: bundle.url,
    bundle_sha256: bundle.sha256,
    entry: bundle.entry,
  };
  const assignments = Object.entries(values).map(([name, value]) => `${name}=${quote(value)}\n`);
  const files = SYSTEM_FILES.map(({ path, text }) => hereDocument(`put ${path}`, text));
  return `#!/bin/sh
# Printed by \`holdfast install-script ${parts.pool}\`, for the agent of that version of Holdfast.
${assignments.join("")}
put_settings() {
${hereDocument(`put ${SETTINGS_PATH}`, `${JSON.stringify(settings)}\n`)}}

put_files() {
${files.join("")}}

${readFileSync(BODY, "utf8")}`;
}
