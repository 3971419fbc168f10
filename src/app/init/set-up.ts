/**
 * Makes the files and, where it is asked for, the App. Everything that can go wrong on this computer is tried before
 * GitHub is asked for an App, and nothing is put in place before all of it is there.
 */
import { isAbsolute, join, relative } from "node:path";
import type { Random } from "../../ports/random.ts";
import { CommandError } from "../commands/failure.ts";
import type { Environment } from "../config/environment.ts";
import { ConfigError } from "../config/problems.ts";
import { readConfig } from "../config/read.ts";
import { renderConfigText, type WrittenSignIn } from "./config-text.ts";
import type { CreatedApp } from "./conversion.ts";
import { type CreateAppMeans, createApp } from "./create-app.ts";
import { stopped } from "./prompts.ts";
import { FILES, type InitSettings, operatorTokenFile, secretFilesOf } from "./settings.ts";
import { openStaging, type Staging } from "./staging.ts";
import { placeholderKey, tryConfig } from "./trial.ts";

export interface SetUpPlace {
  /** Absolute. */
  readonly folder: string;
  readonly configName: string;
  /** Files that are there are replaced. */
  readonly isForced: boolean;
}

export interface SetUpMeans extends CreateAppMeans {
  readonly environment: Environment;
}

/** Everything but what is secret. */
export interface SetUp {
  readonly app: Pick<CreatedApp, "appId" | "slug" | "htmlUrl"> | null;
  /** GitHub made the webhook's secret with the App, so that both sides have the same one. */
  readonly isSecretShared: boolean;
}

/** @throws {CommandError | ConfigError} then no file is in place. */
export async function setUp(settings: InitSettings, place: SetUpPlace, means: SetUpMeans): Promise<SetUp> {
  const { folder, configName, isForced } = place;
  const staging = openStaging(folder, [configName, ...secretFilesOf(settings)], isForced);
  try {
    stageSecrets(staging, settings, means.random);
    await tryWith(trialSignIn(settings, staging), settings, staging, place, means);
    const app = await registerApp(settings, means);
    try {
      if (app !== null) stageApp(staging, settings, app);
      const signIn = signInOf(settings, app);
      staging.write(configName, renderConfigText(relativeTo(folder, settings), signInRelativeTo(folder, signIn)));
      await tryWith(signIn, settings, staging, place, means);
      if (means.stop.aborted) throw stopped();
      staging.place([configName, ...secretFilesOf(settings)]);
    } catch (error) {
      throw app === null ? error : afterApp(app, error);
    }
    await readConfig(join(folder, configName), means.environment);
    const isSecretShared = app !== null && app.webhookSecret !== null;
    return { app: app === null ? null : { appId: app.appId, slug: app.slug, htmlUrl: app.htmlUrl }, isSecretShared };
  } finally {
    staging.discard();
  }
}

const TOKEN_LENGTH = 32;

function stageSecrets(staging: Staging, settings: InitSettings, random: Random): void {
  const secret = () => random.token(TOKEN_LENGTH) + random.token(TOKEN_LENGTH);
  staging.write(FILES.tokenKey, secret());
  if (settings.webhooksUrl !== null) staging.write(FILES.webhookSecret, `${secret()}\n`);
  staging.write(operatorTokenFile(settings), `${secret()}\n`);
}

function stageApp(staging: Staging, settings: InitSettings, app: CreatedApp): void {
  staging.write(FILES.privateKey, app.privateKeyPem);
  if (settings.webhooksUrl !== null && app.webhookSecret !== null)
    staging.write(FILES.webhookSecret, `${app.webhookSecret}\n`);
}

function trialSignIn(settings: InitSettings, staging: Staging): WrittenSignIn {
  if (settings.signIn.kind !== "create-app") return settings.signIn;
  staging.write(FILES.privateKey, placeholderKey());
  return { kind: "app", appId: 1, privateKeyFile: `./${FILES.privateKey}` };
}

async function tryWith(
  signIn: WrittenSignIn,
  settings: InitSettings,
  staging: Staging,
  { folder, configName }: SetUpPlace,
  { environment }: SetUpMeans,
): Promise<void> {
  await tryConfig(staging, renderConfigText(settings, signIn), join(folder, configName), environment);
}

async function registerApp(settings: InitSettings, means: SetUpMeans): Promise<CreatedApp | null> {
  const { signIn } = settings;
  return signIn.kind === "create-app" ? await createApp(settings, signIn.isPersonal, means) : null;
}

function signInOf({ signIn }: InitSettings, app: CreatedApp | null): WrittenSignIn {
  if (signIn.kind !== "create-app") return signIn;
  if (app === null) throw stopped();
  return { kind: "app", appId: app.appId, privateKeyFile: `./${FILES.privateKey}` };
}

function signInRelativeTo(folder: string, signIn: WrittenSignIn): WrittenSignIn {
  return signIn.kind === "app"
    ? { ...signIn, privateKeyFile: pathIn(folder, signIn.privateKeyFile) }
    : { ...signIn, tokenFile: pathIn(folder, signIn.tokenFile) };
}

function relativeTo(folder: string, settings: InitSettings): InitSettings {
  return { ...settings, caFile: settings.caFile === null ? null : pathIn(folder, settings.caFile) };
}

/** Relative where it is inside of the folder, so that the folder can be moved with all that is in it. */
function pathIn(folder: string, path: string): string {
  if (!isAbsolute(path)) return path;
  const inside = relative(folder, path);
  return inside.startsWith("..") || isAbsolute(inside) ? path : `./${inside}`;
}

/** The App is there although its files are not: it must not be forgotten. */
function afterApp({ slug, appId, htmlUrl }: CreatedApp, error: unknown): CommandError {
  const text = error instanceof ConfigError ? error.problems.map(({ path, problem }) => `${path} ${problem}`) : [];
  const wrong = error instanceof CommandError ? error.wrong : text.join("; ");
  return new CommandError(`writing the files for the App ${slug}`, {
    code: "init-failed",
    wrong: `${wrong === "" ? "they could not be written" : wrong}; no file was left behind, but the App is registered`,
    mend: `Generate a private key in the App's settings (${htmlUrl}) and go on with \`--app-id ${appId} --private-key-file\`, or delete the App.`,
    cause: error,
  });
}
