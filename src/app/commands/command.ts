/** `drain`, `hold`, `release`, `freeze`, `thaw`, `terminate`, `rerun`: what was written, and what happens next. */
import { CommandAnswer } from "../../http/operators/answers.ts";
import { plainAnswer } from "../../http/text/plain-text.ts";
import { openClient } from "../client.ts";
import { type CommandIo, coloursOf, widthOf } from "../terminal/io.ts";
import { wrapText } from "../terminal/text-width.ts";
import { CommandError, EXIT, type ExitCode, telling } from "./failure.ts";
import type { ReadOptions } from "./question.ts";

export interface CommandOptions extends ReadOptions {
  readonly reason?: string | undefined;
  /** Of `terminate` only. */
  readonly force?: boolean | undefined;
}

export type MachineOrPoolCommand = "drain" | "release" | "hold" | "terminate" | "rerun";
export type DeliveryCommand = "replay" | "discard";
export type PoolsCommand = "freeze" | "thaw";

/** @param subject what a person has at hand: a machine, a runner's name, a job; for some a pool. */
export function runCommand(
  command: MachineOrPoolCommand,
  subject: string,
  options: CommandOptions,
  io: CommandIo,
): Promise<ExitCode> {
  return telling(io, options, async () => {
    if (subject.trim() === "") throw unnamed(command);
    const { reason = "", force = false } = options;
    if (command === "hold" && reason.trim() === "") throw unreasoned(command);
    const body = { subject, reason, ...(command === "terminate" && { force }) };
    return send(command, body, `to ${command} ${subject}`, options, io);
  });
}

/** @param pool all of them where it is null. */
export function runPoolsCommand(
  command: PoolsCommand,
  pool: string | null,
  options: CommandOptions,
  io: CommandIo,
): Promise<ExitCode> {
  return telling(io, options, async () => {
    // An empty name is a script's variable that is not set, and not all pools.
    if (pool?.trim() === "") throw unnamed(command);
    const { reason = "" } = options;
    return send(command, { pool, reason }, `to ${command} ${pool ?? "all pools"}`, options, io);
  });
}

/** @param delivery by GitHub's id of it. */
export function runDeliveryCommand(
  command: DeliveryCommand,
  delivery: string,
  options: CommandOptions & { readonly connection?: string | undefined },
  io: CommandIo,
): Promise<ExitCode> {
  return telling(io, options, async () => {
    if (delivery.trim() === "") throw unnamed(command, "Name a delivery; `holdfast deliveries` lists them.");
    const { reason = "", connection = null } = options;
    return send(command, { delivery, connection, reason }, `to ${command} delivery ${delivery}`, options, io);
  });
}

const NAMES = "Name a machine, a runner, a job or a pool; `holdfast machines` and `holdfast status` list them.";

function unnamed(command: string, mend = NAMES): CommandError {
  return new CommandError(`asking to ${command}`, { code: "usage", wrong: "nothing is named", mend });
}

function unreasoned(command: string): CommandError {
  const mend = "Say why by `--reason <text>`: it is shown to whoever meets the machine.";
  return new CommandError(`asking to ${command}`, { code: "usage", wrong: "no reason is given", mend });
}

async function send(
  command: string,
  body: object,
  what: string,
  options: CommandOptions,
  io: CommandIo,
): Promise<ExitCode> {
  const client = await openClient(options, io.environment);
  const answer = await client.post(`/${command}`, body, CommandAnswer, what);
  io.stdout.write(options.json === true ? `${JSON.stringify(answer, null, 2)}\n` : render(plainAnswer(answer), io));
  return EXIT.ok;
}

function render({ outcome, result, next, undo }: CommandAnswer, io: CommandIo): string {
  const colours = coloursOf(io);
  const width = widthOf(io);
  const isWritten = outcome === "written";
  const word = isWritten ? "Written:" : "Already so:";
  const [first = "", ...rest] = wrapText(`${word} ${result}`, width);
  const painted = first.replace(word, (isWritten ? colours.green : colours.yellow)(word));
  const lines = [
    painted,
    ...rest,
    ...next.flatMap((sentence) => wrapText(sentence, width - 2).map((line) => `  ${line}`)),
    ...(undo === null ? [] : [colours.dim(`  Taken back by: ${undo}`)]),
  ];
  return `${lines.join("\n")}\n`;
}
