/** One picture of `holdfast top`: what is wrong and what waits comes first, and each part gets its share of the rows. */
import type { FleetAnswer, StatusAnswer } from "../../http/operators/answers.ts";
import { clockTime } from "../../http/text/durations.ts";
import { describeTrouble } from "../../http/text/trouble.ts";
import type { Colours } from "../terminal/io.ts";
import { textWidth, truncate } from "../terminal/text-width.ts";
import { tellSilence } from "./live.ts";
import { type Drawing, topSections } from "./top-sections.ts";

/** A blank line and its head. */
const SECTION_OVERHEAD = 2;

/** @returns no more lines than the screen has rows, none wider than it. */
export function topFrame(fleet: FleetAnswer, drawing: Drawing): readonly string[] {
  const { rows } = drawing.size;
  const head = renderHead(fleet, drawing);
  const sections = topSections(fleet, drawing);
  const shares = shareRows(
    rows - head.length,
    sections.map(({ rowCount }) => rowCount),
  );
  const body = sections.flatMap((section, index) => {
    const share = shares[index] ?? 0;
    return share === 0 ? [] : ["", ...section.render(share)];
  });
  return [...head, ...body].slice(0, Math.max(1, rows));
}

/**
 * Each section in turn one row, the first ones first, until all have what they want or nothing is left: so a long list never
 * takes the room of a short one. A section without a row has no head either.
 */
export function shareRows(roomCount: number, wantedCounts: readonly number[]): readonly number[] {
  const shares = wantedCounts.map(() => 0);
  let leftCount = roomCount;
  for (let round = 0; leftCount > 0; round += 1) {
    const before = leftCount;
    for (const [index, wantedCount] of wantedCounts.entries()) {
      const cost = round === 0 ? 1 + SECTION_OVERHEAD : 1;
      const share = shares[index] ?? 0;
      if (share !== round || share >= wantedCount || leftCount < cost) continue;
      shares[index] = share + 1;
      leftCount -= cost;
    }
    if (leftCount === before) break;
  }
  return shares;
}

/** Problems that the head has lines for; the others are counted. */
const PROBLEMS_MAX = 3;

function renderHead({ status }: FleetAnswer, { size, silence, everyMs, colours, isOver }: Drawing): readonly string[] {
  const { columns } = size;
  const { word, tone, problems } = describeTrouble(status);
  const paint = tone === "well" ? colours.green : tone === "warn" ? colours.yellow : colours.red;
  const right = `${clockTime(status.now)} UTC${isOver === true ? "" : "  q ends it"}`;
  const room = columns - textWidth(right) - 2;
  const name = truncate(status.controllerId, room);
  const state = truncate(word, Math.max(0, room - textWidth(name) - 2));
  const gap = " ".repeat(Math.max(1, columns - textWidth(name) - 2 - textWidth(state) - textWidth(right)));
  const shown = problems.length > PROBLEMS_MAX ? problems.slice(0, PROBLEMS_MAX - 1) : problems;
  const more = problems.length - shown.length;
  const lines = [
    ...(silence === null ? [] : [tellSilence(silence, everyMs)]),
    ...shown.map((problem) => `! ${problem}`),
    ...(more > 0 ? [`! and ${more} more: \`holdfast status\``] : []),
  ];
  return [
    `${colours.bold(name)}  ${paint(state)}${gap}${colours.dim(right)}`,
    fitParts(describeJobs(status), columns, colours),
    ...describeGitHub(status).map((parts) => fitParts(parts, columns, colours)),
    ...lines.map((line) => colours.yellow(truncate(line, columns))),
  ];
}

type Parts = readonly [name: string, ...parts: string[]];

const NAME_WIDTH = 8;

/** As many parts as fit, the first ones; none is cut unless it is alone. */
function fitParts([name, ...parts]: Parts, columns: number, colours: Colours): string {
  let text = "";
  for (const part of parts) {
    const longer = text === "" ? part : `${text}   ${part}`;
    if (text !== "" && textWidth(longer) > columns - NAME_WIDTH) break;
    text = longer;
  }
  return `${colours.dim(name.padEnd(NAME_WIDTH))}${truncate(text, columns - NAME_WIDTH)}`;
}

function describeJobs({ jobs, deliveries }: StatusAnswer): Parts {
  return [
    "Jobs",
    `${jobs.running} running`,
    `${jobs.queued} waiting`,
    `${jobs.completedLastHour} done in the last hour`,
    ...(deliveries.quarantined > 0 ? [`${deliveries.quarantined} deliveries quarantined`] : []),
    ...(jobs.waiting > 0 ? [`${jobs.waiting} held for approval`] : []),
    ...(jobs.unmatched > 0 ? [`${jobs.unmatched} that no pool takes`] : []),
    ...(deliveries.pending > 0 ? [`${deliveries.pending} deliveries pending`] : []),
  ];
}

/** The installation whose budget is nearest to its end speaks for all, with its name where there are several. */
function describeGitHub({ connections }: StatusAnswer): readonly Parts[] {
  const budgets = connections.flatMap(({ name, budgets: all }) => all.map((budget) => ({ name, ...budget })));
  const leftOf = ({ limit, remaining }: (typeof budgets)[number]) => (limit === null ? 1 : (remaining ?? 0) / limit);
  const [tightest] = budgets.toSorted((a, b) => leftOf(a) - leftOf(b));
  if (tightest === undefined) return [];
  const { limit, remaining, ticketsPerMinute, ticketsPerMinuteMax, blockedUntil } = tightest;
  const account = tightest.account === "token" ? tightest.name : tightest.account;
  return [
    [
      "GitHub",
      ...(blockedUntil === null ? [] : [`no calls before ${clockTime(blockedUntil)} UTC`]),
      ...(limit === null ? [] : [`${remaining} of ${limit} calls left`]),
      `${ticketsPerMinute} of ${ticketsPerMinuteMax} tickets in the last minute`,
      ...(budgets.length > 1 ? [`${account}, the tightest of ${budgets.length}`] : []),
    ],
  ];
}
