/** The one place of the world that touches the real machine: it lets everything go on that waits for no clock. */

/** Resolves when no code is left that only waits for other code: what then waits, waits for the world's next event. */
export function drain(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
