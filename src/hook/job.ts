import { z } from "zod";
import { HSTS_LIMIT } from "../site/model.ts";

const choices = z.strictObject({
  forceTls: z.boolean().optional(),
  hsts: z.int().min(0).max(HSTS_LIMIT).nullable().optional(),
  canonicalHost: z.string().nullable().optional(),
});

const siteRef = { site: z.string(), siteEnv: z.string() };

/** What a job does; already checked when it is made. */
export const jobWorkSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("publish"),
    ...siteRef,
    domains: z.array(z.string()),
    source: z.discriminatedUnion("kind", [
      z.strictObject({
        kind: z.literal("tarball"),
        gzip: z.boolean(),
        strip: z.boolean(),
        /** Of the tarball as it was sent. */
        sha256: z.string(),
        bytes: z.int().min(0),
      }),
      z.strictObject({ kind: z.literal("prefix"), prefix: z.string() }),
    ]),
  }),
  z.strictObject({
    kind: z.literal("add-domain"),
    ...siteRef,
    domain: z.string(),
    takeOver: z.boolean(),
    choices,
  }),
  z.strictObject({ kind: z.literal("remove-domain"), ...siteRef, domain: z.string() }),
  z.strictObject({
    kind: z.literal("purge"),
    requests: z
      .array(
        z.strictObject({
          keys: z.array(z.string()).min(1),
          soft: z.boolean(),
          reason: z.string(),
          site: z.string().optional(),
        }),
      )
      .min(1),
  }),
]);

export type JobWork = z.output<typeof jobWorkSchema>;

export const JOB_STATES = ["queued", "running", "done", "failed"] as const;

const timestamp = z.iso.datetime();

const failureSchema = z.strictObject({
  code: z.string(),
  message: z.string(),
  hint: z.string().nullable(),
  details: z.array(z.string()),
});

/** A job as it lies in the state folder. */
export const jobSchema = z.strictObject({
  format: z.literal(1),
  id: z.uuid(),
  work: jobWorkSchema,
  state: z.enum(JOB_STATES),
  createdAt: timestamp,
  startedAt: timestamp.nullable(),
  finishedAt: timestamp.nullable(),
  /** How often it was begun. */
  attempts: z.int().min(0),
  /** What the work reported. */
  result: z.record(z.string(), z.unknown()).nullable(),
  error: failureSchema.nullable(),
});

export type Job = z.output<typeof jobSchema>;
export type JobFailure = z.output<typeof failureSchema>;

/** A job as callers see it. */
export const jobViewSchema = z
  .strictObject({
    id: jobSchema.shape.id,
    kind: z.enum(["publish", "add-domain", "remove-domain", "purge"]),
    state: jobSchema.shape.state,
    site: z.string().nullable().meta({ description: "null for a purge" }),
    siteEnv: z.string().nullable(),
    createdAt: timestamp,
    startedAt: timestamp.nullable(),
    finishedAt: timestamp.nullable(),
    attempts: jobSchema.shape.attempts.meta({ description: "how often it was begun" }),
    result: jobSchema.shape.result.meta({ description: "what the work reported; null until it is done" }),
    error: failureSchema.nullable().meta({ description: "why it failed; null unless it did" }),
  })
  .meta({ id: "Job", description: "a piece of work that was taken" });

export type JobView = z.output<typeof jobViewSchema>;

export function viewOf(job: Job): JobView {
  const { format: _, work, ...rest } = job;
  const ref =
    work.kind === "purge" ? { site: null, siteEnv: null } : { site: work.site, siteEnv: work.siteEnv };
  return { ...rest, kind: work.kind, ...ref };
}

export function isFinished({ state }: Job): boolean {
  return state === "done" || state === "failed";
}

/** Jobs of one lane run one after the other: those of a site. Purges share a lane and are run together. */
export function laneOf(work: JobWork): string {
  return work.kind === "purge" ? "purges" : `site ${work.siteEnv}/${work.site}`;
}

/** Whether all jobs of the lane that wait may be run as one. */
export function isShared(work: JobWork): boolean {
  return work.kind === "purge";
}
