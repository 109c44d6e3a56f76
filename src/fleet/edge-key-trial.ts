import { messageOf } from "../lib/caught.ts";
import { SitefleetError } from "../lib/errors.ts";
import { originsOf } from "../render/origins.ts";
import type { Origin } from "../render/origins.ts";
import { edgeKeyOf } from "../settings/environment.ts";
import { configKey } from "../site/layout.ts";
import { S3Refusal } from "../store/s3-answer.ts";
import { S3Credentials, defaultChain } from "../store/s3-credentials.ts";
import type { BucketEndpoint } from "../store/s3-endpoint.ts";
import { S3Requests } from "../store/s3-requests.ts";
import { encodeKey } from "../store/s3-signature.ts";
import type { Fleet } from "./fleet.ts";

/** No site has it: the name cannot be registered (RFC 2606, section 2). */
const NOBODYS_HOST = "edge-key-trial.invalid";

/** A store that says nothing for so long may be one that only Fastly reaches: a deploy does not wait for it. */
const PATIENCE_MS = 10_000;

/** Far more than an error document has. */
const ANSWER_LIMIT = 64 * 1024;

/** What S3 says of a key that it does not know, and of a secret that is not that key's (S3 API reference, "Error responses"). */
const WRONG_KEY: ReadonlyMap<string, string> = new Map([
  ["InvalidAccessKeyId", "knows no key with this id"],
  ["SignatureDoesNotMatch", "knows the id, and the secret is not that of it"],
]);

/**
 * Tries the edge's S3 key as the edge uses it: one signed GET in the config bucket of each region. Private items cannot be
 * read back, so a wrong key that was written could not be taken back either.
 * @returns a line for each region whose store could not be asked, or would not let this machine in: where a bucket's policy
 * lets Fastly's addresses in and no others, that is as it has to be
 * @throws SitefleetError `deploy/edge-key-refused`; `settings/missing-secret`, `settings/invalid-secret`
 */
export async function tryEdgeKey(fleet: Fleet): Promise<readonly string[]> {
  const { environment } = fleet;
  const origins = originsOf(environment).filter(({ bucket }) => bucket === "config");
  const trials = (await Promise.all(origins.map((origin) => ask(fleet, origin)))).flat();
  const refused = trials.flatMap(({ place, code }) => {
    const told = WRONG_KEY.get(code);
    return told === undefined ? [] : [`${place} ${told} (${code})`];
  });
  if (refused.length === 0) return trials.map((doubt) => describeDoubt(doubt, environment.name));
  const variable = environment.secrets.edgeStoreKey().source ?? "the edge's S3 key";
  throw new SitefleetError(
    "deploy/edge-key-refused",
    `S3 refuses the edge's key of environment "${environment.name}"; nothing was written`,
    {
      hint: `correct ${variable} (\`id:secret\`), for no site could be read with it; a key that was made just now is known to S3 after some seconds`,
      details: refused,
    },
  );
}

/** A trial that did not end as that of a right key. */
interface Doubt {
  /** `S3 at HOST/BUCKET`, for a message. */
  readonly place: string;
  /** S3's code; `""` when no answer came. */
  readonly code: string;
  readonly why: string;
}

/** Nothing: the key is let in. */
async function ask(fleet: Fleet, origin: Origin): Promise<readonly Doubt[]> {
  const { environment, clock, signal } = fleet;
  const keys = edgeKeyOf(environment.secrets);
  const credentials = new S3Credentials(keys, defaultChain(origin.region));
  const requests = new S3Requests({ credentials, region: origin.region, clock });
  const ended = new AbortController();
  const until = AbortSignal.any([signal, ended.signal]);
  const key = configKey({
    serverEnv: environment.name,
    siteEnv: "production",
    domain: NOBODYS_HOST,
    segment: environment.secrets.configSegment().reveal(),
  });
  const request = { method: "GET", key, headers: [], readLimit: ANSWER_LIMIT, signal: until } as const;
  const late = { place: placeOf(origin), code: "", why: `did not answer within ${PATIENCE_MS / 1_000} s` };
  try {
    return await Promise.race([
      requests.send(endpointOf(origin), request).then(() => []),
      clock.sleep(PATIENCE_MS, until).then(() => [late]),
    ]);
  } catch (error) {
    signal.throwIfAborted();
    return doubtOf(error, origin);
  } finally {
    ended.abort();
    requests.close();
  }
}

/** That there is no such object is what a right key is told. */
function doubtOf(error: unknown, origin: Origin): readonly Doubt[] {
  const place = placeOf(origin);
  if (!(error instanceof S3Refusal)) {
    return [{ place, code: "", why: `did not answer: ${messageOf(error)}` }];
  }
  const { name: code, status } = error;
  return code === "NoSuchKey" ? [] : [{ place, code, why: `answers the edge's key with ${status} ${code}` }];
}

function placeOf({ host, prefix }: Origin): string {
  return `S3 at ${host}${prefix}`;
}

/** Where the edge's requests of an origin go: what it signs is what is signed here. */
function endpointOf({ host, tls, prefix }: Origin): BucketEndpoint {
  const origin = new URL(`${tls ? "https" : "http"}://${host}`);
  return { origin, host, pathOf: (key) => `${prefix}/${encodeKey(key)}` };
}

/** Whether the key is right stays open; what the edge itself is told is seen when the version is verified. */
function describeDoubt({ place, code, why }: Doubt, environment: string): string {
  const open = "so whether the key is right is not known";
  if (code !== "AccessDenied" && code !== "Forbidden") return `${place} ${why}, ${open}`;
  return `${place} ${why}, ${open}: the key may lack what \`sitefleet deploy policies --role edge-reader --env ${environment}\` shows, or the bucket lets Fastly's addresses in and no others`;
}
