/** What a person still has to do on GitHub's pages, by the way Holdfast signs in. */
import { installUrlOf } from "./create-app.ts";
import { classicScopesFor, describePermission, needsClassicToken, permissionsFor } from "./permissions.ts";
import { accountOf, appSettingsUrl, tokenSettingsUrl, webhookSettingsUrls } from "./places.ts";
import type { SetUp } from "./set-up.ts";
import { FILES, type InitSettings, WEBHOOK_PATH } from "./settings.ts";

interface Told {
  readonly settings: InitSettings;
  readonly done: SetUp;
  readonly pathOf: (name: string) => string;
}

export interface Step {
  readonly text: string;
  /** Below it, one a line, as they are. */
  readonly details: readonly string[];
}

export function stepsAtGitHub(told: Told): readonly Step[] {
  switch (told.settings.signIn.kind) {
    case "create-app":
      return stepsOfNewApp(told);
    case "app":
      return stepsOfApp(told);
    case "token":
      return stepsOfToken(told);
  }
}

function stepsOfNewApp({ settings, done, pathOf }: Told): readonly Step[] {
  if (done.app === null) return [];
  const { htmlUrl } = done.app;
  const install = {
    text: `Install the App for ${accountOf(settings.scope)}: for all repositories, or for those whose jobs Holdfast should run.`,
    details: [installUrlOf(htmlUrl)],
  };
  if (done.isSecretShared || settings.webhooksUrl === null) return [install];
  const text = `Give the App's webhook its secret: what is in ${pathOf(FILES.webhookSecret)}.`;
  return [install, { text, details: [htmlUrl] }];
}

function stepsOfApp({ settings, pathOf }: Told): readonly Step[] {
  const { github, scope, webhooksUrl } = settings;
  const account = accountOf(scope);
  const permissions = permissionsFor([scope]).map(describePermission);
  const settingsUrl = appSettingsUrl(github, scope.kind === "organization" ? account : null);
  return [
    { text: `Give the App these permissions, and no others (${settingsUrl}).`, details: permissions },
    ...(webhooksUrl === null
      ? []
      : [
          {
            text: "Subscribe it to the event Workflow job, and set its webhook.",
            details: webhookFields(webhooksUrl, pathOf),
          },
        ]),
    {
      text: `Install it for ${account}, for all repositories or for those whose jobs Holdfast should run.`,
      details: [],
    },
  ];
}

function stepsOfToken({ settings, pathOf }: Told): readonly Step[] {
  const { github, scope, webhooksUrl } = settings;
  const classic = `classic: ${classicScopesFor([scope]).join(", ")}`;
  const fineGrained = permissionsFor([scope]).map((permission) => `fine-grained: ${describePermission(permission)}`);
  const details = needsClassicToken([scope]) ? [classic] : [classic, ...fineGrained];
  return [
    { text: `See that the token has what its kind needs (${tokenSettingsUrl(github)}).`, details },
    ...(webhooksUrl === null
      ? []
      : [
          {
            text: `Make a webhook with the event Workflow jobs, and no other (${webhookSettingsUrls(github, scope).join(", ")}).`,
            details: webhookFields(webhooksUrl, pathOf),
          },
        ]),
  ];
}

function webhookFields(webhooksUrl: string, pathOf: (name: string) => string): readonly string[] {
  return [
    `address: ${webhooksUrl}${WEBHOOK_PATH}`,
    "content type: application/json",
    `secret: what is in ${pathOf(FILES.webhookSecret)}`,
    "SSL verification: enabled",
  ];
}
