import { partitionOf } from "../lib/aws-partitions.ts";
import type { Environment, Location } from "../settings/environment.ts";

/** Who has an S3 key: the edge, whoever publishes, and whoever deploys (which publishes too: its cases need sites). */
export const S3_ROLES = ["edge-reader", "publisher", "deployer"] as const;
export type S3Role = (typeof S3_ROLES)[number];

interface Grant {
  /** IAM's name of the action (service authorization reference, "Actions defined by Amazon S3"). */
  readonly action: string;
  readonly on: "objects" | "bucket";
  /** Buckets of both regions, or only those that are written to: what is in the second is replicated from the first. */
  readonly where: "both" | "first";
  readonly roles: readonly S3Role[];
}

/**
 * Every action that sitefleet's own calls to S3 take, and whose they are. Policies are made of this table, and a test
 * holds it against the calls that are made.
 */
export const S3_GRANTS: readonly Grant[] = [
  { action: "s3:GetObject", on: "objects", where: "both", roles: ["edge-reader"] },
  // Without it a missing key is 403, which cannot be told from a fault. A condition on the prefix would not hold for it:
  // a GetObject has no prefix.
  { action: "s3:ListBucket", on: "bucket", where: "both", roles: ["edge-reader"] },

  { action: "s3:GetObject", on: "objects", where: "first", roles: ["publisher", "deployer"] },
  { action: "s3:PutObject", on: "objects", where: "first", roles: ["publisher", "deployer"] },
  { action: "s3:DeleteObject", on: "objects", where: "first", roles: ["publisher", "deployer"] },
  { action: "s3:ListBucket", on: "bucket", where: "first", roles: ["publisher", "deployer"] },

  { action: "s3:CreateBucket", on: "bucket", where: "both", roles: ["deployer"] },
  { action: "s3:GetBucketLocation", on: "bucket", where: "both", roles: ["deployer"] },
  { action: "s3:GetBucketOwnershipControls", on: "bucket", where: "both", roles: ["deployer"] },
  { action: "s3:GetBucketPublicAccessBlock", on: "bucket", where: "both", roles: ["deployer"] },
  { action: "s3:GetLifecycleConfiguration", on: "bucket", where: "both", roles: ["deployer"] },
  { action: "s3:PutBucketOwnershipControls", on: "bucket", where: "both", roles: ["deployer"] },
  { action: "s3:PutBucketPublicAccessBlock", on: "bucket", where: "both", roles: ["deployer"] },
  { action: "s3:PutLifecycleConfiguration", on: "bucket", where: "both", roles: ["deployer"] },
];

/** An IAM policy document, as `aws iam put-user-policy` takes it. */
export interface PolicyDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly PolicyStatement[];
}

export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
}

/** The least that a role's key must be allowed in an environment: its own prefix of its own buckets. */
export function policyFor(role: S3Role, environment: Environment): PolicyDocument {
  const grants = S3_GRANTS.filter(({ roles }) => roles.includes(role));
  const parts = [
    { Sid: "Objects", on: "objects", where: "both" },
    { Sid: "ObjectsOfFirstRegion", on: "objects", where: "first" },
    { Sid: "Buckets", on: "bucket", where: "both" },
    { Sid: "BucketsOfFirstRegion", on: "bucket", where: "first" },
  ] as const;
  return {
    Version: "2012-10-17",
    Statement: parts.flatMap(({ Sid, on, where }): readonly PolicyStatement[] => {
      const Action = grants
        .filter((grant) => grant.on === on && grant.where === where)
        .map(({ action }) => action);
      if (Action.length === 0) return [];
      return [{ Sid, Effect: "Allow", Action, Resource: resourcesOf(environment, { on, where }) }];
    }),
  };
}

function resourcesOf(
  { name, s3 }: Environment,
  { on, where }: Pick<Grant, "on" | "where">,
): readonly string[] {
  const locations = where === "both" ? locationsOf({ s3 }) : [s3];
  const arns = locations.flatMap(({ region, configBucket, hostingBucket }) =>
    [configBucket, hostingBucket].map((bucket) => `arn:${partitionOf(region).arn}:s3:::${bucket}`),
  );
  return [...new Set(arns)].map((arn) => (on === "objects" ? `${arn}/${name}/*` : arn));
}

/** The first region, and the second where there is one. */
export function locationsOf({ s3 }: Pick<Environment, "s3">): readonly Location[] {
  const { second, ...first } = s3;
  return second === undefined ? [first] : [first, second];
}
