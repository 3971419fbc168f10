/**
 * Puts the server of `moto` where `test/adapters/ec2/moto.test.ts` looks for it: a model of AWS that others keep, against
 * which the EC2 adapter is held. A Python environment of its own in the system's temporary folder; nothing else changes.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PACKAGE = "moto[server,ec2]==5.2.5";
const DIRECTORY = join(tmpdir(), "holdfast-moto");

function run(program: string, ...parameters: readonly string[]): boolean {
  const { status, error } = spawnSync(program, parameters, { stdio: "inherit" });
  if (error !== undefined) process.stderr.write(`${program}: ${error.message}\n`);
  return status === 0;
}

const isInstalled =
  existsSync(join(DIRECTORY, "bin", "moto_server")) ||
  (run("python3", "-m", "venv", DIRECTORY) && run(join(DIRECTORY, "bin", "pip"), "install", "--quiet", PACKAGE));
process.stdout.write(isInstalled ? `moto is in ${DIRECTORY}\n` : "moto was not installed; its suite is skipped\n");
process.exitCode = isInstalled ? 0 : 1;
