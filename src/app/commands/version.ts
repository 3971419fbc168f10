/** `holdfast version`: of this command, of its Node, of the store it knows; and of the server, where one answers. */
import { z } from "zod";
import { SECOND_MS } from "../../domain/units.ts";
import { plainAnswer } from "../../http/text/plain-text.ts";
import { SCHEMA_NUMBER } from "../../store/migrations/migrate.ts";
import { openClient } from "../client.ts";
import { type CommandIo, coloursOf, widthOf } from "../terminal/io.ts";
import { wrapText } from "../terminal/text-width.ts";
import { version } from "../version.ts";
import { CommandError, EXIT, type ExitCode, telling } from "./failure.ts";
import type { ReadOptions } from "./question.ts";

/** Nobody waits long to learn a version. */
const PATIENCE_MS = 3 * SECOND_MS;

/** All that is read of the status: it is there in whatever version the server has. */
const Versioned = z.object({ version: z.string() });

interface Versions {
  readonly version: string;
  readonly node: string;
  /** The newest schema of a store that this version reads and writes. */
  readonly schema: number;
  /** Null where none answered: then `serverProblem` says why. */
  readonly server: { readonly url: string; readonly version: string } | null;
  readonly serverProblem: string | null;
}

/** That no server answers is no failure: the command has a version all the same. */
export function runVersion(options: ReadOptions, io: CommandIo, node: string): Promise<ExitCode> {
  return telling(io, options, async () => {
    const versions = { version, node, schema: SCHEMA_NUMBER, ...(await askServer(options, io)) };
    io.stdout.write(
      options.json === true ? `${JSON.stringify(versions, null, 2)}\n` : renderVersions(plainAnswer(versions), io),
    );
    return EXIT.ok;
  });
}

async function askServer(options: ReadOptions, io: CommandIo): Promise<Pick<Versions, "server" | "serverProblem">> {
  try {
    const client = await openClient(options, io.environment, PATIENCE_MS);
    const answer = await client.get("/status", Versioned, "for its version");
    return { server: { url: client.url, version: answer.version }, serverProblem: null };
  } catch (error) {
    // What was written wrong is told; that nobody is there, or tells us nothing, is an answer.
    if (!(error instanceof CommandError) || error.code === "usage") throw error;
    return { server: null, serverProblem: error.wrong };
  }
}

const NAME_WIDTH = 10;

function renderVersions({ version: own, node, schema, server, serverProblem }: Versions, io: CommandIo): string {
  const colours = coloursOf(io);
  const width = widthOf(io);
  const line = (name: string, text: string) =>
    `${colours.dim(name.padEnd(NAME_WIDTH))}${wrapText(text, width - NAME_WIDTH).join(`\n${" ".repeat(NAME_WIDTH)}`)}\n`;
  return [
    line("holdfast", own),
    line("node", node),
    line("store", `schema ${schema}`),
    line("server", server === null ? `none: ${serverProblem}` : `${server.version} at ${server.url}`),
    ...(server === null || server.version === own
      ? []
      : [colours.yellow(`\n${wrapText(describeDifference(own, server.version), width).join("\n")}\n`)]),
  ].join("");
}

function describeDifference(own: string, ofServer: string): string {
  return `This command is ${own} and the server ${ofServer}: what one of them does not know may be refused or not shown. Use the command of the server's version.`;
}
