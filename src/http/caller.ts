/** Who calls: the other end of the socket, or whom a proxy that is trusted by name says it calls for. */
import type { IncomingMessage } from "node:http";
import { isIP, isIPv4 } from "node:net";
import type { Context } from "hono";
import { all, compile } from "proxy-addr";

/** Where nothing can be known: the socket is gone already. */
const UNKNOWN = "unknown";

export type ReadCaller = (request: Pick<IncomingMessage, "headers" | "socket">) => string;

/**
 * `X-Forwarded-For` is read from its right end, where each proxy adds whom it was called by: as far as the addresses are
 * trusted ones, and one further. What stands left of that was written by somebody whom nobody vouches for.
 * @param trustedProxies addresses and networks (`10.0.0.0/8`).
 */
export function createCallerReader(trustedProxies: readonly string[]): ReadCaller {
  const isListed = trustedProxies.length === 0 ? () => false : compile([...trustedProxies]);
  const isTrusted = (text: string, hop: number): boolean => {
    const address = bareAddress(text);
    return address !== null && isListed(address, hop);
  };
  return (request) => {
    const hops = all(request as IncomingMessage, isTrusted).map((text: string | undefined) => bareAddress(text ?? ""));
    // A trusted proxy that passes on what is no address vouches for nothing: then the proxy itself is who calls.
    return hops.findLast((address) => address !== null) ?? UNKNOWN;
  };
}

const WITH_PORT = /^(?:\[(?<six>[^\]]+)\]|(?<four>[\d.]+))(?::\d{1,5})?$/;
const MAPPED = /^::ffff:(?<four>\d+\.\d+\.\d+\.\d+)$/i;

/** Without the port that some proxies add; an IPv4 address inside of an IPv6 one as itself. Null if it is no address. */
function bareAddress(text: string): string | null {
  const found = WITH_PORT.exec(text)?.groups;
  const address = found?.six ?? found?.four ?? text;
  if (isIP(address) === 0) return null;
  const four = MAPPED.exec(address)?.groups?.four;
  return four !== undefined && isIPv4(four) ? four : address.toLowerCase();
}

/** What is handed to an app beside the request. */
export interface CallerBindings {
  readonly caller: string;
}

/** For log fields; null where an app is called without a socket. */
export function callerOf(context: Pick<Context, "env">): string | null {
  const bindings: Partial<CallerBindings> | undefined = context.env;
  return bindings?.caller ?? null;
}
