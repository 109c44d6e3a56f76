import { test as property, fc } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { buildAcl } from "../../src/vcl/acl.ts";
import type { AclRange } from "../../src/vcl/acl.ts";
import { parseIp } from "../../src/vcl/ip.ts";
import type { IpAddress } from "../../src/vcl/ip.ts";

function address(text: string): IpAddress {
  const ip = parseIp(text);
  if (ip === null) throw new Error(`${text} is no address`);
  return ip;
}

function entry(text: string): AclRange {
  const negated = text.startsWith("!");
  const [host = "", mask] = text.replace("!", "").split("/");
  return { negated, address: host, mask: mask === undefined ? undefined : Number(mask) };
}

function matches(entries: readonly string[], ip: string): boolean {
  return buildAcl("list", entries.map(entry)).matches(address(ip));
}

describe("an ACL", () => {
  test("includes a range and leaves out what is beside it", () => {
    expect(matches(["192.0.2.0/24"], "192.0.2.255")).toBe(true);
    expect(matches(["192.0.2.0/24"], "192.0.3.0")).toBe(false);
    expect(matches(["192.0.2.7"], "192.0.2.7")).toBe(true);
    expect(matches(["192.0.2.7"], "192.0.2.8")).toBe(false);
    expect(matches(["0.0.0.0/0"], "203.0.113.9")).toBe(true);
  });

  test("a negated entry wins whatever the order and the length", () => {
    expect(matches(["!192.0.2.0/24", "192.0.2.7"], "192.0.2.7")).toBe(false);
    expect(matches(["192.0.2.7", "!192.0.2.0/24"], "192.0.2.7")).toBe(false);
    expect(matches(["192.0.0.0/16", "!192.0.2.7"], "192.0.2.7")).toBe(false);
    expect(matches(["192.0.0.0/16", "!192.0.2.7"], "192.0.2.8")).toBe(true);
  });

  test("IPv6 ranges do not match IPv4 addresses and the other way round", () => {
    expect(matches(["2001:db8::/32"], "2001:db8:1::1")).toBe(true);
    expect(matches(["2001:db8::/32"], "2001:db9::1")).toBe(false);
    expect(matches(["::/0"], "192.0.2.1")).toBe(false);
    expect(matches(["0.0.0.0/0"], "::1")).toBe(false);
  });

  property.prop([fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 })])(
    "a prefix includes exactly the addresses that share its leading bits",
    (base, other, mask) => {
      const bits = (text: string): string => address(text).bits.toString(2).padStart(32, "0").slice(0, mask);
      expect(matches([`${base}/${mask}`], other)).toBe(bits(base) === bits(other));
    },
  );
});
