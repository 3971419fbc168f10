/** Chance comes from here and nowhere else, so that a simulation can seed it. */
export interface Random {
  /** A number in [0, 1). */
  fraction(): number;
  /** Lower-case letters and digits, drawn so that two are never the same. @param length 8 to 32 */
  token(length: number): string;
}
