import pc from "picocolors";
import { describe, expect, it } from "vitest";
import { type Column, renderTable } from "../../../src/app/terminal/table.ts";
import { textWidth, truncate, wrapText } from "../../../src/app/terminal/text-width.ts";

const plain = pc.createColors(false);

interface Row {
  readonly id: string;
  readonly name: string;
  readonly note: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { head: "ID", cell: ({ id }) => id },
  { head: "NAME", cell: ({ name }) => name, min: 8, rank: 1 },
  { head: "NOTE", cell: ({ note }) => note, min: 6, rank: 2 },
];
const ROW: Row = { id: "m-1", name: "a name of some length", note: "a note of some length" };

const render = (width: number, rows: readonly Row[] = [ROW]) => renderTable(rows, COLUMNS, width, plain);

describe("a table", () => {
  it.each([
    [
      "as wide as it likes",
      Number.POSITIVE_INFINITY,
      "ID   NAME                   NOTE\nm-1  a name of some length  a note of some length\n",
    ],
    ["with its least column cut", 40, "ID   NAME                   NOTE\nm-1  a name of some length  a note of s…\n"],
    ["with two columns cut", 30, "ID   NAME               NOTE\nm-1  a name of some l…  a not…\n"],
    ["without its least column", 20, "ID   NAME\nm-1  a name of some…\n"],
    ["without all that can be left out", 8, "ID\nm-1\n"],
    ["never without what always stands", 2, "ID\nm-1\n"],
  ])("%s", (_name, width, text) => {
    expect(render(width)).toBe(text);
  });

  it("leaves out a column in which nothing stands", () => {
    expect(render(80, [{ ...ROW, note: "" }])).not.toContain("NOTE");
  });

  it("paints after it cut", () => {
    const column: Column<string> = { head: "X", cell: (text) => ({ text, paint: (cut) => `<${cut}>` }), min: 3 };
    expect(renderTable(["abcdef"], [column], 4, plain)).toBe("X\n<abc…>\n");
  });

  it("puts numbers below each other", () => {
    const column: Column<string> = { head: "COUNT", cell: (text) => text, align: "right" };
    expect(renderTable(["1", "100"], [column], 80, plain)).toBe("COUNT\n    1\n  100\n");
  });
});

describe("width", () => {
  it.each([
    ["abc", 3],
    ["größer", 6],
    ["日本", 4],
    ["e\u0301", 1],
    ["✅ ok", 5],
  ])("of %s is %i", (text, width) => {
    expect(textWidth(text)).toBe(width);
  });

  it.each([
    ["abcdef", 6, "abcdef"],
    ["abcdef", 5, "abcd…"],
    ["ab cdef", 4, "ab…"],
    ["日本語", 5, "日本…"],
    ["日本語", 4, "日…"],
    ["abc", 1, "…"],
  ])("%s cut to %i is %s", (text, width, cut) => {
    expect(truncate(text, width)).toBe(cut);
    expect(textWidth(cut)).toBeLessThanOrEqual(width);
  });

  it.each([
    ["one two three", 7, ["one two", "three"]],
    ["one", 7, ["one"]],
    ["", 7, [""]],
    ["extraordinarily so", 7, ["extrao…", "so"]],
  ])("%s in lines of %i", (text, width, lines) => {
    expect(wrapText(text, width)).toEqual(lines);
  });
});
