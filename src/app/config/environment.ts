/** The variables that a process was started with. Read here and nowhere else; everything below gets them handed in. */
export type Environment = Readonly<Record<string, string | undefined>>;

export function readEnvironment(): Environment {
  return process.env;
}
