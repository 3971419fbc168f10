/**
 * The facts that speak against one of the two promises, or came near it, by their beginnings: what writes them and what counts
 * them share them. No two have the same first twelve letters, by which the store finds them.
 */
export const ALARM_FACTS = {
  "fence-refused": "the fence refused to hand the ticket back",
  "stray-adopted": "machine adopted: the provider has it and the store did not know it",
  "fence-contradicted": "GitHub calls the runner busy although its host says that the ticket is over",
  "ticket-lost": "ticket lost with its machine",
  quarantined: "quarantined:",
} as const;

export type AlarmKind = keyof typeof ALARM_FACTS;
export const ALARM_KINDS = Object.keys(ALARM_FACTS) as readonly AlarmKind[];

/** Of a row that closed by its provider's own word, which is for good where ids are not given twice. */
export const SAID_GONE_FACT = "machine gone";
/** Of one that closed because its provider has not known its id for a while. */
export const ABSENT_FACT = "machine gone: its provider does not know it any more";

/** What is written down of an ending at the moment when the provider is asked for it, before the proof's name. */
export const ENDING_FACT = "asked the provider to end it, by proof";

/** @param limit the limit that was past, where it was that which forced the end. */
export function endingFact(proof: string, limit: string | null): string {
  return `${ENDING_FACT} ${proof}${limit === null ? "" : ` (limit ${limit})`}`;
}

/** @returns null where the fact is no such. */
export function readEndingFact(fact: string): { readonly proof: string; readonly limit: string | null } | null {
  if (!fact.startsWith(`${ENDING_FACT} `)) return null;
  const [, proof = "", limit = null] = /^(\S+)(?: \(limit (.+)\))?/.exec(fact.slice(ENDING_FACT.length + 1)) ?? [];
  return { proof, limit };
}
