/** What a measurement is, and what it says. */

export interface BenchOptions {
  readonly rounds: number;
  readonly hours: number;
  readonly seed: number;
  /** Told as it goes, for whoever waits. */
  note(text: string): void;
}

export interface Figure {
  readonly what: string;
  readonly ours: number | string;
  /** The same of terraform-aws-github-runner, measured. */
  readonly peer?: number | string;
  readonly unit?: string;
}

export interface Aim {
  readonly what: string;
  readonly most?: number;
  readonly least?: number;
  readonly measured: number;
}

export interface BenchResult {
  readonly name: string;
  readonly figures: readonly Figure[];
  readonly aims: readonly (Aim & { readonly met: boolean })[];
  readonly met: boolean;
}

export interface Bench {
  readonly name: string;
  /** In one line, for the list and above the table. */
  readonly work: string;
  run(options: BenchOptions): Promise<{ readonly figures: readonly Figure[]; readonly aims: readonly Aim[] }>;
}

export function resultOf(
  name: string,
  { figures, aims }: { readonly figures: readonly Figure[]; readonly aims: readonly Aim[] },
): BenchResult {
  const judged = aims.map((aim) => ({
    ...aim,
    met: aim.measured <= (aim.most ?? Number.POSITIVE_INFINITY) && aim.measured >= (aim.least ?? 0),
  }));
  return { name, figures, aims: judged, met: judged.every(({ met }) => met) };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** With so many digits after the point. */
export function rounded(value: number, digitCount: number): number {
  return Number(value.toFixed(digitCount));
}
