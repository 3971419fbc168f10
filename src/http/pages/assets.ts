/** What pages load besides themselves: all of it from this process, and none of it says anything about the fleet. */
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { ICON } from "./icon.ts";
import { STYLE } from "./style.ts";

export interface Asset {
  readonly type: string;
  read(): string;
}

const SCRIPT_TYPE = "text/javascript; charset=utf-8";

/** By their path below `/assets/`. Sources of ours keep their places to one another, so that their imports hold. */
export const ASSETS: Readonly<Record<string, Asset>> = {
  "style.css": { type: "text/css; charset=utf-8", read: () => STYLE },
  "icon.svg": { type: "image/svg+xml", read: () => ICON },
  "idiomorph.js": {
    type: SCRIPT_TYPE,
    read: once(() => readFile(import.meta.resolve("idiomorph/dist/idiomorph.min.js"))),
  },
  "http/pages/browser/live.ts": { type: SCRIPT_TYPE, read: once(() => readSource("./browser/live.ts")) },
  "http/text/durations.ts": { type: SCRIPT_TYPE, read: once(() => readSource("../text/durations.ts")) },
  "domain/units.ts": { type: SCRIPT_TYPE, read: once(() => readSource("../../domain/units.ts")) },
};

function readSource(path: string): string {
  return stripTypeScriptTypes(readFile(new URL(path, import.meta.url).href));
}

function readFile(address: string): string {
  return readFileSync(new URL(address), "utf8");
}

function once(read: () => string): () => string {
  let text: string | null = null;
  return () => {
    text ??= read();
    return text;
  };
}
