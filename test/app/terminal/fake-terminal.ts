import type { Live, LiveTerminal, Size } from "../../../src/app/terminal/live-terminal.ts";

export interface FakeTerminal extends LiveTerminal {
  written(): string;
  press(key: string): void;
  resize(size: Size): void;
  /** As if a bug ended the process. */
  crash(): void;
  listenerCount(): number;
  readonly suspended: (() => void)[];
}

/** Keeps what is written, and does what a test says that a person does. */
export function openFakeTerminal(given: Size = { columns: 80, rows: 24 }): FakeTerminal {
  const written: string[] = [];
  const suspended: (() => void)[] = [];
  const listeners = {
    resize: new Set<() => void>(),
    key: new Set<(key: string) => void>(),
    end: new Set<() => void>(),
  };
  let size = given;
  const add = <Listener>(all: Set<Listener>, listener: Listener) => {
    all.add(listener);
    return () => void all.delete(listener);
  };
  return {
    write: (text) => written.push(text),
    size: () => size,
    onResize: (listener) => add(listeners.resize, listener),
    onKey: (listener) => add(listeners.key, listener),
    onEnd: (listener) => add(listeners.end, listener),
    suspend: (resumed) => suspended.push(resumed),
    suspended,
    written: () => written.join(""),
    press: (key) => {
      for (const listener of listeners.key) listener(key);
    },
    resize: (next) => {
      size = next;
      for (const listener of listeners.resize) listener();
    },
    crash: () => {
      for (const listener of listeners.end) listener();
    },
    listenerCount: () => listeners.resize.size + listeners.key.size + listeners.end.size,
  };
}

export interface FakeLive extends Live {
  readonly terminal: FakeTerminal;
  end(): void;
}

/** @param pauses what happens in each pause between two questions; after the last of them it is told to stop. */
export function openFakeLive(pauses: readonly (() => unknown)[], terminal = openFakeTerminal()): FakeLive {
  const stop = new AbortController();
  let nowMs = Date.parse("2026-08-19T16:10:00.000Z");
  let pauseCount = 0;
  const clock: Live["clock"] = {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: async (durationMs) => {
      nowMs += durationMs;
      const happens = pauses[pauseCount];
      pauseCount += 1;
      if (happens === undefined) stop.abort();
      else await happens();
    },
  };
  return { everyMs: 2_000, clock, stop: stop.signal, terminal, end: () => stop.abort() };
}

/** What a terminal of this size shows after all that was written to it: the last picture, line by line. */
export function lastPicture(written: string): readonly string[] {
  const pictures = written.split("\u001b[H");
  const last = (pictures.at(-1) ?? "").split("\u001b[J")[0] ?? "";
  return last.split("\r\n").map((line) => line.replaceAll("\u001b[K", ""));
}
