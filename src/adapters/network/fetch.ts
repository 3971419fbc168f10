/**
 * `fetch` for networks that stand between us and GitHub: a proxy with its exceptions, and a certificate authority of one's
 * own. undici knows both; Node's own fetch can be given neither.
 */
import { X509Certificate } from "node:crypto";
import { createSecureContext, getCACertificates } from "node:tls";
import { EnvHttpProxyAgent, fetch as fetchByUndici } from "undici";
import { HoldfastError } from "../../domain/errors.ts";

export interface Network {
  /** PEM of a private certificate authority, trusted beside the usual ones; null for none. */
  readonly caPem: string | null;
  /** Null: as the environment's variables say. */
  readonly proxy: { readonly url: string; readonly except: readonly string[] } | null;
  /** The variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in upper or lower case; the lower case counts first. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The part of fetch's options that a call to GitHub has; undici's own types differ from Node's in others. */
export interface FetchOptions {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly redirect: "manual";
  readonly signal: AbortSignal;
}

/** One for each connection, kept as long as it: it holds the open connections. @throws {HoldfastError} `config-invalid`: no PEM. */
export function createFetch(network: Network): (url: string, options: FetchOptions) => Promise<Response> {
  const tls = tlsOptionsOf(network.caPem);
  const dispatcher = new EnvHttpProxyAgent({
    ...proxiesOf(network),
    // To GitHub, to GitHub through the proxy, and to the proxy itself.
    connect: tls,
    requestTls: tls,
    proxyTls: tls,
    // Our calls are few at a time; of HTTP/2 we would only have what it does to proxies and load balancers.
    allowH2: false,
  });
  return async (url, options) => await fetchByUndici(url, { ...options, dispatcher });
}

function tlsOptionsOf(caPem: string | null) {
  if (caPem === null) return {};
  checkPem(caPem);
  // Made once: reading some 150 certificates for each connection would take longer than the connection itself.
  return { secureContext: createSecureContext({ ca: [...getCACertificates("default"), caPem] }) };
}

/** A context takes any text, and then trusts nobody more than before. */
function checkPem(caPem: string): void {
  try {
    new X509Certificate(caPem);
  } catch (error) {
    throw notPem(error);
  }
}

function notPem(cause: unknown): HoldfastError {
  return new HoldfastError("config-invalid", "reading the certificate authority of a connection's network", { cause });
}

/** An empty text is no proxy; undici reads what is left undefined from the environment itself. */
function proxiesOf({ proxy, environment }: Network) {
  if (proxy !== null) return { httpProxy: proxy.url, httpsProxy: proxy.url, noProxy: proxy.except.join(",") };
  const variable = (name: string) => environment[name.toLowerCase()] || environment[name] || "";
  return { httpProxy: variable("HTTP_PROXY"), httpsProxy: variable("HTTPS_PROXY"), noProxy: variable("NO_PROXY") };
}
