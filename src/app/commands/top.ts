/** `holdfast top`: the whole fleet on one screen, for as long as somebody looks. */
import { FleetAnswer } from "../../http/operators/answers.ts";
import { plainAnswer } from "../../http/text/plain-text.ts";
import { openClient } from "../client.ts";
import { type CommandIo, coloursOf } from "../terminal/io.ts";
import type { Live } from "../terminal/live-terminal.ts";
import { CommandError, EXIT, type ExitCode, telling } from "./failure.ts";
import { askOnAndOn } from "./live.ts";
import type { ReadOptions } from "./question.ts";
import { topFrame } from "./top-frame.ts";

/** With `--json` a line for each look. */
export function runTop(options: ReadOptions, io: CommandIo, live: Live): Promise<ExitCode> {
  return telling(io, options, async () => {
    const { everyMs } = live;
    const isJson = options.json === true;
    if (!isJson && live.terminal === null)
      throw new CommandError("drawing the fleet", {
        code: "usage",
        wrong: "there is no terminal to draw on",
        mend: "Use `holdfast status --watch`, or `holdfast top --json` for a line of JSON every two seconds.",
      });
    const client = await openClient(options, io.environment);
    const colours = coloursOf(io);
    await askOnAndOn(
      {
        ask: () => client.get("/fleet", FleetAnswer, "for its fleet"),
        frame: (answer, size, silence) => topFrame(plainAnswer(answer), { size, silence, everyMs, colours }),
        leave: (answer, size) => {
          const drawing = { size, silence: null, everyMs, colours, isOver: true };
          return `${topFrame(plainAnswer(answer), drawing).join("\n")}\n`;
        },
        tell: (answer) => `${JSON.stringify(answer)}\n`,
      },
      isJson ? { ...live, terminal: null } : live,
      io,
    );
    return EXIT.ok;
  });
}
