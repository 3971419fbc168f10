/** Runner groups by name. GitHub takes numbers; people know the names. */
import { GitHubError } from "../../domain/errors.ts";
import { type RegistrationScope, scopeKey } from "../../domain/pool.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import type { Call } from "./client.ts";
import { asInstallation, type PageLimit, readCounted } from "./pages.ts";
import { placeOfScope } from "./places.ts";
import type { Session } from "./session.ts";
import { RunnerGroupPageShape } from "./shapes.ts";

/** The group that every organization and enterprise has; a repository has no other. */
const DEFAULT_GROUP_NAME = "default";
const DEFAULT_GROUP_ID = 1;
/** GitHub lets an organization have 1,000 groups; this is ten times as many. */
const PAGES: PageLimit = { pageCountMax: 100, beyond: "fail" };
const KEPT_MS = 10 * MINUTE_MS;

interface Kept {
  readonly readAtMs: number;
  /** Names in lower case. */
  readonly idByName: ReadonlyMap<string, number>;
}

/** Finds groups' numbers, and keeps them for a while. */
export class RunnerGroups {
  readonly #session: Session;
  readonly #kept = new Map<string, Kept>();
  readonly #pending = new Map<string, Promise<Kept>>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** @throws {GitHubError} `github-group-unknown`, or why the groups could not be read. */
  async idOf(scope: RegistrationScope, name: string): Promise<number> {
    const wanted = name.toLowerCase();
    const id = scope.kind === "repository" ? idInRepository(wanted) : await this.#find(scope, wanted);
    if (id !== null) return id;
    const cause = new Error(`there is no runner group "${name}" there, or we cannot see it`);
    throw new GitHubError("github-group-unknown", `finding the runner group ${name} of ${placeOfScope(scope).path}`, {
      cause,
    });
  }

  /** To be called when GitHub does not know a number that it told: the group was deleted, or made anew. */
  forget(scope: RegistrationScope): void {
    this.#kept.delete(scopeKey(scope));
  }

  async #find(scope: RegistrationScope, wanted: string): Promise<number | null> {
    const known = this.#kept.get(scopeKey(scope));
    const nowMs = this.#session.clock.monotonicMs();
    const keptId = known !== undefined && nowMs - known.readAtMs < KEPT_MS ? known.idByName.get(wanted) : undefined;
    if (keptId !== undefined) return keptId;
    // A name that was not there may be by now: it is looked for each time.
    return (await this.#readOnce(scope, wanted)).idByName.get(wanted) ?? null;
  }

  /** One reading at a time per scope, whoever waits for it. */
  async #readOnce(scope: RegistrationScope, wanted: string): Promise<Kept> {
    const key = scopeKey(scope);
    const pending = this.#pending.get(key) ?? this.#read(scope).finally(() => this.#pending.delete(key));
    this.#pending.set(key, pending);
    try {
      const kept = await pending;
      this.#kept.set(key, kept);
      return kept;
    } catch (error) {
      if (wanted !== DEFAULT_GROUP_NAME || !isNotForUs(error)) throw error;
      const kept = this.#keptNow(new Map([[DEFAULT_GROUP_NAME, DEFAULT_GROUP_ID]]));
      this.#kept.set(key, kept);
      return kept;
    }
  }

  async #read(scope: RegistrationScope): Promise<Kept> {
    const { path, account } = placeOfScope(scope);
    const call: Call = {
      operation: "list-runner-groups",
      purpose: "ticket",
      method: "GET",
      path: `${path}/actions/runner-groups`,
      isConditional: true,
      attempted: `listing the runner groups of ${path}`,
    };
    const ask = asInstallation(this.#session, account);
    const groups = await readCounted(ask, call, RunnerGroupPageShape, ({ id }) => id, PAGES);
    return this.#keptNow(new Map(groups.map(({ id, name }) => [name.toLowerCase(), id])));
  }

  #keptNow(idByName: ReadonlyMap<string, number>): Kept {
    return { readAtMs: this.#session.clock.monotonicMs(), idByName };
  }
}

function idInRepository(wanted: string): number | null {
  return wanted === DEFAULT_GROUP_NAME ? DEFAULT_GROUP_ID : null;
}

const NOT_FOR_US: ReadonlySet<string> = new Set(["github-forbidden", "github-not-found", "github-invalid"]);

/** Servers without the call, and tokens without the permission, still register runners in the group that always is. */
function isNotForUs(error: unknown): boolean {
  return error instanceof GitHubError && NOT_FOR_US.has(error.code);
}
