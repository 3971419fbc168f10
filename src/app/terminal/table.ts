import CliTable from "cli-table3";
import type { Colours } from "./io.ts";
import { textWidth, truncate } from "./text-width.ts";

export interface Cell {
  readonly text: string;
  readonly paint?: (text: string) => string;
}

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => Cell | string;
  readonly align?: "left" | "right";
  /** Columns with a number may be cut, the greatest number first; those without are always whole. */
  readonly cutRank?: number;
}

const GAP = "  ";
/** A cut column keeps at least so much, where it has it. */
const CUT_WIDTH_MIN = 6;

const NO_BORDERS = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: GAP,
};

/** Without borders, one line for each row, as wide as the terminal at most. Columns in which nothing stands are left out. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number,
  colours: Colours,
): string {
  const shown = columns
    .map((column) => ({ column, cells: rows.map((row) => asCell(column.cell(row))) }))
    .filter(({ cells }) => cells.some(({ text }) => text !== ""));
  const widths = fitWidths(shown, width);
  const table = new CliTable({
    chars: NO_BORDERS,
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
    colAligns: shown.map(({ column }) => column.align ?? "left"),
  });
  table.push(shown.map(({ column }, index) => colours.dim(truncate(column.head, widths[index] ?? 0))));
  for (const [rowIndex] of rows.entries()) {
    table.push(shown.map(({ cells }, index) => paintCell(cells[rowIndex], widths[index] ?? 0)));
  }
  const lines = table.toString().split("\n");
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

interface ShownColumn {
  readonly column: { readonly head: string; readonly cutRank?: number };
  readonly cells: readonly Cell[];
}

function fitWidths(shown: readonly ShownColumn[], width: number): readonly number[] {
  const widths = shown.map(({ column, cells }) =>
    Math.max(textWidth(column.head), ...cells.map(({ text }) => textWidth(text))),
  );
  const gaps = GAP.length * Math.max(0, shown.length - 1);
  let excess = widths.reduce((sum, one) => sum + one, gaps) - width;
  const cuttable = [...shown.entries()]
    .filter(([, { column }]) => column.cutRank !== undefined)
    .sort(([, a], [, b]) => (b.column.cutRank ?? 0) - (a.column.cutRank ?? 0));
  for (const [index] of cuttable) {
    const natural = widths[index] ?? 0;
    const cut = Math.max(Math.min(natural, CUT_WIDTH_MIN), natural - Math.max(0, excess));
    excess -= natural - cut;
    widths[index] = cut;
  }
  return widths;
}

function asCell(cell: Cell | string): Cell {
  return typeof cell === "string" ? { text: cell } : cell;
}

function paintCell(cell: Cell | undefined, width: number): string {
  const text = truncate(cell?.text ?? "", width);
  return cell?.paint === undefined ? text : cell.paint(text);
}
