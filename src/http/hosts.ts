/**
 * Which names people may reach us under. A page on a stranger's name that suddenly resolves to our address (DNS rebinding)
 * would otherwise be read by that page's scripts with the rights of whoever opened it, who may be anybody where readers
 * are anonymous. Such a request still carries the stranger's name in its `Host` header.
 */
import { isIP } from "node:net";

/** @param known names, or addresses that begin with http. IP addresses and localhost are known in any case. */
export function createHostGuard(known: readonly string[]): (hostHeader: string | undefined) => boolean {
  const names = new Set(["localhost"]);
  for (const one of known) {
    const name = hostOf(one.includes("://") ? one : `http://${one.includes(":") ? `[${one}]` : one}`);
    if (name !== null) names.add(name);
  }
  return (hostHeader) => {
    const name = hostOf(`http://${hostHeader ?? ""}`);
    return name !== null && (isIP(name) !== 0 || names.has(name));
  };
}

function hostOf(url: string): string | null {
  if (!URL.canParse(url)) return null;
  return new URL(url).hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
}
