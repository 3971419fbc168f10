/** From flags and answers to settings: which question comes when, and what does not go together. */
import type { PoolScope } from "../../domain/pool.ts";
import { Answers } from "./answers.ts";
import { needsClassicToken } from "./permissions.ts";
import { accountOf, type GitHubPlaces } from "./places.ts";
import type { Prompts } from "./prompts.ts";
import {
  APP_ID,
  CA_FILE,
  type Computer,
  controllerQuestion,
  ENTERPRISE,
  GITHUB,
  LISTEN,
  labelsQuestion,
  MACHINES,
  OPERATOR,
  ORGANIZATION,
  PRIVATE_KEY,
  REPOSITORIES,
  RUNNER_DIRECTORY,
  systemName,
  TOKEN,
  WORK_DIRECTORY,
  webhooksQuestion,
} from "./questions.ts";
import type { InitSettings, SignIn } from "./settings.ts";

/** As the command line hands them over. */
export interface InitOptions {
  readonly githubUrl?: string | undefined;
  readonly caFile?: string | undefined;
  readonly organization?: string | undefined;
  readonly repositories?: string | undefined;
  readonly enterprise?: string | undefined;
  readonly createApp?: boolean | undefined;
  readonly personal?: boolean | undefined;
  readonly appId?: string | undefined;
  readonly privateKeyFile?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly demand?: "webhooks" | "poll" | undefined;
  readonly webhooksUrl?: string | undefined;
  readonly listen?: string | undefined;
  readonly controllerId?: string | undefined;
  readonly operator?: string | undefined;
  readonly labels?: string | undefined;
  readonly max?: string | undefined;
  readonly runnerDirectory?: string | undefined;
  readonly workDirectory?: string | undefined;
}

/**
 * @param prompts null where nobody is asked.
 * @throws {CommandError} `usage`, with everything that is wrong or missing; or whoever was asked stopped.
 */
export async function decideSettings(
  options: InitOptions,
  prompts: Prompts | null,
  computer: Computer,
): Promise<InitSettings> {
  const answers = new Answers(prompts);
  const github = await answers.ask(GITHUB, options.githubUrl);
  const scope = await decideScope(options, answers);
  const signIn = await decideSignIn(options, scope, answers);
  const demand = await decideDemand(options, github, answers);
  const account = scope === null ? "" : accountOf(scope);
  const decided = {
    github,
    scope,
    signIn,
    demand,
    listen: await answers.ask(LISTEN, options.listen),
    controllerId: await answers.ask(controllerQuestion(account), options.controllerId),
    labels: await answers.ask(labelsQuestion(computer), options.labels),
    machineCountMax: await answers.ask(MACHINES, options.max),
    runnerDirectory: await answers.ask(RUNNER_DIRECTORY, options.runnerDirectory),
    workDirectory: await answers.ask(WORK_DIRECTORY, options.workDirectory),
    operator: answers.take(OPERATOR, options.operator),
  };
  const caFile = options.caFile === undefined ? null : answers.take(CA_FILE, options.caFile);
  if (answers.hasProblems || !isComplete(decided)) throw answers.asError();
  const webhooksUrl = decided.demand.kind === "poll" ? null : decided.demand.url;
  return { ...decided, caFile, webhooksUrl, pool: systemName(computer) };
}

type Complete<Values> = { readonly [Key in keyof Values]: NonNullable<Values[Key]> };

function isComplete<Values extends object>(values: Values): values is Values & Complete<Values> {
  return Object.values(values).every((value) => value !== null);
}

async function decideScope(options: InitOptions, answers: Answers): Promise<PoolScope | null> {
  const { organization, repositories, enterprise } = options;
  const given = (["organization", "repositories", "enterprise"] as const).filter((kind) => options[kind] !== undefined);
  if (given.length > 1) {
    answers.refuse(`${given.map((kind) => `--${kind}`).join(" and ")} exclude each other`);
    return null;
  }
  const kind =
    given[0] ??
    (await answers.choose<PoolScope["kind"]>(
      "Whose jobs will it run?",
      [
        { value: "organization", label: "An organization's", hint: "all of it, or what it permits" },
        { value: "repositories", label: "Those of some repositories", hint: "also a person's own" },
        { value: "enterprise", label: "A whole enterprise's", hint: "needs a classic personal access token" },
      ],
      "--organization <name>, --repositories <list> or --enterprise <name> is missing",
    ));
  if (kind === null) return null;
  if (kind === "organization") {
    const name = await answers.ask(ORGANIZATION, organization);
    return name === null ? null : { kind, organization: name };
  }
  if (kind === "repositories") {
    const patterns = await answers.ask(REPOSITORIES, repositories);
    return patterns === null ? null : { kind, repositories: patterns };
  }
  const name = await answers.ask(ENTERPRISE, enterprise);
  return name === null ? null : { kind, enterprise: name };
}

/** @param scope null where it is wrong or missing: what else is shall be told all the same. */
async function decideSignIn(options: InitOptions, scope: PoolScope | null, answers: Answers): Promise<SignIn | null> {
  const isClassic = scope !== null && needsClassicToken([scope]);
  const kind = await chooseSignIn(options, isClassic, answers);
  if (kind === null) return null;
  if (isClassic && kind !== "token") {
    answers.refuse("an enterprise's runners need --token-file: GitHub lets no App register them");
    return null;
  }
  if (kind === "create-app") return scope === null ? null : await decideNewApp(options, scope, answers);
  if (kind === "token") {
    const tokenFile = await answers.ask(TOKEN, options.tokenFile);
    return tokenFile === null ? null : { kind, tokenFile };
  }
  const appId = await answers.ask(APP_ID, options.appId);
  const privateKeyFile = await answers.ask(PRIVATE_KEY, options.privateKeyFile);
  return appId === null || privateKeyFile === null ? null : { kind, appId, privateKeyFile };
}

async function chooseSignIn(
  options: InitOptions,
  isClassic: boolean,
  answers: Answers,
): Promise<SignIn["kind"] | null> {
  const isApp = options.appId !== undefined || options.privateKeyFile !== undefined;
  const given = [
    ...(options.createApp === true ? [["create-app", "--create-app"] as const] : []),
    ...(isApp ? [["app", "--app-id with --private-key-file"] as const] : []),
    ...(options.tokenFile !== undefined ? [["token", "--token-file"] as const] : []),
  ];
  const [first] = given;
  if (given.length > 1) {
    answers.refuse(`${given.map(([, flag]) => flag).join(" and ")} exclude each other`);
    return null;
  }
  if (first !== undefined) return first[0];
  if (isClassic && answers.isAsking) return "token";
  return await answers.choose<SignIn["kind"]>(
    "How does it sign in at GitHub?",
    [
      { value: "create-app", label: "With a new GitHub App", hint: "registered now, in your browser" },
      { value: "app", label: "With a GitHub App that is there", hint: "its id and its private key are at hand" },
      { value: "token", label: "With a personal access token", hint: "it has your own rate limit" },
    ],
    "--create-app, --app-id <number> with --private-key-file <file>, or --token-file <file> is missing",
  );
}

/** An App that is not public can only be installed where it belongs. */
async function decideNewApp(options: InitOptions, scope: PoolScope, answers: Answers): Promise<SignIn | null> {
  const kind = "create-app";
  if (scope.kind !== "repositories") {
    if (options.personal === true) answers.refuse("--personal goes with --repositories only");
    return { kind, isPersonal: false };
  }
  const owners = new Set(scope.repositories.map((repository) => repository.split("/")[0]?.toLowerCase()));
  if (owners.size > 1) {
    answers.refuse("a new App serves repositories of one owner; add a connection for each other owner afterwards");
    return null;
  }
  if (options.personal !== undefined || !answers.isAsking) return { kind, isPersonal: options.personal === true };
  const owner = accountOf(scope);
  const chosen = await answers.choose<"organization" | "person">(
    `Who is ${owner}?`,
    [
      { value: "organization", label: "An organization", hint: "the App will belong to it" },
      { value: "person", label: "A person", hint: `sign in at GitHub as ${owner}` },
    ],
    "",
  );
  return { kind, isPersonal: chosen === "person" };
}

type Demand = { readonly kind: "poll" } | { readonly kind: "webhooks"; readonly url: string };

async function decideDemand(
  { demand, webhooksUrl }: InitOptions,
  github: GitHubPlaces | null,
  answers: Answers,
): Promise<Demand | null> {
  if (demand === "poll" && webhooksUrl !== undefined) {
    answers.refuse("--demand poll and --webhooks-url exclude each other");
    return null;
  }
  const kind =
    demand === "poll" || demand === "webhooks"
      ? demand
      : webhooksUrl !== undefined
        ? "webhooks"
        : await answers.choose<Demand["kind"]>(
            "How does it hear of jobs?",
            [
              { value: "webhooks", label: "GitHub tells it", hint: "at once; it must reach this computer" },
              { value: "poll", label: "It asks GitHub", hint: "later; nothing need be reachable" },
            ],
            "--webhooks-url <address> or --demand poll is missing",
          );
  if (kind !== "webhooks") return kind === null ? null : { kind };
  const url = await answers.ask(webhooksQuestion(github), webhooksUrl);
  return url === null ? null : { kind, url };
}
