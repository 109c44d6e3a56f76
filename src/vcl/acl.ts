import type { IpAddress } from "./ip.ts";
import { parseIp } from "./ip.ts";

export interface AclRange {
  readonly negated: boolean;
  readonly address: string;
  /** Prefix length in bits; `undefined` is the whole address. */
  readonly mask: number | undefined;
}

/** The addresses of an ACL whose entries change while the program lives. */
export type LiveAcl = Pick<Acl, "matches">;

/** A value of type ACL. */
export interface Acl {
  readonly kind: "acl";
  readonly name: string;
  /** Whether the address is included and not excluded. */
  matches(ip: IpAddress): boolean;
}

interface Prefixes {
  readonly bits: number;
  readonly lengths: Map<number, Set<bigint>>;
}

/**
 * Builds an ACL whose test costs one set lookup per distinct prefix length. Negated entries win over every inclusion,
 * in whatever order and of whatever length (reference/vcl/declarations/acl). Addresses that do not parse are the
 * checker's to refuse; here they match nothing.
 */
export function buildAcl(name: string, ranges: readonly AclRange[]): Acl {
  const included = emptySides();
  const excluded = emptySides();
  for (const range of ranges) {
    const ip = parseIp(range.address);
    if (ip === null) continue;
    addRange(range.negated ? excluded : included, ip, range.mask);
  }
  return {
    kind: "acl",
    name,
    matches: (ip) => contains(included, ip) && !contains(excluded, ip),
  };
}

interface Sides {
  readonly v4: Prefixes;
  readonly v6: Prefixes;
}

function emptySides(): Sides {
  return { v4: { bits: 32, lengths: new Map() }, v6: { bits: 128, lengths: new Map() } };
}

function addRange(sides: Sides, ip: IpAddress, mask: number | undefined): void {
  const side = ip.family === 4 ? sides.v4 : sides.v6;
  const length = Math.min(mask ?? side.bits, side.bits);
  const known = side.lengths.get(length) ?? new Set<bigint>();
  known.add(ip.bits >> BigInt(side.bits - length));
  side.lengths.set(length, known);
}

function contains(sides: Sides, ip: IpAddress): boolean {
  const side = ip.family === 4 ? sides.v4 : sides.v6;
  for (const [length, prefixes] of side.lengths) {
    if (prefixes.has(ip.bits >> BigInt(side.bits - length))) return true;
  }
  return false;
}
