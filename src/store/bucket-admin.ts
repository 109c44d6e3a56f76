import {
  CreateBucketCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketOwnershipControlsCommand,
  GetPublicAccessBlockCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import type { BucketLocationConstraint, LifecycleRule } from "@aws-sdk/client-s3";
import { SitefleetError, assertNever } from "../lib/errors.ts";
import type { Location, StoreKeys } from "../settings/environment.ts";
import { S3Credentials, defaultChain } from "./s3-credentials.ts";
import { endpointOf } from "./s3-endpoint.ts";
import { CONNECT_TIMEOUT_MS, IDLE_TIMEOUT_MS } from "./s3-requests.ts";
import { errorFacts, toStoreError } from "./store-error.ts";

/** How many days after its beginning an upload in parts counts as abandoned. */
export const ABANDONED_DAYS = 7;
const RULE_ID = "sitefleet-abort-abandoned-uploads";
const MAX_ATTEMPTS = 4;

/** What a bucket is set to; `unsupported` where the store has no such setting. */
export interface BucketState {
  readonly region: string;
  /** Whether all four blocks of public access are on. */
  readonly blocked: boolean | "unsupported";
  /** Whether there are no ACLs: everything in it is its owner's (`BucketOwnerEnforced`). */
  readonly enforced: boolean | "unsupported";
  /** Whether a rule ends every abandoned upload. */
  readonly abortsUploads: boolean | "unsupported";
}

export type BucketSetting = "blocked" | "enforced" | "abortsUploads";

/** Makes buckets and their settings, through the AWS SDK. Close it when done. */
export class BucketAdmin {
  readonly #client: S3Client;
  readonly #location: Location;
  readonly #signal: AbortSignal;
  readonly #keys: string;

  constructor(
    location: Location,
    options: { readonly keys: StoreKeys | undefined; readonly signal: AbortSignal },
  ) {
    const credentials = new S3Credentials(options.keys, defaultChain(location.region));
    this.#location = location;
    this.#keys = credentials.origin;
    this.#signal = options.signal;
    this.#client = new S3Client({
      region: location.region,
      // Not even AWS's own is named: a request for a bucket of another region could not be sent there.
      ...(location.endpoint === undefined ? {} : { endpoint: endpointOf(location).href }),
      forcePathStyle: location.pathStyle,
      credentials: () => credentials.get(),
      maxAttempts: MAX_ATTEMPTS,
      // A bucket in another region is then found, and its region can be told.
      followRegionRedirects: true,
      requestHandler: {
        connectionTimeout: CONNECT_TIMEOUT_MS,
        requestTimeout: IDLE_TIMEOUT_MS,
        throwOnRequestTimeout: true,
      },
    });
  }

  /**
   * Reads what a bucket is set to.
   * @returns `undefined` when there is no such bucket
   * @throws SitefleetError `setup/wrong-region`, `store/…`
   */
  async read(bucket: string): Promise<BucketState | undefined> {
    const region = await this.#regionOf(bucket);
    if (region === undefined) return undefined;
    if (region !== this.#location.region && this.#location.endpoint === undefined) {
      throw wrongRegion(bucket, { wanted: this.#location.region, found: region });
    }
    const [blocked, enforced, rules] = await Promise.all([
      this.#readBlocked(bucket),
      this.#readEnforced(bucket),
      this.#readRules(bucket),
    ]);
    const abortsUploads = rules === "unsupported" ? rules : rules.some(abortsEverything);
    return { region, blocked, enforced, abortsUploads };
  }

  /** Makes a bucket; one that is this account's already is left as it is. */
  async create(bucket: string): Promise<void> {
    const { region } = this.#location;
    try {
      await this.#call("CreateBucket", bucket, (abortSignal) =>
        this.#client.send(
          new CreateBucketCommand({
            Bucket: bucket,
            // The oldest region is the one that is not named (API/API_CreateBucket.html).
            ...(region === "us-east-1"
              ? {}
              : { CreateBucketConfiguration: { LocationConstraint: toConstraint(region) } }),
          }),
          { abortSignal },
        ),
      );
    } catch (error) {
      const name = causeName(error);
      if (name === "BucketAlreadyOwnedByYou") return;
      if (name !== "BucketAlreadyExists") throw error;
      throw new SitefleetError("setup/bucket-taken", `the bucket name "${bucket}" is another account's`, {
        cause: error,
        hint: "bucket names are one namespace for all of AWS: choose another in the settings",
      });
    }
  }

  /** Puts one setting right; what else is configured stays. */
  async put(bucket: string, setting: BucketSetting): Promise<void> {
    switch (setting) {
      case "blocked":
        return this.#block(bucket);
      case "enforced":
        return this.#enforce(bucket);
      case "abortsUploads":
        return this.#abortUploads(bucket);
      default:
        return assertNever(setting);
    }
  }

  close(): void {
    this.#client.destroy();
  }

  async #block(bucket: string): Promise<void> {
    const PublicAccessBlockConfiguration = {
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true,
    };
    const command = new PutPublicAccessBlockCommand({ Bucket: bucket, PublicAccessBlockConfiguration });
    await this.#call("PutPublicAccessBlock", bucket, (abortSignal) =>
      this.#client.send(command, { abortSignal }),
    );
  }

  async #enforce(bucket: string): Promise<void> {
    const OwnershipControls = { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" as const }] };
    const command = new PutBucketOwnershipControlsCommand({ Bucket: bucket, OwnershipControls });
    await this.#call("PutBucketOwnershipControls", bucket, (abortSignal) =>
      this.#client.send(command, { abortSignal }),
    );
  }

  /** The configuration is written whole: rules that others made are written with it. */
  async #abortUploads(bucket: string): Promise<void> {
    const known = await this.#readRules(bucket);
    if (known === "unsupported") return;
    const rule: LifecycleRule = {
      ID: RULE_ID,
      Status: "Enabled",
      Filter: { Prefix: "" },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: ABANDONED_DAYS },
    };
    const Rules = [...known.filter(({ ID }) => ID !== RULE_ID), rule];
    const command = new PutBucketLifecycleConfigurationCommand({
      Bucket: bucket,
      LifecycleConfiguration: { Rules },
    });
    await this.#call("PutBucketLifecycleConfiguration", bucket, (abortSignal) =>
      this.#client.send(command, { abortSignal }),
    );
  }

  async #regionOf(bucket: string): Promise<string | undefined> {
    try {
      const { LocationConstraint } = await this.#call("GetBucketLocation", bucket, (abortSignal) =>
        this.#client.send(new GetBucketLocationCommand({ Bucket: bucket }), { abortSignal }),
      );
      // Told as nothing, and as `EU` of buckets from before there were two regions in it (API/API_GetBucketLocation.html).
      if (!LocationConstraint)
        return this.#location.endpoint === undefined ? "us-east-1" : this.#location.region;
      return LocationConstraint === "EU" ? "eu-west-1" : LocationConstraint;
    } catch (error) {
      if (error instanceof SitefleetError && error.code === "store/no-bucket") return undefined;
      const found = regionIn(error);
      if (found === undefined) throw error;
      throw wrongRegion(bucket, { wanted: this.#location.region, found });
    }
  }

  async #readBlocked(bucket: string): Promise<boolean | "unsupported"> {
    return this.#readOr(
      "GetPublicAccessBlock",
      bucket,
      async (abortSignal) => {
        const command = new GetPublicAccessBlockCommand({ Bucket: bucket });
        const { PublicAccessBlockConfiguration: block } = await this.#client.send(command, { abortSignal });
        return (
          block?.BlockPublicAcls === true &&
          block.IgnorePublicAcls === true &&
          block.BlockPublicPolicy === true &&
          block.RestrictPublicBuckets === true
        );
      },
      false,
    );
  }

  async #readEnforced(bucket: string): Promise<boolean | "unsupported"> {
    return this.#readOr(
      "GetBucketOwnershipControls",
      bucket,
      async (abortSignal) => {
        const command = new GetBucketOwnershipControlsCommand({ Bucket: bucket });
        const { OwnershipControls } = await this.#client.send(command, { abortSignal });
        return OwnershipControls?.Rules?.[0]?.ObjectOwnership === "BucketOwnerEnforced";
      },
      false,
    );
  }

  async #readRules(bucket: string): Promise<readonly LifecycleRule[] | "unsupported"> {
    return this.#readOr(
      "GetBucketLifecycleConfiguration",
      bucket,
      async (abortSignal) => {
        const command = new GetBucketLifecycleConfigurationCommand({ Bucket: bucket });
        return (await this.#client.send(command, { abortSignal })).Rules ?? [];
      },
      [],
    );
  }

  /** A setting that nobody made is told as an error; a store that has no such settings says 501, or 405. */
  async #readOr<T>(
    operation: string,
    bucket: string,
    read: (signal: AbortSignal) => Promise<T>,
    none: T,
  ): Promise<T | "unsupported"> {
    try {
      return await this.#call(operation, bucket, read);
    } catch (error) {
      const name = causeName(error);
      if (NOT_SET.has(name)) return none;
      if (this.#location.endpoint !== undefined && NOT_OFFERED.has(name)) return "unsupported";
      throw error;
    }
  }

  async #call<T>(operation: string, bucket: string, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#signal.throwIfAborted();
    try {
      return await send(this.#signal);
    } catch (error) {
      this.#signal.throwIfAborted();
      const { endpoint, region } = this.#location;
      throw toStoreError(error, { operation, bucket, key: "", where: endpoint ?? region, keys: this.#keys });
    }
  }
}

const NOT_SET: ReadonlySet<string> = new Set([
  "NoSuchLifecycleConfiguration",
  "NoSuchPublicAccessBlockConfiguration",
  "OwnershipControlsNotFoundError",
]);
const NOT_OFFERED: ReadonlySet<string> = new Set(["MethodNotAllowed", "NotImplemented"]);

/** Whether a rule ends abandoned uploads of any key. */
function abortsEverything(rule: LifecycleRule): boolean {
  const { Status, Filter, Prefix, AbortIncompleteMultipartUpload: abort } = rule;
  const isForAll =
    Filter === undefined
      ? (Prefix ?? "") === ""
      : Object.entries(Filter).every(([name, value]) => name === "Prefix" && (value ?? "") === "");
  return Status === "Enabled" && isForAll && abort?.DaysAfterInitiation !== undefined;
}

/** The SDK's error behind ours. */
function causeName(error: unknown): string {
  return error instanceof SitefleetError ? errorFacts(error.cause).name : "";
}

/** The region that an answer of the wrong one names (API/ErrorResponses.html, `PermanentRedirect`). */
function regionIn(error: unknown): string | undefined {
  const cause = error instanceof SitefleetError ? error.cause : undefined;
  if (typeof cause !== "object" || cause === null || !("Region" in cause)) return undefined;
  return typeof cause.Region === "string" ? cause.Region : undefined;
}

function wrongRegion(
  bucket: string,
  { wanted, found }: { readonly wanted: string; readonly found: string },
): SitefleetError {
  return new SitefleetError("setup/wrong-region", `the bucket "${bucket}" is in ${found}, not in ${wanted}`, {
    hint: `set \`region\` to "${found}", or choose a bucket name that is free`,
  });
}

/** The SDK lists the regions of its day; S3 takes those of its own. */
function toConstraint(region: string): BucketLocationConstraint {
  return region as BucketLocationConstraint;
}
