/** What `holdfast init` made and what is left to do, for a person and for a program. Secrets are named, never shown. */
import { plainText } from "../../http/text/plain-text.ts";
import { type CommandIo, coloursOf, widthOf } from "../terminal/io.ts";
import { wrapText } from "../terminal/text-width.ts";
import { installUrlOf } from "./create-app.ts";
import { permissionsFor } from "./permissions.ts";
import type { SetUp } from "./set-up.ts";
import { FILES, type InitSettings, operatorTokenFile } from "./settings.ts";
import { type Step, stepsAtGitHub } from "./steps-at-github.ts";

export interface Told {
  readonly settings: InitSettings;
  readonly done: SetUp;
  /** As the person wrote it; the files beside it are shown the same way. */
  readonly configPath: string;
  /** @returns how a file beside the configuration is named from where the command was started. */
  readonly pathOf: (name: string) => string;
  readonly isConfigDefault: boolean;
  readonly hasRunner: boolean;
}

const RUNNER_RELEASES = "https://github.com/actions/runner/releases";

function filesOf({ settings, configPath, pathOf }: Told): readonly (readonly [path: string, purpose: string])[] {
  return [
    [configPath, "the configuration"],
    [pathOf(FILES.tokenKey), "signs the tokens of the machines' agents"],
    ...(settings.webhooksUrl === null ? [] : [[pathOf(FILES.webhookSecret), "signs GitHub's webhooks"] as const]),
    [pathOf(operatorTokenFile(settings)), `the token of the operator ${settings.operator}`],
    ...(settings.signIn.kind === "create-app" ? [[pathOf(FILES.privateKey), "the App's private key"] as const] : []),
  ];
}

function stepsOf(told: Told): readonly Step[] {
  const { settings, hasRunner } = told;
  if (hasRunner) return stepsAtGitHub(told);
  const text = `Put GitHub's runner into ${settings.runnerDirectory}: unpack the archive of this system there.`;
  return [...stepsAtGitHub(told), { text, details: [RUNNER_RELEASES] }];
}

function commandsOf({ settings, configPath, pathOf, isConfigDefault }: Told): readonly string[] {
  const config = isConfigDefault ? "" : ` --config ${quoted(configPath)}`;
  const token = ` --token-file ${quoted(pathOf(operatorTokenFile(settings)))}`;
  return [`holdfast check${config}`, `holdfast serve${config}`, `holdfast status${config}${token}`];
}

/** For a shell. */
function quoted(path: string): string {
  return /^[\w./@:-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

const STEP_WIDTH = 3;

export function renderReport(told: Told, io: CommandIo): string {
  const colours = coloursOf(io);
  const width = widthOf(io) - STEP_WIDTH;
  const files = filesOf(told);
  const fileWidth = Math.max(...files.map(([path]) => path.length)) + 2;
  const steps = stepsOf(told).flatMap(({ text, details }, index) => {
    const [first = "", ...rest] = wrapText(plainText(text), width);
    const below = [...rest, ...details.map((detail) => colours.dim(plainText(detail)))];
    return [`${index + 1}. ${first}`, ...below.map((line) => `${" ".repeat(STEP_WIDTH)}${line}`)];
  });
  return [
    colours.green("Holdfast is set up."),
    "",
    ...files.map(([path, purpose]) => `  ${plainText(path).padEnd(fileWidth)}${colours.dim(purpose)}`),
    "",
    ...(steps.length === 0 ? [] : [colours.bold("Left to do"), "", ...steps, ""]),
    colours.bold("Then"),
    "",
    ...commandsOf(told).map((command) => `  ${command}`),
    "",
  ].join("\n");
}

export function reportAsJson(told: Told): string {
  const { settings, done, configPath } = told;
  const { app } = done;
  const value = {
    config: configPath,
    files: filesOf(told).map(([path, purpose]) => ({ path, purpose })),
    controllerId: settings.controllerId,
    apiUrl: settings.github.apiUrl,
    app:
      app === null ? null : { id: app.appId, slug: app.slug, url: app.htmlUrl, installUrl: installUrlOf(app.htmlUrl) },
    permissions: permissionsFor([settings.scope]).map(({ name, level }) => ({ name, level })),
    steps: stepsOf(told),
    commands: commandsOf(told),
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}
