import { createHash } from "node:crypto";
import { assertNever } from "../../lib/errors.ts";
import type { BackendRef, BackendSpec, DirectorSpec, Program } from "../../vcl/runtime.ts";
import { BackendFailure } from "./backend-failure.ts";

/** What a director may base its choice on. */
export interface DirectorContext {
  readonly program: Pick<Program, "backends" | "directors">;
  /** The request's cache key (type hash and chash). */
  readonly hash: string;
  /** `client.identity` (type client). */
  readonly client: string;
  isHealthy(backend: BackendSpec): boolean;
  random(): number;
}

interface Member {
  readonly ref: BackendRef;
  readonly weight: number;
  readonly id: string;
}

/** How deep directors may stand inside directors; what is deeper, or a circle, counts as sick. */
const MAX_DEPTH = 8;

/**
 * The backends to try for a request, the best one first (reference/vcl/declarations/director). Throws
 * `BackendFailure` when none is healthy or a quorum is not reached.
 */
export function chooseBackends(ref: BackendRef, context: DirectorContext): readonly BackendSpec[] {
  if (ref.kind === "backend") {
    if (!context.isHealthy(ref.spec)) throw new BackendFailure("All backends failed or unhealthy");
    return [ref.spec];
  }
  const healthy = healthyMembers(ref.spec, context, 0);
  if (healthy.length === 0) throw new BackendFailure("All backends failed or unhealthy");
  if (!reachesQuorum(ref.spec, context, 0)) throw new BackendFailure("Quorum weight not reached");
  const chosen = pick(ref.spec, healthy, context);
  const others = healthy.filter((member) => member !== chosen);
  const tries = 1 + (ref.spec.retries ?? others.length);
  // A member that is a director itself chooses among its own, and is one try of this one.
  return [chosen, ...others].slice(0, tries).flatMap((member) => chooseBackends(member.ref, context));
}

/** Whether a backend or director can serve (`req.backend.healthy`). Shields always can: they are this same program. */
export function isRefHealthy(ref: BackendRef, context: DirectorContext): boolean {
  return isHealthyAt(ref, context, 0);
}

function isHealthyAt(ref: BackendRef, context: DirectorContext, depth: number): boolean {
  if (ref.kind === "backend") return context.isHealthy(ref.spec);
  if (ref.spec.type === "shield") return true;
  if (depth > MAX_DEPTH) return false;
  return healthyMembers(ref.spec, context, depth).length > 0 && reachesQuorum(ref.spec, context, depth);
}

/** Members that name no backend or director are left out, and so are shields, which are no place to send a request to. */
function membersOf(spec: DirectorSpec, context: DirectorContext): readonly Member[] {
  const { backends, directors } = context.program;
  return spec.members.flatMap((member) => {
    const ref = backends.get(member.backend) ?? directors.get(member.backend);
    if (ref === undefined || (ref.kind === "director" && ref.spec.type === "shield")) return [];
    return [{ ref, weight: Math.max(1, member.weight), id: member.id ?? member.backend }];
  });
}

function healthyMembers(spec: DirectorSpec, context: DirectorContext, depth: number): readonly Member[] {
  return membersOf(spec, context).filter((member) => isHealthyAt(member.ref, context, depth + 1));
}

/** A director whose healthy weight is below its quorum counts as sick. */
function reachesQuorum(spec: DirectorSpec, context: DirectorContext, depth: number): boolean {
  if (spec.type === "fallback" || spec.quorumPercent === 0) return true;
  const weigh = (members: readonly Member[]): number =>
    members.reduce((sum, member) => sum + member.weight, 0);
  const all = weigh(membersOf(spec, context));
  return weigh(healthyMembers(spec, context, depth)) * 100 >= all * spec.quorumPercent;
}

function pick(spec: DirectorSpec, healthy: readonly Member[], context: DirectorContext): Member {
  switch (spec.type) {
    case "random":
      return byWeight(healthy, context.random());
    case "hash":
      return byWeight(healthy, fraction(context.hash));
    case "client":
      return byWeight(healthy, fraction(context.client));
    case "chash":
      return byRendezvous(healthy, context.hash);
    case "fallback":
    case "shield":
      return first(healthy);
    default:
      return assertNever(spec.type);
  }
}

/** The member in whose share of the whole weight `at` (0 to 1) lies. */
function byWeight(members: readonly Member[], at: number): Member {
  let left = at * members.reduce((sum, member) => sum + member.weight, 0);
  for (const member of members) {
    left -= member.weight;
    if (left < 0) return member;
  }
  return first(members);
}

/** Highest score wins: when a member leaves, only its own keys move. */
function byRendezvous(members: readonly Member[], key: string): Member {
  let best = first(members);
  let bestScore = -1;
  for (const member of members) {
    const score = fraction(`${member.id}\0${key}`);
    if (score <= bestScore) continue;
    bestScore = score;
    best = member;
  }
  return best;
}

function first(members: readonly Member[]): Member {
  const member = members[0];
  if (member === undefined) throw new BackendFailure("All backends failed or unhealthy");
  return member;
}

/** A string's hash as a number in [0, 1). */
function fraction(text: string): number {
  return createHash("sha256").update(text, "latin1").digest().readUInt32BE(0) / 2 ** 32;
}
