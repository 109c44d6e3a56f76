/** Purging as the edge offers it; batching, retries and rate limits are the implementation's work. */
export interface PurgeApi {
  /** Purges everything that carries one of the keys. A key that nothing carries is no error. */
  purgeKeys(input: {
    readonly serviceId: string;
    readonly keys: readonly string[];
    /** Keep the objects as stale instead of dropping them. */
    readonly soft: boolean;
  }): Promise<void>;
  /** Purges everything of a service, always hard. */
  purgeAll(input: { readonly serviceId: string }): Promise<void>;
}
