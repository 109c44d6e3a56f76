import type { StoreKeys } from "../settings/environment.ts";
import type { SigningKeys } from "./s3-signature.ts";

/** Where keys come from; `forceRefresh` asks for new ones although the old have not expired. */
export type KeySource = (options: { readonly forceRefresh: boolean }) => Promise<SigningKeys>;

/** The keys that requests are signed with: those of the settings, or the AWS SDK's default chain, asked again as it expires. */
export class S3Credentials {
  /** Whether other keys can be had than those that were refused. */
  readonly canRefresh: boolean;
  /** What to look at when the store refuses them; part of a sentence. */
  readonly origin: string;
  readonly #source: KeySource;
  #current: SigningKeys | undefined;
  #refreshing: Promise<SigningKeys> | undefined;

  constructor(keys: StoreKeys | undefined, source: KeySource) {
    this.canRefresh = keys === undefined;
    this.origin = originOf(keys);
    this.#source = source;
    if (keys === undefined) return;
    const sessionToken = keys.sessionToken?.reveal();
    const fixed: SigningKeys = {
      accessKeyId: keys.accessKeyId,
      secretAccessKey: keys.secretAccessKey.reveal(),
      ...(sessionToken === undefined ? {} : { sessionToken }),
    };
    this.#source = () => Promise.resolve(fixed);
  }

  /** The keys of now; the chain itself remembers them until shortly before they expire. */
  async get(): Promise<SigningKeys> {
    return this.#keep(await this.#source({ forceRefresh: false }));
  }

  /** Other keys than the `refused` ones; requests that are refused at the same time share one refresh. */
  async refresh(refused: SigningKeys): Promise<SigningKeys> {
    if (this.#current !== undefined && !isSame(this.#current, refused)) return this.#current;
    this.#refreshing ??= this.#source({ forceRefresh: true }).finally(() => (this.#refreshing = undefined));
    return this.#keep(await this.#refreshing);
  }

  /** Equal keys stay one object, so that what is derived from them is derived once. */
  #keep(keys: SigningKeys): SigningKeys {
    if (this.#current === undefined || !isSame(this.#current, keys)) this.#current = keys;
    return this.#current;
  }
}

/** Where keys came from, as what somebody has to look at who wants others. */
function originOf(keys: StoreKeys | undefined): string {
  if (keys === undefined) {
    return "the credentials that the AWS SDK found (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, shared files, SSO or a role)";
  }
  const { sources = [] } = keys;
  return sources.length === 0
    ? `the key ${keys.accessKeyId}`
    : sources.join(", ").replace(/, (?=[^,]*$)/, " and ");
}

function isSame(a: SigningKeys, b: SigningKeys): boolean {
  return (
    a.accessKeyId === b.accessKeyId &&
    a.secretAccessKey === b.secretAccessKey &&
    a.sessionToken === b.sessionToken
  );
}

/** The SDK's default chain: environment, shared files, SSO, web identity, container and instance roles, as every AWS tool has them. */
export function defaultChain(region: string): KeySource {
  let chain: Promise<KeySource> | undefined;
  const load = async (): Promise<KeySource> => {
    const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
    const provide = defaultProvider();
    const callerClientConfig = { region: () => Promise.resolve(region) };
    return ({ forceRefresh }) => provide({ forceRefresh, callerClientConfig });
  };
  return async (options) => (await (chain ??= load()))(options);
}
