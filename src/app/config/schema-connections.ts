/** The `github` and `operators` blocks. */
import * as z from "zod";
import { isName } from "../../domain/ids.ts";
import { hasCredentials, isLoopback, parseProxyUrl, parseUrl } from "./addresses.ts";
import { hostPatternText, inlineSecret, key, matchedText, pathText } from "./key.ts";

export const NAME_RULE = "must be lower-case letters, digits and inner hyphens, at most 30";

export function nameText() {
  return z.string().refine(isName, { error: NAME_RULE });
}

interface Refusal {
  readonly problem: string;
  readonly mend: string;
}

function apiUrlText() {
  return z.string().transform((text, context) => {
    const url = parseUrl(text);
    const refusal = url === null ? NO_API_URL : findApiUrlRefusal(new URL(url));
    if (refusal === null && url !== null) return url;
    context.addIssue({ code: "custom", message: refusal?.problem ?? "", params: { mend: refusal?.mend } });
    return z.NEVER;
  });
}

const NO_API_URL: Refusal = { problem: "must be an https address", mend: "as in `apiUrl: https://api.github.com`" };
const DATA_RESIDENCY = /^(?<api>api\.)?(?<subdomain>[a-z0-9-]+)\.ghe\.com$/;

/** Each deployment of GitHub has its REST interface at one place of its own. */
function findApiUrlRefusal({ protocol, hostname, pathname }: URL): Refusal | null {
  if (protocol === "http:" && !isLoopback(hostname))
    return { problem: "would send credentials unencrypted", mend: "use https (http is only for this machine itself)" };
  if (hostname === "github.com" || hostname === "www.github.com") return refuseBrowsers("https://api.github.com");
  if (hostname === "api.github.com") return refusePath(pathname, "https://api.github.com");
  if (hostname === "ghe.com" || hostname.endsWith(".ghe.com")) {
    const { api, subdomain = "SUBDOMAIN" } = DATA_RESIDENCY.exec(hostname)?.groups ?? {};
    const right = `https://api.${subdomain}.ghe.com`;
    return api === undefined ? refuseBrowsers(right) : refusePath(pathname, right);
  }
  if (isLoopback(hostname) || pathname.endsWith("/api/v3")) return null;
  return { problem: "is not the REST interface of GitHub Enterprise Server", mend: "end it with `/api/v3`" };
}

function refuseBrowsers(right: string): Refusal {
  return { problem: "is the address for browsers", mend: `use \`${right}\`` };
}

function refusePath(pathname: string, right: string): Refusal | null {
  return pathname === "/" ? null : { problem: "has a path that is not there", mend: `use \`${right}\`` };
}

const PROXY_EXCEPTION_COUNT_MAX = 100;

function proxyUrlText() {
  return z.string().transform((text, context) => {
    const url = parseProxyUrl(text);
    if (url !== null && !hasCredentials(url)) return url;
    const message = url === null ? "must be an http or https address without a path" : "must not hold credentials";
    const mend =
      url === null ? "as in `url: http://proxy:3128`" : "put all of it into the variable HOLDFAST_GITHUB_<NAME>_PROXY";
    context.addIssue({ code: "custom", message, params: { mend } });
    return z.NEVER;
  });
}

const ProxySchema = z.strictObject({
  url: key(proxyUrlText().optional(), {
    says: "The proxy that GitHub is reached through. One that asks for a user and a password: all of its address in the variable, as in `http://user:password@proxy:3128`.",
    example: "url: http://proxy:3128",
    defaultText: "the variable `HOLDFAST_GITHUB_<NAME>_PROXY`",
  }),
  except: key(z.array(hostPatternText()).max(PROXY_EXCEPTION_COUNT_MAX).prefault([]), {
    says: "What is reached without it: names, each with every host under it (`.internal` and `internal` alike), and IP addresses.",
    example: "except: [ghe.acme.com, .internal]",
    defaultText: "nothing",
  }),
});

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
    says: "The base of GitHub's REST interface: `https://api.github.com`; for GitHub Enterprise Server `https://HOST/api/v3`, for ghe.com `https://api.SUBDOMAIN.ghe.com`.",
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
    says: "The secrets that a webhook may be signed with, one a file; name the new one and the old one while you change it. Each connection has its own: they tell whose a delivery is. Not needed with `demand: poll`.",
    example: "webhookSecretFiles: [./webhook-secret]",
    defaultText: "the variable `HOLDFAST_GITHUB_<NAME>_WEBHOOK_SECRET`",
  }),
  webhookSecret: inlineSecret("put it into a file of its own and name that by `webhookSecretFiles`"),
  webhookSecrets: inlineSecret("put each into a file of its own and name those by `webhookSecretFiles`"),
  demand: key(z.enum(["webhooks", "poll"]).prefault("webhooks"), {
    says: "How jobs are heard of: GitHub sends `webhooks`, or Holdfast asks (`poll`), for places that no webhook reaches. Asking needs no webhook secret; a job is heard of later, and each look costs some of GitHub's rate limit.",
    example: "demand: poll",
  }),
  caFile: key(pathText().optional(), {
    says: "The certificates (PEM) of a private authority that is trusted beside the usual ones on the way to GitHub.",
    example: "caFile: ./acme-ca.pem",
  }),
  proxy: key(ProxySchema.optional(), {
    says: "The proxy on the way to GitHub.",
    example: "proxy: { url: http://proxy:3128, except: [.internal] }",
    defaultText: "as the variables `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say",
  }),
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

export function enterpriseText() {
  return matchedText(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/, "must be the name of an enterprise as in its address");
}

export function repositoryPatternText() {
  return matchedText(new RegExp(`^${OWNER}/(?:\\*|[A-Za-z0-9._-]{1,100})$`), "must be `owner/name` or `owner/*`");
}
