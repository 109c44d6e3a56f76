/** An IPv4 or IPv6 address. */
export interface IpAddress {
  readonly kind: "ip";
  readonly family: 4 | 6;
  /** The address as a number: 32 bits for IPv4, 128 for IPv6. */
  readonly bits: bigint;
  /** How it prints: dotted quad, or RFC 5952 for IPv6. */
  readonly text: string;
}

/** Parses a dotted quad or an IPv6 address (with an embedded IPv4 tail); `null` when it is neither. */
export function parseIp(text: string): IpAddress | null {
  if (text.includes(":")) {
    const bits = parseIpv6(text);
    return bits === null ? null : { kind: "ip", family: 6, bits, text: formatIpv6(bits) };
  }
  const bits = parseIpv4(text);
  return bits === null ? null : { kind: "ip", family: 4, bits, text };
}

function parseIpv4(text: string): bigint | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  let bits = 0n;
  for (const part of parts) {
    if (!/^(?:0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return null;
    bits = (bits << 8n) | BigInt(part);
  }
  return bits;
}

function parseIpv6(text: string): bigint | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0] ?? "", halves.length === 1);
  const tail = parseGroups(halves[1] ?? "", true);
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(group), 0n);
}

function formatIpv4(bits: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join(".");
}

/** The 16-bit groups of one side of `::`; an IPv4 tail counts as two and may stand last only. */
function parseGroups(text: string, mayEndInIpv4: boolean): number[] | null {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [i, part] of parts.entries()) {
    if (mayEndInIpv4 && i === parts.length - 1 && part.includes(".")) {
      const v4 = parseIpv4(part);
      if (v4 === null) return null;
      groups.push(Number(v4 >> 16n), Number(v4 & 0xffffn));
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return null;
  }
  return groups;
}

/**
 * RFC 5952 §4: lower case, no leading zeros, the longest run of two or more zero groups as `::`. As inet_ntop(3) does,
 * an IPv4 address that stands in the last 32 bits prints as one (§5).
 */
function formatIpv6(bits: bigint): string {
  const high = bits >> 32n;
  if (high === 0xffffn) return `::ffff:${formatIpv4(bits)}`;
  if (high === 0n && bits > 0xffffn) return `::${formatIpv4(bits)}`;
  const groups = Array.from({ length: 8 }, (_, i) => Number((bits >> BigInt((7 - i) * 16)) & 0xffffn));
  let best = { at: -1, length: 1 };
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === 0) length++;
    if (length > best.length) best = { at: i, length };
    i += length;
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.at === -1) return hex.join(":");
  return `${hex.slice(0, best.at).join(":")}::${hex.slice(best.at + best.length).join(":")}`;
}
