import { ABANDONED_DAYS, BucketAdmin } from "../store/bucket-admin.ts";
import type { BucketSetting, BucketState } from "../store/bucket-admin.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { assertNever } from "../lib/errors.ts";
import { locationsOf } from "./s3-grants.ts";

/** One thing to do to a bucket. */
export type BucketStep = "create" | BucketSetting;

/** A bucket as it is to be made. */
export interface BucketPlan {
  readonly bucket: string;
  readonly region: string;
  /** Empty when it is as it should be. */
  readonly steps: readonly BucketStep[];
  /** What the store does not offer. */
  readonly unsupported: readonly BucketSetting[];
}

const SETTINGS: readonly BucketSetting[] = ["blocked", "enforced", "abortsUploads"];

/** What a bucket lacks; a new one is set in every respect, for what new ones have differs from store to store. */
export function planBucket(state: BucketState | undefined): Pick<BucketPlan, "steps" | "unsupported"> {
  if (state === undefined) return { steps: ["create", ...SETTINGS], unsupported: [] };
  return {
    steps: SETTINGS.filter((setting) => state[setting] === false),
    unsupported: SETTINGS.filter((setting) => state[setting] === "unsupported"),
  };
}

/** What is missing of the buckets of an environment, in both regions; nothing is written. */
export async function planBuckets(fleet: Fleet): Promise<readonly BucketPlan[]> {
  return eachBucket(fleet, async (admin, { bucket, region }) => ({
    bucket,
    region,
    ...planBucket(await admin.read(bucket)),
  }));
}

/**
 * Makes the buckets of an environment and sets them right: private, without ACLs, abandoned uploads ended. What is right
 * is left alone, so stopped anywhere it can be run again. Default encryption is the store's own affair.
 * @returns what was done
 */
export async function setUpBuckets(fleet: Fleet): Promise<readonly BucketPlan[]> {
  return eachBucket(fleet, async (admin, { bucket, region }) => {
    const first = planBucket(await admin.read(bucket));
    if (first.steps[0] === "create") {
      await admin.create(bucket);
      fleet.notes.progress(`bucket "${bucket}" made in ${region}`);
    }
    // Read anew: a store may lack what S3 has, or have set a new bucket right by itself.
    const rest = first.steps[0] === "create" ? planBucket(await admin.read(bucket)) : first;
    for (const step of rest.steps) {
      if (step === "create") continue;
      await admin.put(bucket, step);
      fleet.notes.progress(`bucket "${bucket}": ${describeStep(step)}`);
    }
    for (const setting of rest.unsupported) {
      fleet.notes.warn(`the store of "${bucket}" has no setting for this: ${describeStep(setting)}`);
    }
    const made: readonly BucketStep[] = first.steps[0] === "create" ? ["create"] : [];
    return { bucket, region, steps: [...made, ...rest.steps], unsupported: rest.unsupported };
  });
}

/** A step as people read it, done or to be done. */
export function describeStep(step: BucketStep): string {
  switch (step) {
    case "create":
      return "make it";
    case "blocked":
      return "public access blocked";
    case "enforced":
      return "owned by the bucket's owner, no ACLs";
    case "abortsUploads":
      return `abandoned uploads ended after ${ABANDONED_DAYS} days`;
    default:
      return assertNever(step);
  }
}

async function eachBucket<T>(
  { environment, signal }: Fleet,
  work: (admin: BucketAdmin, bucket: { readonly bucket: string; readonly region: string }) => Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = [];
  for (const location of locationsOf(environment)) {
    const { region, configBucket, hostingBucket } = location;
    const admin = new BucketAdmin(location, { keys: environment.secrets.storeKeys(), signal });
    try {
      for (const bucket of new Set([configBucket, hostingBucket])) {
        results.push(await work(admin, { bucket, region }));
      }
    } finally {
      admin.close();
    }
  }
  return results;
}
