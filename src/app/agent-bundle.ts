/**
 * The agent as machines fetch it that are computers of their own: its files and all that they import, in one archive. The
 * same files make the same bytes, so that every replica serves what the machines' hash names.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

export interface BuiltBundle {
  readonly bytes: Uint8Array;
  readonly sha256: string;
  /** The file in it that is run. */
  readonly entry: string;
}

/** What is started, by the unit or by another of them; nothing imports the last two. */
const PROGRAMS = ["agent/main", "agent/launcher", "agent/watchdog"] as const;
const FILES_MAX = 500;

let built: BuiltBundle | null = null;

/** Made at the first call, from the files beside this one: TypeScript in a checkout, JavaScript in the package. */
export function agentBundle(): BuiltBundle {
  built ??= build();
  return built;
}

function build(): BuiltBundle {
  const own = fileURLToPath(import.meta.url);
  const root = join(dirname(own), "..");
  const extension = extname(own);
  const files = collect(
    root,
    PROGRAMS.map((program) => join(root, `${program}${extension}`)),
  );
  const entries = [...files].map(([path, bytes]) => ({ name: relative(root, path), bytes }));
  const manifest = { name: "package.json", bytes: Buffer.from(`${JSON.stringify({ type: "module" })}\n`) };
  const bytes = gzipSync(archive([manifest, ...entries.sort((a, b) => (a.name < b.name ? -1 : 1))]), { level: 9 });
  // The one byte of the header that tells systems apart.
  bytes[GZIP_SYSTEM_AT] = GZIP_SYSTEM_UNKNOWN;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { bytes, sha256, entry: `${PROGRAMS[0]}${extension}` };
}

const GZIP_SYSTEM_AT = 9;
const GZIP_SYSTEM_UNKNOWN = 255;

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g;

/** The agent imports files of ours and core modules, nothing else: a rule of the layers keeps it so. */
function collect(root: string, programs: readonly string[]): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  const queue = [...programs];
  for (let path = queue.pop(); path !== undefined && found.size < FILES_MAX; path = queue.pop()) {
    if (found.has(path) || relative(root, path).startsWith("..")) continue;
    const bytes = readFileSync(path);
    found.set(path, bytes);
    for (const [, specifier = ""] of bytes.toString("utf8").matchAll(IMPORT))
      queue.push(join(dirname(path), specifier));
  }
  return found;
}

const BLOCK_BYTES = 512;

/** A tar archive in the `ustar` format (POSIX.1-1988): header, content, padding; two empty blocks at the end. */
function archive(entries: readonly { readonly name: string; readonly bytes: Uint8Array }[]): Buffer {
  const blocks = entries.flatMap(({ name, bytes }) => [header(name, bytes.length), bytes, padding(bytes.length)]);
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK_BYTES)]);
}

function padding(byteCount: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (byteCount % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** Places of the fields in the header, by the format. */
const CHECKSUM_AT = 148;
const CHECKSUM_BYTES = 8;

function header(name: string, byteCount: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, "0")}\0`;
  block.write(name, 0);
  block.write(octal(0o644, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(byteCount, 12), 124);
  block.write(octal(0, 12), 136);
  block.fill(" ", CHECKSUM_AT, CHECKSUM_AT + CHECKSUM_BYTES);
  block.write("0", 156);
  block.write("ustar\u000000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, CHECKSUM_AT);
  return block;
}
