/** Opens a page in the browser of whoever sits at this computer, where there is one. */
import { spawn } from "node:child_process";

const OPENERS: Readonly<Record<string, string>> = { darwin: "open", linux: "xdg-open" };

/** Whether it worked shows on the screen: the address stands in the terminal too. */
export function openBrowser(address: string, platform: string): void {
  const opener = OPENERS[platform];
  if (opener === undefined) return;
  const browser = spawn(opener, [address], { stdio: "ignore", detached: true });
  browser.on("error", () => {});
  browser.unref();
}
