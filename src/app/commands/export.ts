/** `holdfast export`: a support bundle in one file, with every secret masked. */
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { packTar } from "modern-tar";
import { ExportAnswer } from "../../http/operators/answers.ts";
import { plainText } from "../../http/text/plain-text.ts";
import { openClient } from "../client.ts";
import { type CommandIo, coloursOf, widthOf } from "../terminal/io.ts";
import { wrapText } from "../terminal/text-width.ts";
import { CommandError, EXIT, type ExitCode, telling } from "./failure.ts";
import type { ReadOptions } from "./question.ts";

export interface ExportOptions extends ReadOptions {
  /** Where the bundle is written; in the working directory, named after controller and time, where it is left out. */
  readonly output?: string | undefined;
}

/** Nobody but its owner reads it: it names repositories, machines and people. */
const FILE_MODE = 0o600;

/** @param subjects what is explained in it; all that waits where none is named. */
export function runExport(subjects: readonly string[], options: ExportOptions, io: CommandIo): Promise<ExitCode> {
  return telling(io, options, async () => {
    if (subjects.some((subject) => subject.trim() === "") || options.output?.trim() === "") throw unnamed();
    const client = await openClient(options, io.environment);
    const query = new URLSearchParams(subjects.map((subject) => ["subject", subject.trim()] as [string, string]));
    const answer = await client.get(`/export?${query}`, ExportAnswer, "for a support bundle");
    const folder = `holdfast-${answer.controllerId}-${answer.now.slice(0, 19).replace(/[:T]/g, "-")}`;
    const file = options.output ?? `${folder}.tar.gz`;
    const bytes = await pack(answer, folder);
    await write(file, bytes);
    const told = { file, byteCount: bytes.length, files: answer.files.map(({ path }) => path), cuts: answer.cuts };
    io.stdout.write(options.json === true ? `${JSON.stringify(told, null, 2)}\n` : render(told, io));
    return EXIT.ok;
  });
}

function unnamed(): CommandError {
  return new CommandError("exporting", {
    code: "usage",
    wrong: "nothing is named",
    mend: "Name jobs, machines or pools to explain, or none for all that waits; and a file by `--output`.",
  });
}

async function pack({ files }: ExportAnswer, folder: string): Promise<Uint8Array> {
  const entries = files.map(({ path, content }) => {
    const body = Buffer.from(content);
    return { header: { name: `${folder}/${path}`, size: body.length, mode: FILE_MODE }, body };
  });
  return await promisify(gzip)(await packTar(entries));
}

/** A file that is there stays: it may be another one's bundle, or anything. */
async function write(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(file, bytes, { flag: "wx", mode: FILE_MODE });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isThere = "code" in error && error.code === "EEXIST";
    throw new CommandError(`writing the bundle ${file}`, {
      code: "usage",
      wrong: isThere ? "a file of that name is there already" : error.message,
      mend: "Name another file by `--output`.",
      cause: error,
    });
  }
}

interface Told {
  readonly file: string;
  readonly byteCount: number;
  readonly files: readonly string[];
  readonly cuts: readonly string[];
}

function render({ file, byteCount, files, cuts }: Told, io: CommandIo): string {
  const width = widthOf(io);
  const colours = coloursOf(io);
  const lines = [
    ...wrapText(`Written: ${plainText(file)}, ${files.length} files in ${Math.ceil(byteCount / 1024)} KiB.`, width),
    ...cuts.flatMap((cut) => wrapText(`  Cut: ${plainText(cut)}.`, width).map(colours.yellow)),
    ...wrapText("  Secrets are masked. Look through logs/ before you send it: jobs write there what they like.", width),
  ];
  return `${lines.join("\n")}\n`;
}
