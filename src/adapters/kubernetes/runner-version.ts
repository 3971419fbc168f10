/** The version of GitHub's runner in an image, where its tag says it, as the tags of GitHub's own image do. */
const TAG = /:v?(\d+\.\d+\.\d+)(?:-[A-Za-z0-9._-]+)?(?:@sha256:[0-9a-f]{64})?$/;

/** @returns null for an image whose tag says nothing (`latest`, a digest alone). */
export function runnerVersionOf(image: string): string | null {
  return TAG.exec(image)?.[1] ?? null;
}
