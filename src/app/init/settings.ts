/** What `holdfast init` was told, by flags or answers: everything that the files and the App are made from. */
import type { PoolScope } from "../../domain/pool.ts";
import { isWildcard, type ListenAddress, urlOf } from "../config/addresses.ts";
import type { GitHubPlaces } from "./places.ts";

export type SignIn =
  /** The App is registered from a manifest, in the browser. @property isPersonal its owner is a person. */
  | { readonly kind: "create-app"; readonly isPersonal: boolean }
  | { readonly kind: "app"; readonly appId: number; readonly privateKeyFile: string }
  | { readonly kind: "token"; readonly tokenFile: string };

export interface InitSettings {
  readonly controllerId: string;
  readonly github: GitHubPlaces;
  readonly caFile: string | null;
  readonly scope: PoolScope;
  readonly signIn: SignIn;
  /** Where GitHub's webhooks come in, without the path; null where jobs are asked for instead (`demand: poll`). */
  readonly webhooksUrl: string | null;
  readonly listen: ListenAddress;
  readonly operator: string;
  readonly pool: string;
  readonly labels: readonly string[];
  readonly machineCountMax: number;
  readonly runnerDirectory: string;
  readonly workDirectory: string;
}

/** What comes after `urls.webhooks`. */
export const WEBHOOK_PATH = "/webhooks/github";
/** The connection's name in the configuration. */
export const CONNECTION = "main";

/** The files that are made beside the configuration, by what is in them. */
export const FILES = { tokenKey: "token-key", webhookSecret: "webhook-secret", privateKey: "app.pem" } as const;

export function operatorTokenFile({ operator }: Pick<InitSettings, "operator">): string {
  return `${operator}-token`;
}

/** The secrets that this setup makes, in the order in which they are shown. */
export function secretFilesOf(settings: InitSettings): readonly string[] {
  return [
    FILES.tokenKey,
    ...(settings.webhooksUrl === null ? [] : [FILES.webhookSecret]),
    operatorTokenFile(settings),
    ...(settings.signIn.kind === "create-app" ? [FILES.privateKey] : []),
  ];
}

/** Machines are processes on this computer, so that their agents call it under its own address. */
export function ownUrl({ host, port }: ListenAddress): string {
  if (!isWildcard(host)) return urlOf({ host, port });
  return urlOf({ host: host === "::" ? "::1" : "127.0.0.1", port });
}
