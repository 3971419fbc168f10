/** `holdfast deliveries`: webhooks that could not be handled, each with its problem; one of them as it came. */
import { DeliveriesAnswer, type DeliveryAnswer } from "../../http/operators/answers.ts";
import { formatAgo } from "../../http/text/durations.ts";
import { plainAnswer, plainText } from "../../http/text/plain-text.ts";
import { openClient } from "../client.ts";
import { type CommandIo, coloursOf, widthOf } from "../terminal/io.ts";
import { type Column, renderTable } from "../terminal/table.ts";
import { wrapText } from "../terminal/text-width.ts";
import { CommandError, EXIT, type ExitCode, telling } from "./failure.ts";
import type { ReadOptions } from "./question.ts";

export interface DeliveriesOptions extends ReadOptions {
  /** pending, applied, ignored or quarantined. */
  readonly state?: string | undefined;
  readonly limit?: number | undefined;
}

export function runDeliveries(options: DeliveriesOptions, io: CommandIo): Promise<ExitCode> {
  return telling(io, options, async () => {
    const client = await openClient(options, io.environment);
    const query = new URLSearchParams({
      ...(options.state !== undefined && { state: options.state }),
      ...(options.limit !== undefined && { limit: String(options.limit) }),
    });
    const answer = await client.get(`/deliveries?${query}`, DeliveriesAnswer, "for its deliveries");
    io.stdout.write(
      options.json === true ? `${JSON.stringify(answer, null, 2)}\n` : renderList(plainAnswer(answer), options, io),
    );
    return EXIT.ok;
  });
}

export function runShowDelivery(id: string, options: ReadOptions, io: CommandIo): Promise<ExitCode> {
  return telling(io, options, async () => {
    if (id.trim() === "")
      throw new CommandError("showing a delivery", {
        code: "usage",
        wrong: "nothing is named",
        mend: "Name one by its id; `holdfast deliveries` lists those that wait for a person.",
      });
    const client = await openClient(options, io.environment);
    const path = `/deliveries/${encodeURIComponent(id.trim())}`;
    const answer = await client.get(path, DeliveriesAnswer, `for delivery ${id}`);
    io.stdout.write(options.json === true ? `${JSON.stringify(answer, null, 2)}\n` : renderDeliveries(answer, io));
    return EXIT.ok;
  });
}

function renderList(
  { deliveries, now }: DeliveriesAnswer,
  { state = "quarantined" }: DeliveriesOptions,
  io: CommandIo,
) {
  if (deliveries.length === 0)
    return state === "quarantined"
      ? "No delivery waits for a person: all that came could be handled.\n"
      : `No delivery is ${state}.\n`;
  const colours = coloursOf(io);
  return renderTable(deliveries, columnsAt(now), widthOf(io), colours);
}

const columnsAt = (now: string): readonly Column<DeliveryAnswer>[] => [
  { head: "DELIVERY", cell: ({ id }) => id },
  { head: "CONNECTION", cell: ({ connection }) => connection, rank: 3 },
  { head: "EVENT", cell: ({ event }) => event, rank: 2 },
  { head: "STATE", cell: ({ state }) => state, rank: 4 },
  { head: "RECEIVED", cell: ({ receivedAt }) => formatAgo(receivedAt, now) },
  { head: "PROBLEM", cell: ({ problem }) => problem ?? "", min: 12 },
];

function renderDeliveries({ deliveries, now }: DeliveriesAnswer, io: CommandIo): string {
  const colours = coloursOf(io);
  const width = widthOf(io);
  const paragraphs = deliveries.map(({ body, ...delivery }) => {
    const { id, connection, event, state, problem, receivedAt, byteCount } = plainAnswer(delivery);
    return [
      colours.bold(`delivery ${id}`),
      ...wrapText(
        `${event} for ${connection}, ${state}, received ${formatAgo(receivedAt, now)}, ${byteCount} bytes`,
        width,
      ),
      ...(problem === null ? [] : wrapText(problem, width).map(colours.yellow)),
      "",
      ...indented(body ?? ""),
    ].join("\n");
  });
  return `${paragraphs.join("\n\n")}\n`;
}

/** Line by line where it is JSON; as it came where it is not. */
function indented(body: string): readonly string[] {
  let text = body;
  try {
    text = JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    // That it is none may be the very problem.
  }
  return text.split("\n").map((line) => `${/^ */.exec(line)?.[0] ?? ""}${plainText(line.trimStart())}`);
}
