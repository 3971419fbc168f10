/**
 * A place in a list that has the newest first: the moment, and the id by which those of one moment are told apart. An id
 * that is less than any (0, an empty text) makes it the place before that moment.
 */
export interface ListPlace<Id> {
  readonly createdAtMs: number;
  readonly id: Id;
}
