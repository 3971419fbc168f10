/**
 * What an instance does at its first boot: fetches the agent from the controller, checks its hash, and runs it under the
 * unit of the contract with a copy of the runner's own Node. The same text for all machines of a pool, without a secret:
 * who a machine is it proves by its signed identity document.
 *
 * A failure ends the script with its reason on the console, and the machine as `never-engaged` after its boot deadline.
 */
import { ProviderError } from "../../domain/errors.ts";
import { AGENT_UNIT, type InstanceSettings } from "../../domain/host/settings.ts";
import { AGENT_HOME, AGENT_START, AGENT_VOLATILE } from "../../domain/instance/agent-unit.ts";
import { quote, writeFile } from "../../domain/instance/shell-text.ts";
import { writeSystemFiles } from "../../domain/instance/system-files.ts";
import type { Ec2ProviderOptions } from "./settings.ts";

/** EC2's own limit, before the encoding. */
const USER_DATA_BYTES_MAX = 16 * 1024;

export type UserDataParts = Pick<Ec2ProviderOptions, "controllerId" | "pool" | "host" | "bundle" | "controllerUrl">;

export function bootScript(parts: UserDataParts): string {
  const { host, bundle } = parts;
  const settings: InstanceSettings = {
    controllerId: parts.controllerId,
    pool: parts.pool,
    provider: "ec2",
    controllerUrl: parts.controllerUrl,
    directory: `${AGENT_HOME}/state`,
    volatileDirectory: AGENT_VOLATILE,
    runnerDirectory: host.runnerDirectory,
    runnerUser: host.runnerUser,
    runnerEnvironment: host.runnerEnvironment,
  };
  return `#!/bin/bash
set -euo pipefail
umask 022
trap 'echo "holdfast: the boot script failed at line $LINENO"' ERR
fetch() { curl --fail --silent --show-error --location --retry 8 --retry-all-errors --retry-max-time 240 --max-time 120 --output "$1" "$2"; }
verify() { echo "$2  $1" | sha256sum --check --quiet -; }
home=${AGENT_HOME}
runner=${quote(host.runnerDirectory)}
mkdir -p "$home"
${runnerSteps(parts)}test -x "$runner/bin/Runner.Listener" || { echo "holdfast: there is no runner in $runner"; exit 1; }
getent passwd ${quote(host.runnerUser)} > /dev/null || { echo "holdfast: there is no user" ${quote(host.runnerUser)}; exit 1; }
node="$(ls -d "$runner"/externals/node24/bin/node)"
install -D -m 755 "$node" "$home/bin/node"
fetch "$home/agent.tar.gz" ${quote(bundle.url)}
verify "$home/agent.tar.gz" ${bundle.sha256}
rm -rf "$home/agent"
mkdir -p "$home/agent"
tar --extract --gzip --no-same-owner --file "$home/agent.tar.gz" --directory "$home/agent"
ln -s ${quote(bundle.entry)} "$home/agent/${AGENT_START}"
install -d -m 711 "$home/state"
${writeFile('"$home/settings.json"', `${JSON.stringify(settings)}\n`)}${writeSystemFiles()}systemctl daemon-reload
systemctl enable --now ${AGENT_UNIT}
echo "holdfast: the agent runs"
`;
}

function runnerSteps({ host }: UserDataParts): string {
  const { runnerDownload: download } = host;
  if (download === null) return "";
  return `if ! test -x "$runner/bin/Runner.Listener"; then
  fetch "$home/runner.tar.gz" ${quote(download.url)}
  verify "$home/runner.tar.gz" ${download.sha256}
  mkdir -p "$runner"
  tar --extract --gzip --no-same-owner --file "$home/runner.tar.gz" --directory "$runner"
  rm "$home/runner.tar.gz"
fi
`;
}

const BOUNDARY = "==holdfast-user-data==";

/**
 * As EC2 takes it. The user's own template may bring its own: then both are parts of one archive, theirs first.
 * @param own as their template has it, in base64; null for none.
 * @throws {ProviderError} `provider-invalid` where both together are too much.
 */
export function encodeUserData(script: string, own: string | null): string {
  const text = own === null || own === "" ? script : joinParts(script, Buffer.from(own, "base64").toString("utf8"));
  const byteCount = Buffer.byteLength(text);
  if (byteCount > USER_DATA_BYTES_MAX) {
    const attempted = `writing the machines' user data: ${byteCount} bytes, of which EC2 takes ${USER_DATA_BYTES_MAX}; shorten the launch template's own, or \`runner.environment\``;
    throw new ProviderError("provider-invalid", attempted);
  }
  return Buffer.from(text).toString("base64");
}

function joinParts(script: string, own: string): string {
  const isArchive = /^(?:content-type|mime-version):/i.test(own);
  const type = own.startsWith("#cloud-config") ? "text/cloud-config" : "text/x-shellscript";
  const theirs = isArchive ? own : `Content-Type: ${type}; charset="utf-8"\n\n${own}`;
  const parts = [theirs, `Content-Type: text/x-shellscript; charset="utf-8"\n\n${script}`];
  const body = parts.map((part) => `--${BOUNDARY}\n${part.trimEnd()}\n`).join("");
  return `Content-Type: multipart/mixed; boundary="${BOUNDARY}"\nMIME-Version: 1.0\n\n${body}--${BOUNDARY}--\n`;
}
