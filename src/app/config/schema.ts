/** The one schema of the configuration. What concerns several keys together is in `cross-checks.ts`. */
import * as z from "zod";
import { isEverybody, isNetwork } from "./addresses.ts";
import { inlineSecret, key, listenText, pathText, RESERVED, urlText } from "./key.ts";
import { ConnectionSchema, NAME_RULE, nameText, OperatorSchema } from "./schema-connections.ts";
import { PoolSchema } from "./schema-pools.ts";
import { TelemetrySchema } from "./schema-telemetry.ts";

export const LISTEN_DEFAULT = "127.0.0.1:8080";
const POOL_COUNT_MAX = 1_000;
const OPERATOR_COUNT_MAX = 1_000;

const TRUSTED_PROXY_COUNT_MAX = 100;

const TlsSchema = z.strictObject({
  certificateFile: key(pathText(), {
    says: "The certificate (PEM), and after it those of the authorities above it; looked at every minute, so that a renewed one needs no restart.",
    example: "certificateFile: ./fullchain.pem",
  }),
  keyFile: key(pathText(), {
    says: "The certificate's private key (PEM), without a passphrase.",
    example: "keyFile: ./privkey.pem",
  }),
});

function networkText() {
  return z.string().superRefine((text, context) => {
    const refuse = (message: string, mend: string) => context.addIssue({ code: "custom", message, params: { mend } });
    if (!isNetwork(text))
      refuse("must be an IP address, or a network of them", "as in `trustedProxies: [10.0.0.0/8, ::1]`");
    else if (isEverybody(text))
      refuse("would believe everybody", "name the addresses of your load balancers or proxies only");
  });
}

const ListenSchema = z.strictObject({
  webhooks: key(listenText().prefault(LISTEN_DEFAULT), {
    says: "Where GitHub's webhooks arrive.",
    example: "webhooks: 0.0.0.0:8080",
  }),
  agents: key(listenText().prefault(LISTEN_DEFAULT), {
    says: "Where the machines' agents call.",
    example: "agents: 0.0.0.0:8081",
  }),
  operators: key(listenText().prefault(LISTEN_DEFAULT), {
    says: "Where the dashboard, the commands, the figures and the health checks are.",
    example: "operators: 127.0.0.1:8082",
  }),
  tls: key(TlsSchema.optional(), {
    says: "Serves HTTPS (TLS 1.2 or newer) on all of these addresses. Without it they speak plain HTTP: for this computer itself, or behind something that speaks TLS.",
    example: "tls: { certificateFile: ./fullchain.pem, keyFile: ./privkey.pem }",
  }),
  trustedProxies: key(z.array(networkText()).max(TRUSTED_PROXY_COUNT_MAX).prefault([]), {
    says: "The IP addresses and networks of the load balancers in front, whose `X-Forwarded-For` is believed for the log; from anybody else it is ignored.",
    example: "trustedProxies: [10.0.0.0/8]",
    defaultText: "nobody",
  }),
});

const UrlsSchema = z.strictObject({
  webhooks: key(urlText(), {
    says: "The address that GitHub sends webhooks to; `/webhooks/github` comes after it.",
    example: "webhooks: https://holdfast.acme.com",
  }),
  agents: key(urlText(), {
    says: "The address under which the machines reach Holdfast.",
    example: "agents: https://holdfast.ci.internal",
  }),
  operators: key(urlText().optional(), {
    says: "The address under which people and commands reach Holdfast. Only under its name, those of the other two, of `listen.operators`, `localhost` or an IP address are pages and answers given out, so that no stranger's page can read them.",
    example: "operators: https://holdfast-ops.ci.internal",
  }),
});

function storeText() {
  return z.string().superRefine((store, context) => {
    if (/^sqlite:(?!\/\/)./.test(store)) return;
    const isPlanned = /^postgres(ql)?:/.test(store);
    const params = { mend: "use `sqlite:` and a path, as in `store: sqlite:./holdfast.db`" };
    context.addIssue({ code: "custom", message: isPlanned ? RESERVED : "is not the address of a store", params });
  });
}

const OneAddressOr = "must be one address, or an object with one for each side";

export const ConfigSchema = z.strictObject({
  controllerId: key(nameText(), {
    says: "How Holdfast knows its own machines and registrations: lower-case letters, digits and inner hyphens, at most 30. Never change it, and never use it twice.",
    example: "controllerId: ci-eu",
  }),
  store: key(storeText().prefault("sqlite:./holdfast.db"), {
    says: "Where everything is kept that must survive a restart: `sqlite:` and a path.",
    example: "store: sqlite:./holdfast.db",
  }),
  listen: key(z.union([listenText(), ListenSchema], { error: OneAddressOr }).prefault(LISTEN_DEFAULT), {
    says: "The addresses that Holdfast listens on: one `host:port` for everything, or one for each side; they may be the same.",
    example: "listen: 127.0.0.1:8080",
  }),
  urls: key(z.union([urlText(), UrlsSchema], { error: OneAddressOr }).optional(), {
    says: "How GitHub, the machines and people reach Holdfast: one address for all, or one each.",
    example: "urls: https://holdfast.acme.com",
    defaultText: "`http://` and `listen`, where that is one address that is not a wildcard",
  }),
  tokenKeyFile: key(pathText().optional(), {
    says: "The key that the agents' tokens are signed with: any file of at least 32 bytes, the same for all replicas.",
    example: "tokenKeyFile: ./token-key",
    defaultText: "the variable `HOLDFAST_TOKEN_KEY`",
  }),
  tokenKey: inlineSecret("put it into a file of its own and name that by `tokenKeyFile`"),
  github: key(
    z
      .record(nameText(), ConnectionSchema)
      .refine((connections) => Object.keys(connections).length > 0, { error: "needs at least one connection" }),
    {
      says: `The connections to GitHub, by names of your own. A name ${NAME_RULE}.`,
      example: "github: { main: { token: { file: ./github-token } } }",
    },
  ),
  telemetry: key(TelemetrySchema.optional(), {
    says: "What Holdfast tells about itself besides its log and its figures.",
    example: "telemetry: { traces: { endpoint: http://127.0.0.1:4318 } }",
  }),
  operators: key(z.array(OperatorSchema).max(OPERATOR_COUNT_MAX).prefault([]), {
    says: "Who may look at Holdfast and who may command it.",
    example: "operators: [{ name: everyone, role: reader, anonymous: true }]",
    defaultText: "nobody",
  }),
  pools: key(z.array(PoolSchema).min(1).max(POOL_COUNT_MAX), {
    says: "The fleets; a job goes to the first that fits and has room, in order of priority and then of fewest extra labels.",
    example: "pools: [{ name: linux, … }]",
  }),
});

export type WrittenConfig = z.output<typeof ConfigSchema>;
export type WrittenPool = WrittenConfig["pools"][number];
