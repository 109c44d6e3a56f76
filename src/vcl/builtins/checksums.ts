/** Checksums that node:crypto does not have. Inputs are byte strings (latin1). */

function crcTable(polynomial: number, reflected: boolean): Uint32Array {
  const table = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    let value = reflected ? i : i << 24;
    for (let bit = 0; bit < 8; bit++) {
      if (reflected) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
      else value = value & 0x80000000 ? (value << 1) ^ polynomial : value << 1;
    }
    table[i] = value >>> 0;
  }
  return table;
}

const REFLECTED = crcTable(0xedb88320, true);
const STRAIGHT = crcTable(0x04c11db7, false);

/** CRC-32 of zlib and PHP's crc32b, as a number. */
export function crc32(bytes: string): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    crc = (crc >>> 8) ^ (REFLECTED[(crc ^ bytes.charCodeAt(i)) & 255] ?? 0);
  }
  return ~crc >>> 0;
}

/** CRC-32 of bzip2 (most significant bit first), as a number. */
export function crc32Bzip2(bytes: string): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    crc = (crc << 8) ^ (STRAIGHT[((crc >>> 24) ^ bytes.charCodeAt(i)) & 255] ?? 0);
  }
  return ~crc >>> 0;
}

/** The four bytes of a number in the other order. */
export function swapBytes32(value: number): number {
  return (((value & 255) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}

// xxHash, by its specification (github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md), seed 0.

const P32 = [2654435761, 2246822519, 3266489917, 668265263, 374761393] as const;

function rotl32(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

function round32(lane: number, input: number): number {
  return Math.imul(rotl32((lane + Math.imul(input, P32[1])) | 0, 13), P32[0]);
}

export function xxh32(bytes: string): number {
  const data = Buffer.from(bytes, "latin1");
  let at = 0;
  let hash = P32[4] | 0;
  if (data.length >= 16) {
    const lanes = [(P32[0] + P32[1]) | 0, P32[1] | 0, 0, -P32[0] | 0];
    for (; at + 16 <= data.length; at += 16) {
      for (let lane = 0; lane < 4; lane++)
        lanes[lane] = round32(lanes[lane] ?? 0, data.readInt32LE(at + lane * 4));
    }
    const [a = 0, b = 0, c = 0, d = 0] = lanes;
    hash = (rotl32(a, 1) + rotl32(b, 7) + rotl32(c, 12) + rotl32(d, 18)) | 0;
  }
  hash = (hash + data.length) | 0;
  for (; at + 4 <= data.length; at += 4) {
    hash = Math.imul(rotl32((hash + Math.imul(data.readInt32LE(at), P32[2])) | 0, 17), P32[3]);
  }
  for (; at < data.length; at++) {
    hash = Math.imul(rotl32((hash + Math.imul(data[at] ?? 0, P32[4])) | 0, 11), P32[0]);
  }
  hash = Math.imul(hash ^ (hash >>> 15), P32[1]);
  hash = Math.imul(hash ^ (hash >>> 13), P32[2]);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const P64 = [
  11400714785074694791n,
  14029467366897019727n,
  1609587929392839161n,
  9650029242287828579n,
  2870177450012600261n,
] as const;

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

function rotl64(value: bigint, by: bigint): bigint {
  return u64((value << by) | (value >> (64n - by)));
}

function round64(lane: bigint, input: bigint): bigint {
  return u64(rotl64(u64(lane + input * P64[1]), 31n) * P64[0]);
}

export function xxh64(bytes: string): bigint {
  const data = Buffer.from(bytes, "latin1");
  let at = 0;
  let hash: bigint = P64[4];
  if (data.length >= 32) {
    const lanes = [u64(P64[0] + P64[1]), P64[1], 0n, u64(-P64[0])];
    for (; at + 32 <= data.length; at += 32) {
      for (let lane = 0; lane < 4; lane++)
        lanes[lane] = round64(lanes[lane] ?? 0n, data.readBigUInt64LE(at + lane * 8));
    }
    const [a = 0n, b = 0n, c = 0n, d = 0n] = lanes;
    hash = u64(rotl64(a, 1n) + rotl64(b, 7n) + rotl64(c, 12n) + rotl64(d, 18n));
    for (const lane of lanes) hash = u64((hash ^ round64(0n, lane)) * P64[0] + P64[3]);
  }
  hash = u64(hash + BigInt(data.length));
  for (; at + 8 <= data.length; at += 8) {
    hash = u64(rotl64(hash ^ round64(0n, data.readBigUInt64LE(at)), 27n) * P64[0] + P64[3]);
  }
  if (at + 4 <= data.length) {
    hash = u64(rotl64(hash ^ u64(BigInt(data.readUInt32LE(at)) * P64[0]), 23n) * P64[1] + P64[2]);
    at += 4;
  }
  for (; at < data.length; at++) hash = u64(rotl64(hash ^ u64(BigInt(data[at] ?? 0) * P64[4]), 11n) * P64[0]);
  hash = u64((hash ^ (hash >> 33n)) * P64[1]);
  hash = u64((hash ^ (hash >> 29n)) * P64[2]);
  return hash ^ (hash >> 32n);
}
