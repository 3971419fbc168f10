/** What the API server draws: uids, the ends of generated names, and tokens. Each from the cluster's chance, none twice. */
import type { KubernetesState } from "./state.ts";

const HEXADECIMAL = "0123456789abcdef";
/** As Kubernetes generates names: nothing that could spell a word. */
const NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789";
const NAME_LENGTH = 5;
const TOKEN_LENGTH = 40;
const COUNT_LENGTH = 6;

/** 1, 2, 3 by the name. */
function nextNumber(state: KubernetesState, name: string): number {
  const number = (state.givenNumbers.get(name) ?? 0) + 1;
  state.givenNumbers.set(name, number);
  return number;
}

function draw(state: KubernetesState, kind: string, letters: string, length: number): string {
  const chance = state.options.chance.fork(`${kind}/${nextNumber(state, kind)}`);
  return Array.from({ length }, () => letters[chance.whole([0, letters.length - 1])]).join("");
}

/** A version 4 UUID; its last digits count, so that none comes twice. */
export function newUid(state: KubernetesState): string {
  const digits = draw(state, "uid", HEXADECIMAL, 26);
  const count = (state.givenNumbers.get("uid") ?? 0).toString(16).padStart(COUNT_LENGTH, "0");
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-a${digits.slice(17, 20)}-${digits.slice(20)}${count}`;
}

/** Empty unless there is something to begin it with. */
export function newName(state: KubernetesState, generateName: string | undefined): string {
  if (generateName === undefined || generateName === "") return "";
  return generateName + draw(state, "name", NAME_LETTERS, NAME_LENGTH);
}

export function newToken(state: KubernetesState): string {
  const letters = `${HEXADECIMAL}ghijklmnopqrstuvwxyz`;
  return `simulated.${draw(state, "token", letters, TOKEN_LENGTH)}.${state.givenNumbers.get("token")}`;
}
