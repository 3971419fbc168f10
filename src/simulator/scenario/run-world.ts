/** The function that runs one world: it is handed to whoever asks for worlds. */
import type { WorldEvent } from "../world/event-log.ts";
import type { WorldFigures } from "../world/telemetry.ts";
import type { WorldResult } from "./result.ts";
import type { ProviderWorld, Scenario } from "./scenario.ts";

export type RunWorld = (
  scenario: Scenario,
  options: {
    readonly seed: number;
    /** Is told of each event as it happens; what it does changes nothing. */
    readonly onEvent?: (event: WorldEvent) => void;
    /** Ends the world at its first violation: the figures are then those of a part of it. */
    readonly stopsAtFirst?: boolean;
    /** Ends the world once so long has passed since its start, and does not judge what is left then. */
    readonly stopsAfterMs?: number;
    /** Gets Holdfast's figures as they arise; what it does with them changes nothing. */
    readonly figures?: WorldFigures;
  },
) => Promise<WorldResult>;

/** A world of chance alone: everything in it is drawn from the seed. Eight hours where none are given. */
export type RandomScenario = (seed: number, provider?: ProviderWorld, hours?: number) => Scenario;
