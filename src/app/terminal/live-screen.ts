/**
 * A picture that stays in its place: on the terminal's alternate screen, so that what stood there before comes back, and
 * without cursor and line wrapping. Whatever ends the process, the terminal is whole afterwards.
 * The sequences: https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
 */
import type { LiveTerminal } from "./live-terminal.ts";

const ENTER = "\u001b[?1049h\u001b[?25l\u001b[?7l";
const LEAVE = "\u001b[?7h\u001b[?25h\u001b[?1049l";
/** Terminals that know it show the picture only once it is whole. */
const BEGIN = "\u001b[?2026h";
const END = "\u001b[?2026l";
const HOME = "\u001b[H";
const ERASE_LINE = "\u001b[K";
const ERASE_BELOW = "\u001b[J";

export interface LiveScreen {
  /** @param lines as many as the terminal has rows, at most: what is too much is not shown. */
  paint(lines: readonly string[]): void;
  /** Gives the terminal back, and takes it again when the process goes on. */
  suspend(): void;
  /** Idempotent. */
  close(): void;
}

export function openLiveScreen(terminal: LiveTerminal): LiveScreen {
  let isEntered = false;
  let last: readonly string[] = [];
  const enter = () => {
    isEntered = true;
    terminal.write(ENTER);
  };
  const leave = () => {
    if (isEntered) terminal.write(LEAVE);
    isEntered = false;
  };
  const paint = (lines: readonly string[]) => {
    last = lines;
    if (!isEntered) return;
    const shown = lines.slice(0, terminal.size().rows).map((line) => `${line}${ERASE_LINE}`);
    terminal.write(`${BEGIN}${HOME}${shown.join("\r\n")}${ERASE_BELOW}${END}`);
  };
  enter();
  const forget = terminal.onEnd(leave);
  return {
    paint,
    suspend: () => {
      leave();
      terminal.suspend(() => {
        enter();
        paint(last);
      });
    },
    close: () => {
      leave();
      forget();
    },
  };
}
