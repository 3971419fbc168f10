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
  /** It may be cut to this width, where the terminal is too narrow; without it the column is always whole. */
  readonly min?: number;
  /** It may be left out where cutting is not enough, the greatest number first; without it the column always stands. */
  readonly rank?: number;
}

const GAP = "  ";
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
  const filled = columns
    .map(({ cell, ...column }) =>
      measure(
        column,
        rows.map((row) => asCell(cell(row))),
      ),
    )
    .filter(({ cells }) => cells.some(({ text }) => text !== ""));
  const shown = leaveOut(filled, width);
  const widths = cutWidths(shown, width);
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

interface MeasuredColumn {
  readonly column: Omit<Column<never>, "cell">;
  readonly cells: readonly Cell[];
  readonly width: number;
}

function measure(column: MeasuredColumn["column"], cells: readonly Cell[]): MeasuredColumn {
  const width = Math.max(textWidth(column.head), ...cells.map(({ text }) => textWidth(text)));
  return { column, cells, width };
}

function leastWidth({ column, width }: MeasuredColumn): number {
  return Math.min(width, column.min ?? width);
}

function sumWidths(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP.length * Math.max(0, widths.length - 1));
}

function leaveOut(columns: readonly MeasuredColumn[], width: number): readonly MeasuredColumn[] {
  let kept = columns;
  while (sumWidths(kept.map(leastWidth)) > width) {
    const least = Math.max(...kept.map(({ column }) => column.rank ?? 0));
    if (least === 0) break;
    kept = kept.filter(({ column }) => column.rank !== least);
  }
  return kept;
}

/** What is too much is taken from the last columns that can give it. */
function cutWidths(columns: readonly MeasuredColumn[], width: number): readonly number[] {
  const widths = columns.map((column) => column.width);
  let excess = sumWidths(widths) - width;
  const byRank = [...columns.entries()].sort(([, a], [, b]) => (b.column.rank ?? 0) - (a.column.rank ?? 0));
  for (const [index, column] of byRank) {
    const cut = Math.max(leastWidth(column), column.width - Math.max(0, excess));
    excess -= column.width - cut;
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
