/** The `github` and `operators` blocks. */
import * as z from "zod";
import { isName } from "../../domain/ids.ts";
import { isLoopback, parseUrl } from "./addresses.ts";
import { inlineSecret, key, matchedText, pathText, reserved } from "./key.ts";

export const NAME_RULE = "must be lower-case letters, digits and inner hyphens, at most 30";

export function nameText() {
  return z.string().refine(isName, { error: NAME_RULE });
}

function apiUrlText() {
  return z.string().transform((text, context) => {
    const refuse = (message: string, mend: string) => {
      context.addIssue({ code: "custom", message, params: { mend } });
      return z.NEVER;
    };
    const url = parseUrl(text);
    if (url === null) return refuse("must be an https address", "as in `apiUrl: https://api.github.com`");
    const { protocol, hostname, pathname } = new URL(url);
    if (hostname === "github.com" || hostname === "www.github.com")
      return refuse("is the address for browsers", "use `https://api.github.com`");
    if (protocol === "http:" && !isLoopback(hostname))
      return refuse("would send credentials unencrypted", "use https (http is only for this machine itself)");
    if (pathname.includes("/graphql")) return refuse("is not the REST interface", "end it with `/api/v3`");
    return url;
  });
}

const AppSchema = z.strictObject({
  id: key(z.int().min(1), {
    says: "The App's id, from its settings page at GitHub.",
    example: "id: 123456",
  }),
  privateKeyFile: key(pathText().optional(), {
    says: "The App's private key (PEM), as GitHub let you download it.",
    example: "privateKeyFile: ./app.pem",
    defaultText: "the variable `HOLDFAST_GITHUB_<NAME>_PRIVATE_KEY`",
  }),
  privateKey: inlineSecret("put the key into a file of its own and name that by `privateKeyFile`"),
});

const TokenSchema = z.strictObject({
  file: key(pathText().optional(), {
    says: "A file that holds the token and nothing else.",
    example: "file: ./github-token",
    defaultText: "the variable `HOLDFAST_GITHUB_<NAME>_TOKEN`",
  }),
});

const TOKEN_INSTEAD = "put it into a file of its own and write `token: { file: ./github-token }`";

export const ConnectionSchema = z.strictObject({
  apiUrl: key(apiUrlText().prefault("https://api.github.com"), {
    says: "The base of GitHub's REST interface; for GitHub Enterprise Server `https://HOST/api/v3`, for ghe.com `https://api.SUBDOMAIN.ghe.com`.",
    example: "apiUrl: https://api.github.com",
  }),
  app: key(AppSchema.optional(), {
    says: "Signs in as a GitHub App. Exactly one of `app` and `token`.",
    example: "app: { id: 123456, privateKeyFile: ./app.pem }",
  }),
  token: key(TokenSchema.optional(), {
    says: "Signs in with a personal access token. Exactly one of `app` and `token`.",
    example: "token: { file: ./github-token }",
    insteadOfSecret: TOKEN_INSTEAD,
  }),
  webhookSecretFiles: key(z.array(pathText()).min(1).max(10).optional(), {
    says: "The secrets that a webhook may be signed with, one a file; name the new one and the old one while you change it.",
    example: "webhookSecretFiles: [./webhook-secret]",
    defaultText: "the variable `HOLDFAST_GITHUB_<NAME>_WEBHOOK_SECRET`",
  }),
  webhookSecret: inlineSecret("put it into a file of its own and name that by `webhookSecretFiles`"),
  webhookSecrets: inlineSecret("put each into a file of its own and name those by `webhookSecretFiles`"),
  caFile: reserved("A private certificate authority.", "caFile: ./ca.pem"),
  demand: reserved("How jobs are heard of: by webhooks, or by asking.", "demand: webhooks", "webhooks"),
});

export const OperatorSchema = z.strictObject({
  name: key(nameText(), {
    says: "Who it is: lower-case letters, digits and inner hyphens, at most 30. Recorded with everything that the operator does.",
    example: "name: alice",
  }),
  role: key(z.enum(["reader", "operator"]), {
    says: "`reader` looks; `operator` also drains, holds, freezes and ends.",
    example: "role: operator",
  }),
  tokenFile: key(pathText().optional(), {
    says: "A file that holds the operator's token, at least 16 characters.",
    example: "tokenFile: ./alice-token",
    defaultText: "the variable `HOLDFAST_OPERATOR_<NAME>_TOKEN`",
  }),
  anonymous: key(z.boolean().prefault(false), {
    says: "Whoever comes without a token is this operator. With role `operator` only where `listen` keeps strangers out (127.0.0.1).",
    example: "anonymous: true",
  }),
  token: inlineSecret("put it into a file of its own and name that by `tokenFile`"),
});

const OWNER = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})";

export function organizationText() {
  return matchedText(new RegExp(`^${OWNER}$`), "must be the name of an organization");
}

export function repositoryPatternText() {
  return matchedText(new RegExp(`^${OWNER}/(?:\\*|[A-Za-z0-9._-]{1,100})$`), "must be `owner/name` or `owner/*`");
}
