/** A broken invariant is a bug of ours: it stops the activation it happens in, and is never caught as an expected error. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

export function invariant(condition: boolean, statement: string): asserts condition {
  if (!condition) throw new InvariantError(`broken invariant: ${statement}`);
}

/** The end of an exhaustive switch: a new member of the union is a compile error here. */
export function unreachable(value: never): never {
  throw new InvariantError(`unhandled case: ${JSON.stringify(value)}`);
}
