import { z } from "zod";
import { SitefleetError } from "../../lib/errors.ts";

const listOrOne = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]);

/** The part of an identity policy that is understood; anything else is refused, for it would change the meaning. */
const documentSchema = z.strictObject({
  Version: z.literal("2012-10-17"),
  Id: z.string().optional(),
  Statement: z.array(
    z.strictObject({
      Sid: z.string().optional(),
      Effect: z.enum(["Allow", "Deny"]),
      Action: listOrOne,
      Resource: listOrOne,
    }),
  ),
});

/** One thing that a request does: an IAM action on the ARN of a bucket or object. */
export interface PolicyQuestion {
  /** As IAM names it: `s3:GetObject`. */
  readonly action: string;
  /** `arn:aws:s3:::bucket`, `arn:aws:s3:::bucket/key`, or `*` for actions on no resource. */
  readonly resource: string;
}

interface Statement {
  readonly allow: boolean;
  readonly actions: readonly RegExp[];
  readonly resources: readonly RegExp[];
}

/**
 * What a key may do, as an IAM identity policy says it (IAM user guide, "IAM JSON policy evaluation logic"): nothing but
 * what a statement allows and none denies. Conditions, `NotAction` and `NotResource` are refused.
 */
export class S3Policy {
  readonly #statements: readonly Statement[];

  private constructor(statements: readonly Statement[]) {
    this.#statements = statements;
  }

  /**
   * Reads a policy document, parsed from its JSON.
   * @throws SitefleetError `mirror/invalid-policy`
   */
  static of(document: unknown): S3Policy {
    const parsed = documentSchema.safeParse(document);
    if (!parsed.success) {
      throw new SitefleetError("mirror/invalid-policy", "the mirror does not understand the policy", {
        hint: "statements have Effect, Action and Resource, and nothing that narrows them further",
        details: parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`),
      });
    }
    return new S3Policy(
      parsed.data.Statement.map(({ Effect, Action, Resource }) => ({
        allow: Effect === "Allow",
        // Names of actions are compared without regard to case, ARNs with it (IAM user guide, "Action", "Resource").
        actions: [Action].flat().map((pattern) => wildcard(pattern, "i")),
        resources: [Resource].flat().map((pattern) => wildcard(withoutPartition(pattern), "")),
      })),
    );
  }

  allows({ action, resource }: PolicyQuestion): boolean {
    const applying = this.#statements.filter(
      ({ actions, resources }) =>
        actions.some((pattern) => pattern.test(action)) &&
        resources.some((pattern) => pattern.test(resource)),
    );
    return applying.length > 0 && applying.every(({ allow }) => allow);
  }
}

/** The mirror stands in for a region of any partition (`aws`, `aws-cn`, `aws-us-gov`). */
function withoutPartition(arn: string): string {
  return arn.replace(/^arn:aws(?:-[a-z-]+)?:s3:::/, "arn:aws:s3:::");
}

function wildcard(pattern: string, flags: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, `s${flags}`);
}

/** What a key may do in general: everything, read and list, or read alone, so that a missing key answers 403. */
export const ACCESS = {
  full: S3Policy.of(allowing("s3:*")),
  read: S3Policy.of(allowing("s3:GetObject", "s3:ListBucket", "s3:ListBucketVersions")),
  "read-no-list": S3Policy.of(allowing("s3:GetObject")),
} as const;

function allowing(...actions: readonly string[]): unknown {
  return { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: actions, Resource: "*" }] };
}
