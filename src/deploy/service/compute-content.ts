/** What a Compute service has and a VCL service has not; lists are sorted by name. */
export interface ComputeContent {
  readonly package: PackageContent | null;
  /** Stores of the account that are wanted and there. They have no version, and are never deleted by a deploy. */
  readonly stores: readonly StoreContent[];
  readonly links: readonly LinkContent[];
  /** Text of the app's settings (`EdgeSettings`): each version has its own. */
  readonly settings: string | null;
}

/** An archive, as Fastly tells it. */
export interface PackageContent {
  /** SHA-512 of the contents of its files: it stays the same when the archive is made anew. */
  readonly filesHash: string;
  /** Bytes of the archive. */
  readonly size: number;
}

export interface StoreContent {
  readonly kind: "config" | "secret";
  /**
   * `settings`: Config Store with the app's settings. `private`: Secret Store. `state`: Config Store with what a deploy
   * remembers, which no program opens.
   */
  readonly role: "settings" | "private" | "state";
  readonly name: string;
}

/** A store by the name that the program opens. */
export interface LinkContent {
  readonly name: string;
  /** Name of the store; of one that is not known its id, in brackets. */
  readonly store: string;
}

/** A version with nothing in it. */
export const EMPTY_COMPUTE: ComputeContent = { package: null, stores: [], links: [], settings: null };
