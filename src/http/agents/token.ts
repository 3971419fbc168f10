/**
 * An agent's token: a MAC by the controller's key over controller, machine and provider id. Nothing is stored, so a lost
 * row does not orphan a live agent; and it is worth this one machine only.
 */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import {
  type ControllerId,
  type MachineId,
  type ProviderId,
  parseMachineId,
  parseProviderId,
} from "../../domain/ids.ts";

export interface TokenSubject {
  readonly machineId: MachineId;
  readonly providerId: ProviderId;
}

const FORMAT = "hfa1";

export class AgentTokens {
  /** Made once: from bytes it would be made anew for each message. */
  readonly #key: KeyObject;
  readonly #controllerId: ControllerId;

  constructor(key: Uint8Array, controllerId: ControllerId) {
    this.#key = createSecretKey(key);
    this.#controllerId = controllerId;
  }

  issue(subject: TokenSubject): string {
    return [
      FORMAT,
      subject.machineId,
      subject.providerId,
      this.#mac("token", subject.machineId, subject.providerId),
    ].join("~");
  }

  /** @returns whose token it is, or null for anything that we did not issue. */
  verify(token: string): TokenSubject | null {
    const [format, machine = "", provider = "", mac = "", ...rest] = token.split("~");
    if (format !== FORMAT || rest.length > 0) return null;
    if (!isSame(mac, this.#mac("token", machine, provider))) return null;
    return { machineId: parseMachineId(machine), providerId: parseProviderId(provider) };
  }

  /** What a machine proves its identity with where its platform signs nothing: a secret of its own, never a shared one. */
  identitySecret(machineId: MachineId): string {
    return this.#mac("identity", machineId);
  }

  provesIdentity(machineId: MachineId, secret: string): boolean {
    return isSame(secret, this.identitySecret(machineId));
  }

  #mac(...parts: readonly string[]): string {
    return createHmac("sha256", this.#key)
      .update(JSON.stringify([this.#controllerId, ...parts]))
      .digest("base64url");
  }
}

function isSame(given: string, wanted: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(wanted);
  return a.length === b.length && timingSafeEqual(a, b);
}
