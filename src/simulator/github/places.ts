/** Where things are at GitHub. */

/** Its names change when it is renamed or transferred, its id does not. */
export interface Repository {
  readonly id: number;
  owner: string;
  name: string;
  fullName: string;
  isArchived: boolean;
  isDisabled: boolean;
  isPublic: boolean;
}

export type Scope =
  | { readonly kind: "organization"; readonly organization: string }
  | { readonly kind: "repository"; readonly fullName: string }
  | { readonly kind: "enterprise"; readonly enterprise: string };
