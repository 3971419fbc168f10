/**
 * What changes on pages that people keep open, told to all of them. For each page that anybody looks at there is one reading of
 * the store per interval, however many look; parts that changed go to everyone, and all parts to whoever comes.
 *
 * Bounds: so many streams at once, and pages; each stream lives for an hour, after which the browser comes again and says
 * who it is; one whose reader does not take what is sent is closed.
 */
import { SECOND_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Telemetry } from "../../ports/telemetry.ts";
import { type LivePage, type RenderedPart, renderParts } from "./parts.ts";

export const STREAMS_MAX = 100;
/** Pages that are looked at at a time: the fleet, its safety, and single subjects. */
export const PAGES_MAX = 20;
export const INTERVAL_MS = 2 * SECOND_MS;
/** Of the time that a reading took, so much more passes before the next: no page takes more than a fiftieth of the process. */
const REST_PER_READING = 50;
const HEARTBEAT_MS = 15 * SECOND_MS;
const STREAM_LIFE_MS = 3_600 * SECOND_MS;
/** What one stream may hold unsent: a few whole pages. */
export const UNSENT_BYTES_MAX = 2 * 1_024 * 1_024;

/** @returns null where what the page is about is known no more. */
export type ReadPage = () => Promise<LivePage | null>;

interface Stream {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  readonly openedAtMs: number;
  sentAtMs: number;
}

interface Watched {
  readonly read: ReadPage;
  readonly streams: Set<Stream>;
  readonly stop: AbortController;
  /** As last told, by the part's id; null before the first reading. */
  told: ReadonlyMap<string, RenderedPart> | null;
  title: string;
}

export interface LiveFeedOptions {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

export class LiveFeed {
  readonly #clock: Clock;
  readonly #telemetry: Telemetry;
  readonly #watched = new Map<string, Watched>();

  constructor({ clock, telemetry }: LiveFeedOptions) {
    this.#clock = clock;
    this.#telemetry = telemetry;
  }

  get streamCount(): number {
    return [...this.#watched.values()].reduce((sum, { streams }) => sum + streams.size, 0);
  }

  /**
   * @param key which page; two streams of one key share its readings.
   * @returns null where there are as many streams or pages as there may be.
   */
  open(key: string, read: ReadPage): ReadableStream<Uint8Array> | null {
    const known = this.#watched.get(key);
    if (this.streamCount >= STREAMS_MAX || (known === undefined && this.#watched.size >= PAGES_MAX)) return null;
    const watched = known ?? { read, streams: new Set(), stop: new AbortController(), told: null, title: "" };
    this.#watched.set(key, watched);
    let stream: Stream | null = null;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          const nowMs = this.#clock.monotonicMs();
          stream = { controller, openedAtMs: nowMs, sentAtMs: nowMs };
          watched.streams.add(stream);
          send(stream, "retry: 2000\n\n");
          if (watched.told !== null) send(stream, tellAll(watched));
        },
        cancel: () => {
          if (stream !== null) this.#leave(key, watched, stream);
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: UNSENT_BYTES_MAX }),
    );
    if (known === undefined) void this.#run(key, watched);
    return body;
  }

  #leave(key: string, watched: Watched, stream: Stream): void {
    watched.streams.delete(stream);
    if (watched.streams.size > 0) return;
    watched.stop.abort();
    if (this.#watched.get(key) === watched) this.#watched.delete(key);
  }

  async #run(key: string, watched: Watched): Promise<void> {
    const { signal } = watched.stop;
    while (!signal.aborted) {
      const startedAtMs = this.#clock.monotonicMs();
      try {
        await this.#tell(watched);
      } catch (error) {
        this.#telemetry.error("a page that is kept open could not be read", error, { page: key });
      }
      this.#closeOld(key, watched);
      const tookMs = this.#clock.monotonicMs() - startedAtMs;
      await this.#clock.sleep(Math.max(INTERVAL_MS, tookMs * REST_PER_READING), signal);
    }
  }

  async #tell(watched: Watched): Promise<void> {
    const page = await watched.read();
    if (page === null) return this.#sendHome(watched);
    const rendered = await renderParts(page);
    const before = watched.told;
    const isSamePage = before === null || rendered.every(({ id }) => before.has(id));
    if (!isSamePage) return this.#sendHome(watched);
    const changed = rendered.filter(({ id, essence }) => before?.get(id)?.essence !== essence);
    const isRetitled = watched.title !== page.title;
    watched.told = new Map(rendered.map((one) => [one.id, one]));
    watched.title = page.title;
    const news = [...(isRetitled ? [event("title", page.title)] : []), ...changed.map(tellPart)];
    const now = event("now", page.now);
    for (const stream of watched.streams) {
      const isQuiet = this.#clock.monotonicMs() - stream.sentAtMs < HEARTBEAT_MS;
      if (news.length === 0 && isQuiet) continue;
      this.#send(watched, stream, now + news.join(""));
    }
  }

  /** What they look at is known no more, or has become another page: they ask for it anew. */
  #sendHome(watched: Watched): void {
    for (const stream of watched.streams) {
      this.#send(watched, stream, event("reload", ""));
      close(stream);
    }
    watched.streams.clear();
  }

  #send(watched: Watched, stream: Stream, text: string): void {
    // Whoever does not read is not waited for: the browser comes again, and gets all of it.
    if ((stream.controller.desiredSize ?? 0) < text.length) {
      close(stream);
      watched.streams.delete(stream);
      return;
    }
    stream.sentAtMs = this.#clock.monotonicMs();
    send(stream, text);
  }

  #closeOld(key: string, watched: Watched): void {
    const nowMs = this.#clock.monotonicMs();
    for (const stream of watched.streams) {
      if (nowMs - stream.openedAtMs < STREAM_LIFE_MS) continue;
      close(stream);
      watched.streams.delete(stream);
    }
    if (watched.streams.size > 0) return;
    watched.stop.abort();
    if (this.#watched.get(key) === watched) this.#watched.delete(key);
  }
}

function tellAll({ told, title }: Watched): string {
  return [event("title", title), ...[...(told?.values() ?? [])].map(tellPart)].join("");
}

function tellPart({ id, text }: RenderedPart): string {
  return event("part", JSON.stringify({ id, html: text }));
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */
function event(name: string, data: string): string {
  return `event: ${name}\n${data
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}`)
    .join("\n")}\n\n`;
}

function send({ controller }: Stream, text: string): void {
  controller.enqueue(new TextEncoder().encode(text));
}

function close({ controller }: Stream): void {
  try {
    controller.close();
  } catch {
    // The reader was faster.
  }
}
