/** Reads a configuration back before it is put in place, so that none is called written that `serve` would refuse. */
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import type { Environment } from "../config/environment.ts";
import { ConfigError } from "../config/problems.ts";
import { readConfig } from "../config/read.ts";

const TRIAL = "trial.yaml";

/** @param text the configuration, with the paths of files that are not staged written out in full. */
export async function tryConfig(
  staging: { readonly folder: string; write(name: string, text: string): void },
  text: string,
  target: string,
  environment: Environment,
): Promise<void> {
  staging.write(TRIAL, text);
  try {
    await readConfig(join(staging.folder, TRIAL), environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const code = error.code === "config-unreadable" ? "config-unreadable" : "config-invalid";
    const { problems } = error;
    throw new ConfigError(code, { file: `${target} (nothing was written)`, problems, cause: error });
  }
}

const KEY_BITS = 2048;

/** Stands for the private key of an App that is not registered yet, and is thrown away. */
export function placeholderKey(): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: KEY_BITS });
  return privateKey.export({ type: "pkcs1", format: "pem" }).toString();
}
