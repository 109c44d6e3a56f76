import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { assertNever } from "../../lib/errors.ts";

/** The checksums that S3 accepts for an upload, by the name used in XML and in `x-amz-checksum-algorithm`. */
export const CHECKSUM_ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const;

export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** `COMPOSITE`: a checksum over the checksums of the parts; `FULL_OBJECT`: over the bytes of the object. */
export type ChecksumType = "COMPOSITE" | "FULL_OBJECT";

/** A checksum as stored with an object: base64, with `-<parts>` behind it when composite. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  readonly value: string;
}

/** A digest that is fed piece by piece. */
export interface RunningChecksum {
  update(chunk: Uint8Array): void;
  digest(): Buffer;
}

/** Length of each digest in bytes. */
export const CHECKSUM_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};

/** The request and response header that carries a checksum of this kind. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** The XML element that carries a checksum of this kind. */
export function checksumElement(algorithm: ChecksumAlgorithm): string {
  return `Checksum${algorithm}`;
}

/** The algorithm of that name in any case, or `undefined`. */
export function toChecksumAlgorithm(name: string): ChecksumAlgorithm | undefined {
  const upper = name.toUpperCase();
  return CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === upper);
}

/** Starts a checksum of no bytes. */
export function startChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  switch (algorithm) {
    case "CRC32":
      return startCrc32(crc32);
    case "CRC32C":
      return startCrc32(crc32c);
    case "CRC64NVME":
      return startCrc64();
    case "SHA1":
    case "SHA256":
      return createHash(algorithm.toLowerCase());
    default:
      return assertNever(algorithm);
  }
}

function startCrc32(step: (chunk: Uint8Array, previous: number) => number): RunningChecksum {
  let value = 0;
  return {
    update(chunk) {
      value = step(chunk, value);
    },
    digest() {
      const out = Buffer.alloc(4);
      out.writeUInt32BE(value >>> 0);
      return out;
    },
  };
}

/** Polynomials with the bits reversed: CRC-32 (IEEE), CRC-32C (RFC 3720 §12.1) and CRC-64/NVME (NVM Express NVM Command Set 1.0, §5.2.1). */
const CRC32_POLYNOMIAL = 0xedb88320n;
const CRC32C_POLYNOMIAL = 0x82f63b78n;
const CRC64NVME_POLYNOMIAL = 0x9a6c9329ac4bc9b5n;

/** Table `k`, entry `b`: what byte `b` contributes when `k` more bytes follow it in the same step of eight. */
interface SlicingTables {
  readonly low: Uint32Array;
  readonly high: Uint32Array;
}

const crc32cTables = lazily(() => makeTables(CRC32C_POLYNOMIAL));
const crc64Tables = lazily(() => makeTables(CRC64NVME_POLYNOMIAL));

function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

function makeTables(polynomial: bigint): SlicingTables {
  const low = new Uint32Array(8 * 256);
  const high = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = BigInt(byte);
    for (let slice = 0; slice < 8; slice++) {
      for (let bit = 0; bit < 8; bit++)
        value = (value & 1n) === 1n ? (value >> 1n) ^ polynomial : value >> 1n;
      low[slice * 256 + byte] = Number(value & 0xffffffffn);
      high[slice * 256 + byte] = Number(value >> 32n);
    }
  }
  return { low, high };
}

/** Reads a table whose index is within bounds by construction. */
function at(table: Uint32Array, index: number): number {
  return table[index] ?? 0;
}

/** CRC-32C of `chunk` behind bytes whose CRC-32C is `previous`; eight bytes a step. */
export function crc32c(chunk: Uint8Array, previous = 0): number {
  const { low } = crc32cTables();
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const aligned = chunk.length - (chunk.length % 8);
  let crc = ~previous;
  let index = 0;
  for (; index < aligned; index += 8) {
    const one = view.getUint32(index, true) ^ crc;
    const two = view.getUint32(index + 4, true);
    crc =
      at(low, 1792 + (one & 255)) ^
      at(low, 1536 + ((one >>> 8) & 255)) ^
      at(low, 1280 + ((one >>> 16) & 255)) ^
      at(low, 1024 + (one >>> 24)) ^
      at(low, 768 + (two & 255)) ^
      at(low, 512 + ((two >>> 8) & 255)) ^
      at(low, 256 + ((two >>> 16) & 255)) ^
      at(low, two >>> 24);
  }
  for (; index < chunk.length; index++) crc = (crc >>> 8) ^ at(low, (crc ^ view.getUint8(index)) & 255);
  return ~crc >>> 0;
}

function startCrc64(): RunningChecksum {
  const { low, high } = crc64Tables();
  let lo = 0xffffffff;
  let hi = 0xffffffff;
  return {
    update(chunk) {
      const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const aligned = chunk.length - (chunk.length % 8);
      let index = 0;
      for (; index < aligned; index += 8) {
        const one = view.getUint32(index, true) ^ lo;
        const two = view.getUint32(index + 4, true) ^ hi;
        const a = 1792 + (one & 255);
        const b = 1536 + ((one >>> 8) & 255);
        const c = 1280 + ((one >>> 16) & 255);
        const d = 1024 + (one >>> 24);
        const e = 768 + (two & 255);
        const f = 512 + ((two >>> 8) & 255);
        const g = 256 + ((two >>> 16) & 255);
        const h = two >>> 24;
        lo =
          at(low, a) ^
          at(low, b) ^
          at(low, c) ^
          at(low, d) ^
          at(low, e) ^
          at(low, f) ^
          at(low, g) ^
          at(low, h);
        hi =
          at(high, a) ^
          at(high, b) ^
          at(high, c) ^
          at(high, d) ^
          at(high, e) ^
          at(high, f) ^
          at(high, g) ^
          at(high, h);
      }
      for (; index < chunk.length; index++) {
        const entry = (lo ^ view.getUint8(index)) & 255;
        lo = ((lo >>> 8) | (hi << 24)) ^ at(low, entry);
        hi = (hi >>> 8) ^ at(high, entry);
      }
    },
    digest() {
      const out = Buffer.alloc(8);
      out.writeUInt32BE(~hi >>> 0, 0);
      out.writeUInt32BE(~lo >>> 0, 4);
      return out;
    },
  };
}

/** Width and polynomial of the checksums that can be combined; a hash cannot. */
const CRC_FIELDS: Readonly<
  Partial<Record<ChecksumAlgorithm, { readonly bits: bigint; readonly polynomial: bigint }>>
> = {
  CRC32: { bits: 32n, polynomial: CRC32_POLYNOMIAL },
  CRC32C: { bits: 32n, polynomial: CRC32C_POLYNOMIAL },
  CRC64NVME: { bits: 64n, polynomial: CRC64NVME_POLYNOMIAL },
};

/** True for the checksums whose value for a whole object follows from those of its parts. */
export function isCombinable(algorithm: ChecksumAlgorithm): boolean {
  return CRC_FIELDS[algorithm] !== undefined;
}

/** A digest and how many bytes it covers. */
export interface PartDigest {
  readonly digest: Buffer;
  readonly size: number;
}

/**
 * The CRC of parts laid end to end, without reading them again: the CRC of the first is multiplied by
 * x^(8 × length of what follows) modulo the polynomial, then added.
 */
export function combineCrc(algorithm: ChecksumAlgorithm, parts: readonly PartDigest[]): Buffer {
  const field = CRC_FIELDS[algorithm];
  if (field === undefined) throw new TypeError(`${algorithm} cannot be combined`);
  let total = 0n;
  for (const part of parts) {
    total =
      multiply(total, powerOfX(8n * BigInt(part.size), field), field) ^
      BigInt(`0x${part.digest.toString("hex")}`);
  }
  return Buffer.from(total.toString(16).padStart(Number(field.bits) / 4, "0"), "hex");
}

interface CrcField {
  readonly bits: bigint;
  readonly polynomial: bigint;
}

/** Product of two polynomials whose highest bit is the coefficient of x^0, modulo the field's polynomial. */
function multiply(left: bigint, right: bigint, { bits, polynomial }: CrcField): bigint {
  let product = 0n;
  let factor = left;
  for (let bit = bits - 1n; bit >= 0n; bit--) {
    if (((right >> bit) & 1n) === 1n) product ^= factor;
    factor = (factor & 1n) === 1n ? (factor >> 1n) ^ polynomial : factor >> 1n;
  }
  return product;
}

function powerOfX(exponent: bigint, field: CrcField): bigint {
  let result = 1n << (field.bits - 1n);
  let square = 1n << (field.bits - 2n);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = multiply(result, square, field);
    square = multiply(square, square, field);
  }
  return result;
}
