/** Stops and starts the machines of a provider that does as it is told. */
import type { ProviderError } from "../../src/domain/errors.ts";
import type { ProviderId } from "../../src/domain/ids.ts";
import type { ProviderState } from "../../src/domain/observed.ts";
import type { MachinePermit } from "../../src/domain/permit.ts";
import type { Standby } from "../../src/ports/provider.ts";

export class FakeStandby implements Standby {
  readonly stopped: MachinePermit[] = [];
  readonly started: ProviderId[] = [];
  stopTakes = true;
  stopError: ProviderError | null = null;
  nextStartError: { readonly error: ProviderError; readonly takesEffect: boolean } | null = null;
  readonly #machines: ReadonlyMap<string, { state: ProviderState }>;

  constructor(machines: ReadonlyMap<string, { state: ProviderState }>) {
    this.#machines = machines;
  }

  async stop(permit: MachinePermit) {
    this.stopped.push(permit);
    if (this.stopError !== null) throw this.stopError;
    if (this.stopTakes) this.#move(permit.providerId, "stopped");
  }

  async start(providerId: ProviderId) {
    this.started.push(providerId);
    const failure = this.nextStartError;
    this.nextStartError = null;
    if (failure === null || failure.takesEffect) this.#move(providerId, "running");
    if (failure !== null) throw failure.error;
  }

  #move(id: string, state: ProviderState): void {
    const machine = this.#machines.get(id);
    if (machine !== undefined) machine.state = state;
  }
}
