/**
 * Runs in the browser, and is served as it stands here, without its types. It takes changed parts of the page from the server's
 * stream and puts in what differs, lets ages grow in between, and says so when the server is gone. Without it the page is the
 * same and asks for itself anew.
 */
import { formatDuration } from "../../text/durations.ts";

/** Of the library that is loaded before this: changes as little as it can, and keeps focus, selection and scrolling. */
declare const Idiomorph: {
  morph(old: Element, fresh: string, options: { morphStyle: "outerHTML"; ignoreActiveValue: boolean }): unknown;
};

/** Between two tries to reach a server that is gone: the first, and the longest that it grows to by doubling. */
const RETRY_FIRST_MS = 1_000;
const RETRY_LONGEST_MS = 30_000;
/** The server speaks every other second, and says every 15 s that it is there. */
const SILENCE_MAX_MS = 40_000;
const TICK_MS = 1_000;

const feed = document.body.dataset.live;
const status = document.getElementById("live-status");
const clock = document.getElementById("page-now");
/** How far the server's clock is ahead of this computer's. */
let aheadMs = readNow(document.body.dataset.now) - Date.now();
let retryMs = RETRY_FIRST_MS;
let lastHeardMs = Date.now();
let lostSinceMs: number | null = null;
let source: EventSource | null = null;
let retryTimer: ReturnType<typeof setTimeout> | null = null;

function readNow(text: string | undefined): number {
  const atMs = Date.parse(text ?? "");
  return Number.isNaN(atMs) ? Date.now() : atMs;
}

function connect(): void {
  if (feed === undefined) return;
  retryTimer = null;
  source?.close();
  source = new EventSource(feed);
  source.addEventListener("now", (event) => {
    aheadMs = readNow(event.data) - Date.now();
    noteHeard();
  });
  source.addEventListener("part", (event) => {
    noteHeard();
    const { id, html } = JSON.parse(event.data) as { id: string; html: string };
    const old = document.getElementById(id);
    if (old !== null) Idiomorph.morph(old, html, { morphStyle: "outerHTML", ignoreActiveValue: true });
  });
  source.addEventListener("title", (event) => {
    document.title = event.data;
  });
  // The page that the server has now is another: of a new version, or of something that is known no more.
  source.addEventListener("reload", () => location.reload());
  source.addEventListener("error", lose);
}

function noteHeard(): void {
  lastHeardMs = Date.now();
  retryMs = RETRY_FIRST_MS;
  if (lostSinceMs === null && status?.dataset.state === "live") return;
  lostSinceMs = null;
  say("live", "live");
}

/** The browser's own way to reconnect knows no growing pause, and gives up after some answers. */
function lose(): void {
  source?.close();
  source = null;
  lostSinceMs ??= Date.now();
  if (retryTimer !== null) return;
  retryTimer = setTimeout(connect, retryMs * (0.75 + Math.random() / 2));
  retryMs = Math.min(2 * retryMs, RETRY_LONGEST_MS);
  sayLost();
}

function sayLost(): void {
  if (lostSinceMs === null) return;
  const since = new Date(lostSinceMs + aheadMs).toISOString().slice(11, 19);
  say("lost", `not connected since ${since} UTC: what is shown is of then`);
}

function say(state: "live" | "lost", text: string): void {
  if (status === null || (status.dataset.state === state && status.textContent === text)) return;
  status.dataset.state = state;
  status.textContent = text;
  document.body.classList.toggle("lost", state === "lost");
}

/** Ages grow here, so that the server has nothing to send where only time passes. */
function tick(): void {
  if (source !== null && Date.now() - lastHeardMs > SILENCE_MAX_MS) lose();
  if (lostSinceMs !== null || document.hidden) return;
  const nowMs = Date.now() + aheadMs;
  if (clock !== null) clock.textContent = new Date(nowMs).toISOString().slice(11, 19);
  for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-age]")) {
    const text = ageOf(time.dataset.age ?? "", nowMs - Date.parse(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
}

/** The words of `renderAge`. */
function ageOf(kind: string, ageMs: number): string {
  if (kind === "in") return ageMs >= 0 ? "now" : `in ${formatDuration(-ageMs)}`;
  if (kind === "for") return formatDuration(ageMs);
  return ageMs < TICK_MS ? "just now" : `${formatDuration(ageMs)} ago`;
}

if (feed !== undefined) {
  connect();
  setInterval(tick, TICK_MS);
  document.addEventListener("visibilitychange", tick);
}
