import { crc32 } from "node:zlib";
import { fc, test } from "@fast-check/vitest";
import { expect, it } from "vitest";
import {
  CHECKSUM_ALGORITHMS,
  combineCrc,
  isCombinable,
  startChecksum,
} from "../../../src/mirror/s3/checksum.ts";
import type { ChecksumAlgorithm } from "../../../src/mirror/s3/checksum.ts";

function digestOf(algorithm: ChecksumAlgorithm, ...chunks: readonly Uint8Array[]): Buffer {
  const running = startChecksum(algorithm);
  for (const chunk of chunks) running.update(chunk);
  return running.digest();
}

/** Check values of the catalogue of parametrised CRC algorithms (CRC of "123456789"), and RFC 3174, RFC 6234 for the hashes. */
const KNOWN: readonly (readonly [ChecksumAlgorithm, text: string, hex: string])[] = [
  ["CRC32", "123456789", "cbf43926"],
  ["CRC32C", "123456789", "e3069283"],
  ["CRC64NVME", "123456789", "ae8b14860a799888"],
  ["SHA1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"],
  ["SHA256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
];

it.each(KNOWN)("computes %s of %s", (algorithm, text, hex) => {
  expect(digestOf(algorithm, Buffer.from(text)).toString("hex")).toBe(hex);
});

const bytes = fc.uint8Array({ maxLength: 200 });

test.prop([bytes, bytes, bytes])("does not depend on how the bytes come", (one, two, three) => {
  const whole = Buffer.concat([one, two, three]);
  for (const algorithm of CHECKSUM_ALGORITHMS)
    expect(digestOf(algorithm, one, two, three)).toEqual(digestOf(algorithm, whole));
  expect(digestOf("CRC32", whole).readUInt32BE()).toBe(crc32(whole));
});

test.prop([fc.array(bytes, { maxLength: 5 })])(
  "combines the CRCs of parts into that of the whole",
  (parts) => {
    for (const algorithm of CHECKSUM_ALGORITHMS.filter(isCombinable)) {
      const digests = parts.map((part) => ({ digest: digestOf(algorithm, part), size: part.length }));
      const whole =
        parts.length === 0
          ? Buffer.alloc(digestOf(algorithm).length)
          : digestOf(algorithm, Buffer.concat(parts));
      expect(combineCrc(algorithm, digests)).toEqual(whole);
    }
  },
);
