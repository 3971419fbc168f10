/** Where Holdfast listens, and the addresses under which others reach it. */
import { isIP } from "node:net";

export interface ListenAddress {
  /** A name or an IP address; IPv6 without its brackets. */
  readonly host: string;
  readonly port: number;
}

const ADDRESS = /^(?:\[(?<six>[0-9a-fA-F:.]+)\]|(?<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)):(?<port>\d{1,5})$/;
const PORT_MAX = 65_535;

/** @param text `host:port` or `[IPv6]:port`. @returns null where it is not one. */
export function parseListenAddress(text: string): ListenAddress | null {
  const found = ADDRESS.exec(text)?.groups;
  const host = found?.six ?? found?.host;
  const port = Number(found?.port);
  if (host === undefined || port < 1 || port > PORT_MAX) return null;
  return { host, port };
}

/** Whether only programs on the same machine reach it. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "").toLowerCase();
  return bare === "localhost" || bare === "::1" || /^127(?:\.\d{1,3}){3}$/.test(bare);
}

/** Whether it stands for every address of the machine, and so tells nobody where to find it. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

export function urlOf(address: ListenAddress, scheme: "http" | "https" = "http"): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${scheme}://${host}:${address.port}`;
}

/** @returns the address without a slash at its end; null unless it is a plain http or https address. */
export function parseUrl(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const isPlain = url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  if (!isPlain || (url.protocol !== "https:" && url.protocol !== "http:")) return null;
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

/** @returns the address of a proxy without a slash at its end; null unless it is one of http or https and nothing more. */
export function parseProxyUrl(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const isPlain = url.pathname.replace(/^\/$/, "") === "" && url.search === "" && url.hash === "";
  if (!isPlain || (url.protocol !== "https:" && url.protocol !== "http:")) return null;
  return url.href.replace(/\/$/, "");
}

export function hasCredentials(url: string): boolean {
  const { username, password } = new URL(url);
  return username !== "" || password !== "";
}

const PREFIX_LENGTH_MAX = { 4: 32, 6: 128 } as const;

/** Whether it is an IP address, or a network of them with the length of its prefix: `10.0.0.0/8`. */
export function isNetwork(text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  const version = isIP(address);
  if ((version !== 4 && version !== 6) || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= PREFIX_LENGTH_MAX[version]);
}

/** Whether every address of its version is in it. */
export function isEverybody(network: string): boolean {
  return /\/0+$/.test(network);
}

const HOST = /^\.?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

/** @returns in lower case a name, `.internal` for all names under it, or an IP address; null for anything else. */
export function parseHostPattern(text: string): string | null {
  const lower = text.toLowerCase();
  return HOST.test(lower) || isIP(lower) !== 0 ? lower : null;
}
