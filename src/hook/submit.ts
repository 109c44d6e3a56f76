import { randomUUID } from "node:crypto";
import { failedJobAnswer } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { mediaTypeOf, readBody, spoolBody } from "./body.ts";
import type { HookState } from "./hook-state.ts";
import { viewOf } from "./job.ts";
import type { Job, JobWork } from "./job.ts";
import { badRequest, RetryLater, unsupportedType } from "./refusal.ts";
import { parseJson } from "./requests.ts";
import type { Call } from "./route.ts";
import { EMPTY_DIGEST } from "./signature.ts";

/** Takes a job and answers at once, or, with `Prefer: wait=N` (RFC 7240 section 4.3), when it has ended. */
export async function submitJob(call: Call, work: JobWork, id?: string): Promise<Answer> {
  const { queue, limits } = call.state;
  const seconds = Math.min(preferredWait(call), limits.waitSeconds);
  const job = await enqueue(call.state, work, id);
  const now = seconds === 0 ? job : await queue.wait(job.id, seconds * 1_000, call.gone);
  const headers = {
    location: `/v1/jobs/${job.id}`,
    ...(seconds === 0 ? {} : { "preference-applied": `wait=${seconds}` }),
  };
  if (now?.state === "failed" && now.error) {
    const answer = failedJobAnswer(job.id, now.error);
    return { ...answer, headers: { ...answer.headers, ...headers } };
  }
  return { status: now?.state === "done" ? 200 : 202, headers, body: viewOf(now ?? job) };
}

/** A body whose job was not taken, or was there already, is needed by nobody. */
async function enqueue({ queue, files }: HookState, work: JobWork, id: string | undefined): Promise<Job> {
  let job: Job | undefined;
  try {
    ({ job } = await queue.submit(work, id));
    return job;
  } finally {
    if (id !== undefined && job?.id !== id) await files.deleteBody(id);
  }
}

function preferredWait({ request }: Call): number {
  const preferences = [request.headers["prefer"] ?? ""].flat().join(",").split(",");
  const wait = preferences.map((text) => /^\s*wait\s*=\s*"?(\d{1,6})"?\s*$/i.exec(text)?.[1]).find(Boolean);
  return wait === undefined ? 0 : Number(wait);
}

/** Receives a tarball into the file of a job to be. Resolves with the id and size of the body. */
export async function receiveTarball(call: Call): Promise<{ readonly id: string; readonly bytes: number }> {
  const { queue, uploads, limits, files } = call.state;
  queue.refuseBusy();
  const declared = Number(call.request.headers["content-length"] ?? limits.bodyBytes);
  const reserved = Math.min(declared, limits.bodyBytes);
  const isFull = queue.spooledBytes + uploads.bytes + reserved > limits.spoolBytes;
  if (isFull || uploads.count >= limits.uploads) {
    throw new RetryLater("hook/busy", "the endpoint is receiving as much as it can hold", 10);
  }
  const id = randomUUID();
  const rules = { limit: limits.bodyBytes, digest: call.digest, idleMs: limits.idleMs };
  call.invite();
  const bytes = await uploads.hold(reserved, () => spoolBody(call.request, files.bodyPath(id), rules));
  return { id, bytes };
}

/** Receives a JSON body; `undefined` when there is none. */
export async function receiveJson(call: Call): Promise<unknown> {
  const { limits } = call.state;
  const body = await receiveSmall(call, limits.jsonBytes);
  if (body.length === 0) return undefined;
  if (mediaTypeOf(call.request) !== "application/json") throw unsupportedType("application/json");
  return parseJson(body);
}

/** Makes sure that nothing comes where nothing is wanted; also an empty body is the one that was signed. */
export async function receiveNothing(call: Call): Promise<void> {
  if (call.digest !== EMPTY_DIGEST || (await receiveSmall(call, 0)).length > 0) {
    throw badRequest("this request takes no body");
  }
}

function receiveSmall(call: Call, limit: number): Promise<Buffer> {
  call.invite();
  return readBody(call.request, { limit, digest: call.digest, idleMs: call.state.limits.idleMs });
}
