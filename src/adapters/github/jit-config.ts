/**
 * What GitHub answers to generate-jitconfig is base64 of a JSON object: names of files to base64 of their contents, which
 * the runner writes into its root as they are. One of them, `.runner`, is JSON and holds the runner's settings.
 */
const SETTINGS_FILE = ".runner";
const SETTING = "DisableUpdate";

/**
 * Switches the runner's self-update off; whatever else is there stays as it was, byte for byte.
 * @returns null where the shape is not the one described above.
 */
export function withSelfUpdateOff(encodedJitConfig: string): string | null {
  const filesText = decodeBase64(encodedJitConfig);
  const files = filesText === null ? null : parseObject(filesText);
  if (files === null) return null;
  const { [SETTINGS_FILE]: encodedSettings } = files;
  const settingsText = typeof encodedSettings === "string" ? decodeBase64(encodedSettings) : null;
  const changed = settingsText === null ? null : switchOn(settingsText, SETTING);
  if (changed === null) return null;
  return encodeBase64(JSON.stringify({ ...files, [SETTINGS_FILE]: encodeBase64(changed) }));
}

/** Sets one key of a JSON object to true, in its text: numbers that JavaScript cannot hold stay what they are. */
function switchOn(text: string, wantedKey: string): string | null {
  const settings = parseObject(text);
  if (settings === null) return null;
  // The runner reads its settings without regard to case.
  const known = Object.keys(settings).find((key) => key.toLowerCase() === wantedKey.toLowerCase());
  const isEmpty = Object.keys(settings).length === 0;
  const changed =
    known === undefined
      ? text.replace("{", `{"${wantedKey}":true${isEmpty ? "" : ","}`)
      : text.replace(new RegExp(`("${known}"\\s*:\\s*)(?:true|false|null|"[^"\\\\]*")`), "$1true");
  const key = known ?? wantedKey;
  const wanted = JSON.stringify(sorted({ ...settings, [key]: true }));
  const got = parseObject(changed);
  return got !== null && JSON.stringify(sorted(got)) === wanted ? changed : null;
}

type JsonObject = Readonly<Record<string, unknown>>;

function sorted(value: JsonObject): readonly (readonly [string, unknown])[] {
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
}

const BYTE_ORDER_MARK = /^\uFEFF/;

function parseObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text.replace(BYTE_ORDER_MARK, ""));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Null for what is not base64 of UTF-8, strictly: what comes back would be something else. */
function decodeBase64(text: string): string | null {
  const decoded = Buffer.from(text, "base64").toString("utf8");
  return encodeBase64(decoded) === text ? decoded : null;
}

function encodeBase64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}
