/** Where Holdfast listens, and the addresses under which others reach it. */
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

export function urlOf(address: ListenAddress): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `http://${host}:${address.port}`;
}

/** @returns the address without a slash at its end; null unless it is a plain http or https address. */
export function parseUrl(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const isPlain = url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  if (!isPlain || (url.protocol !== "https:" && url.protocol !== "http:")) return null;
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}
