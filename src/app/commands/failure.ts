/** How a command fails: by an exit code that scripts can use, and three lines that a person can. */
import { ERRORS, type ErrorCode, HoldfastError } from "../../domain/errors.ts";
import { plainText } from "../../http/text/plain-text.ts";
import { ConfigError, renderProblems } from "../config/problems.ts";
import { type CommandIo, coloursOf } from "../terminal/io.ts";

export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3, notFound: 4, unauthorized: 5 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface Failure {
  /** Of the catalogue, "usage", or one that only the server's version knows. */
  readonly code: string;
  /** What went wrong, in words. */
  readonly wrong?: string;
  /** What to do; the catalogue's where it is left out. */
  readonly mend?: string;
  readonly cause?: unknown;
}

/** A command that cannot do what it was asked. The message says what it attempted. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly code: string;
  readonly wrong: string;
  readonly mend: string;

  /** @param attempted what was being done, as in "asking http://127.0.0.1:8080 for its status". */
  constructor(attempted: string, failure: Failure) {
    super(attempted, { cause: failure.cause });
    const { code } = failure;
    const known = Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode] : null;
    this.code = code;
    this.wrong = failure.wrong ?? known?.sentence ?? code;
    this.mend = failure.mend ?? known?.mend ?? "";
  }
}

const EXIT_BY_CODE: Readonly<Record<string, ExitCode>> = {
  usage: EXIT.usage,
  "payload-invalid": EXIT.usage,
  "config-invalid": EXIT.usage,
  "config-unreadable": EXIT.usage,
  "server-unreachable": EXIT.unreachable,
  "force-needed": EXIT.usage,
  ambiguous: EXIT.usage,
  "not-found": EXIT.notFound,
  unauthorized: EXIT.unauthorized,
  forbidden: EXIT.unauthorized,
};

/** Runs a command's body; expected failures are told on `stderr`, anything else is a bug and is thrown. */
export async function telling(
  io: CommandIo,
  options: { readonly json?: boolean | undefined },
  run: () => Promise<ExitCode>,
): Promise<ExitCode> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ConfigError && options.json !== true) {
      io.stderr.write(renderProblems(error));
      return EXIT.usage;
    }
    const failure = asCommandError(error);
    io.stderr.write(options.json === true ? renderAsJson(failure) : renderFailure(failure, io));
    return EXIT_BY_CODE[failure.code] ?? EXIT.failed;
  }
}

function asCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  if (error instanceof HoldfastError) return new CommandError(error.message, { code: error.code, cause: error });
  throw error;
}

function renderAsJson({ code, message, wrong, mend }: CommandError): string {
  return `${JSON.stringify({ code, message: `${message}: ${wrong}`, mend })}\n`;
}

/** What was attempted, what went wrong, what to do. */
function renderFailure({ message, wrong, mend }: CommandError, io: CommandIo): string {
  const colours = coloursOf(io);
  const lines = [`${colours.red("Failed:")} ${plainText(message)}`, `  ${plainText(wrong)}`];
  return `${[...lines, ...(mend === "" ? [] : [`  -> ${plainText(mend)}`])].join("\n")}\n`;
}
