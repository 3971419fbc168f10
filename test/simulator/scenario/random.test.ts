/** What the random worlds are, over so many seeds that every part of the draw shows. */
import { expect, it } from "vitest";
import { settingsProblems } from "../../../src/domain/pool.ts";
import { HOUR_MS } from "../../../src/domain/units.ts";
import { randomScenario } from "../../../src/simulator/scenario/random.ts";
