/** What a call of one of AWS's Query services takes and gives, as its model sees it. */

/** A request is what somebody else wrote, so that anything may be missing from it. */
export type Given<Shape> = { readonly [Name in keyof Shape]?: Shape[Name] | undefined };

/** An answer's members by their names in the API; the wire's names are the server's business. */
export type AwsValue = string | number | boolean | AwsAnswer | readonly AwsValue[] | undefined;
export interface AwsAnswer {
  readonly [member: string]: AwsValue;
}
