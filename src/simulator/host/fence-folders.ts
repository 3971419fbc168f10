/**
 * What is kept on a machine's tmpfs of its fences: for each the claim, which only one can take from `open`, and whose watchdog
 * it is. The same moves as the agent's renames.
 */
import type { TicketId } from "../../domain/ids.ts";

export type Claim = "kill" | "resume";

export class FenceFolders {
  /** By the fence's name, which begins with its ticket's id. */
  readonly #claims = new Map<string, "open" | Claim>();

  make(name: string): void {
    this.#claims.set(name, "open");
  }

  /** @returns whether this call decided it. */
  take(name: string, claim: Claim): boolean {
    if (this.#claims.get(name) !== "open") return false;
    this.#claims.set(name, claim);
    return true;
  }

  giveUpKill(name: string): void {
    if (this.#claims.get(name) === "kill") this.#claims.set(name, "resume");
  }

  /** Null while it is open, and where there is no such fence. */
  read(name: string): Claim | null {
    const claim = this.#claims.get(name);
    return claim === undefined || claim === "open" ? null : claim;
  }

  of(ticketId: TicketId): readonly string[] {
    return [...this.#claims.keys()].filter((name) => name.startsWith(`${ticketId}.`));
  }

  remove(name: string): void {
    this.#claims.delete(name);
  }

  clear(): void {
    this.#claims.clear();
  }
}
