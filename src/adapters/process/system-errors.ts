/** Errors of the operating system, told apart by their code, and what the port makes of those that are not expected. */
import { ProviderError } from "../../domain/errors.ts";

/** The error of the port for a call of which we do not know how far it came; one that is known already stays itself. */
export function toProviderError(error: unknown, attempted: string): ProviderError {
  return error instanceof ProviderError
    ? error
    : new ProviderError("provider-unavailable", attempted, { cause: error });
}

/** @example isSystemError(error, "ENOENT", "ESRCH") */
export function isSystemError(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && typeof error.code === "string" && codes.includes(error.code);
}

/** The disk, or our share of it, is full. */
export function isDiskFull(error: unknown): boolean {
  return isSystemError(error, "ENOSPC", "EDQUOT");
}

/** The answer of `attempt`, or `absent` where the thing does not exist; every other error is thrown. */
export async function unlessAbsent<Value, Absent>(attempt: Promise<Value>, absent: Absent): Promise<Value | Absent> {
  try {
    return await attempt;
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return absent;
    throw error;
  }
}
