import { describe, expect, it } from "vitest";
import { CommandError } from "../../../src/app/commands/failure.ts";
import { askOnAndOn, type LiveQuestion } from "../../../src/app/commands/live.ts";
import { type FakeLive, lastPicture, openFakeLive, openFakeTerminal } from "../terminal/fake-terminal.ts";
import { openScreen } from "./screen.ts";

const ENTERED = "\u001b[?1049h\u001b[?25l";
const LEFT = "\u001b[?25h\u001b[?1049l";

const silent = () =>
  new CommandError("asking http://127.0.0.1:1 for its status", {
    code: "server-unreachable",
    wrong: "no answer: ECONNREFUSED",
  });

/** Answers one after the other; an error is thrown, and the last answer stays. */
function questionOf(answers: readonly (string | Error)[]): LiveQuestion<string> {
  let count = 0;
  return {
    ask: async () => {
      const answer = answers[Math.min(count, answers.length - 1)] ?? "";
      count += 1;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    frame: (answer, { columns }, silence) => [
      silence === null ? `${columns} wide` : `silent for ${silence.forMs} since ${silence.since}: ${silence.wrong}`,
      answer,
    ],
    tell: (answer) => `told ${answer}\n`,
    leave: (answer, { columns }) => `${answer}, ${columns} wide, stays\n`,
  };
}

const nothing = () => undefined;

describe("on a terminal", () => {
  it("draws each answer in its place, gives the screen back, and leaves the last picture", async () => {
    const live = openFakeLive([nothing, nothing]);
    const io = openScreen();
    await askOnAndOn(questionOf(["one", "two", "three"]), live, io);
    const written = live.terminal.written();
    expect(written.startsWith(ENTERED)).toBe(true);
    expect(written.endsWith(LEFT)).toBe(true);
    expect(written.match(/one|two|three/g)).toEqual(["one", "two", "three"]);
    expect(io.out()).toBe("three, 80 wide, stays\n");
    expect(live.terminal.listenerCount()).toBe(0);
  });

  it("says that the server is silent over the last picture, and goes on when it answers", async () => {
    const seen: (readonly string[])[] = [];
    const terminal = openFakeTerminal();
    const look = () => seen.push(lastPicture(terminal.written()));
    await askOnAndOn(
      questionOf(["one", silent(), silent(), "two"]),
      openFakeLive([look, look, look, look], terminal),
      openScreen(),
    );
    expect(seen).toEqual([
      ["80 wide", "one"],
      ["silent for 2000 since 16:10:00: no answer: ECONNREFUSED", "one"],
      ["silent for 4000 since 16:10:00: no answer: ECONNREFUSED", "one"],
      ["80 wide", "two"],
    ]);
  });

  it.each(["q", "Q", "\u001b", "\u0003"])("ends by the key %j", async (key) => {
    const live = openFakeLive([() => live.terminal.press(key), () => expect.fail("it goes on")]) as FakeLive;
    await askOnAndOn(questionOf(["one"]), live, openScreen());
    expect(live.terminal.written().endsWith(LEFT)).toBe(true);
  });

  it("goes on at any other key", async () => {
    const live = openFakeLive([() => live.terminal.press("x"), nothing]) as FakeLive;
    await askOnAndOn(questionOf(["one", "two", "three"]), live, openScreen());
    expect(lastPicture(live.terminal.written())).toContain("three");
  });

  it("waits for no answer once it is to end", async () => {
    const live = openFakeLive([nothing]) as FakeLive;
    const question = questionOf(["one"]);
    let count = 0;
    const ask = () => {
      count += 1;
      if (count === 1) return question.ask();
      live.terminal.press("q");
      return new Promise<string>(() => undefined);
    };
    await askOnAndOn({ ...question, ask }, live, openScreen());
    expect(count).toBe(2);
  });

  it("is drawn anew when its size changes", async () => {
    const live = openFakeLive([() => live.terminal.resize({ columns: 50, rows: 9 })]) as FakeLive;
    await askOnAndOn({ ...questionOf(["one"]), tell: () => "" }, live, openScreen());
    expect(live.terminal.written()).toContain("50 wide");
  });

  it("is given back and taken again around a pause in the shell", async () => {
    const terminal = openFakeTerminal();
    const writes: string[] = [];
    const live = openFakeLive(
      [
        () => {
          terminal.press("\u001a");
          writes.push(terminal.written());
          terminal.suspended[0]?.();
          writes.push(terminal.written().slice(writes[0]?.length));
        },
      ],
      terminal,
    );
    await askOnAndOn(questionOf(["one"]), live, openScreen());
    expect(writes[0]?.endsWith(LEFT)).toBe(true);
    expect(writes[1]?.startsWith(ENTERED)).toBe(true);
    expect(writes[1]).toContain("one");
  });

  it("is whole after a failure that does not pass, and after a bug", async () => {
    const refused = new CommandError("asking", { code: "unauthorized" });
    for (const error of [refused, new Error("a bug")]) {
      const live = openFakeLive([nothing]);
      await expect(askOnAndOn(questionOf(["one", error]), live, openScreen())).rejects.toBe(error);
      expect(live.terminal.written().endsWith(LEFT)).toBe(true);
      expect(live.terminal.listenerCount()).toBe(0);
    }
  });

  it("is whole when the process ends in the middle", async () => {
    const terminal = openFakeTerminal();
    const live = openFakeLive(
      [
        () => {
          terminal.crash();
          expect(terminal.written().endsWith(LEFT)).toBe(true);
        },
      ],
      terminal,
    );
    await askOnAndOn(questionOf(["one"]), live, openScreen());
    expect(terminal.written().split(LEFT)).toHaveLength(2);
  });

  it("draws nothing before it knows anything: the first failure is told as always", async () => {
    const live = openFakeLive([]);
    await expect(askOnAndOn(questionOf([silent()]), live, openScreen())).rejects.toThrow("asking");
    expect(live.terminal.written()).toBe("");
  });
});

describe("where nobody looks", () => {
  it("writes each answer after the last, and says once that the server is silent and once that it answers", async () => {
    const live = { ...openFakeLive([nothing, nothing, nothing, nothing]), terminal: null };
    const io = openScreen({ isTTY: false });
    await askOnAndOn(questionOf(["one", silent(), silent(), "two"]), live, io);
    expect(io.out()).toBe("told one\ntold two\ntold two\n");
    expect(io.err()).toBe(
      "No answer since 16:10:00 UTC, 2s: ECONNREFUSED; asked every 2s.\nIt answers again, after 4s.\n",
    );
  });
});
