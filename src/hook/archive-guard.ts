import { SitefleetError } from "../lib/errors.ts";

export interface ArchiveLimits {
  /** Bytes once it is unpacked, headers included. */
  readonly unpackedBytes: number;
  /** Entries; also the folders that they make, whether they are entries themselves or not. */
  readonly entries: number;
}

const BLOCK = 512;
/** Longest extended header (long names): a path has at most a few thousand bytes. */
const META_LIMIT = 64 * 1024;
/**
 * Types of entries that are taken (POSIX pax, "ustar Interchange Format", typeflag; GNU tar manual, "Standard"): files,
 * folders, extended headers, long names. Links and devices pass here and are refused by name where they are unpacked.
 * Everything else (sparse files, continued volumes, dumps, vendors' types) means something other than its bytes say.
 */
const KNOWN = "\u000001234567xgLK";
const META = "xgLK";

/**
 * Passes an archive on and stops it where it breaks a rule, before anything of the entry is unpacked: too many bytes or
 * entries, an extended header that is too long, or a type that is not taken (a decoder may read an unknown type as a file).
 */
export async function* guardArchive(
  chunks: AsyncIterable<Uint8Array>,
  limits: ArchiveLimits,
): AsyncGenerator<Uint8Array> {
  const header = Buffer.alloc(BLOCK);
  let filled = 0;
  let skip = 0;
  let bytes = 0;
  let entries = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > limits.unpackedBytes)
      throw archiveTooLarge(`has more than ${limits.unpackedBytes} bytes when it is unpacked`);
    for (let at = 0; at < chunk.length;) {
      const jump = Math.min(skip, chunk.length - at);
      at += jump;
      skip -= jump;
      const part = chunk.subarray(at, at + BLOCK - filled);
      header.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < BLOCK) continue;
      filled = 0;
      const size = readHeader(header);
      if (size === undefined) continue;
      skip = Math.ceil(size / BLOCK) * BLOCK;
      entries += 1;
      if (entries > limits.entries) throw archiveTooLarge(`has more than ${limits.entries} entries`);
    }
    yield chunk;
  }
}

/** Bytes that follow a header; `undefined` for a block of zeros, as stand at the end. */
function readHeader(header: Buffer): number | undefined {
  if (header.every((byte) => byte === 0)) return undefined;
  const type = String.fromCharCode(header[156] ?? 0);
  const name = header.toString("latin1", 0, 100).replace(/\0.*$/s, "");
  if (!KNOWN.includes(type)) {
    throw invalidArchive(
      `the entry "${printableName(name)}" is neither a file nor a folder (type ${JSON.stringify(type)})`,
    );
  }
  const size = readSize(header.subarray(124, 136));
  if (size === undefined) throw invalidArchive(`the entry "${printableName(name)}" has no readable size`);
  if (META.includes(type) && size > META_LIMIT)
    throw archiveTooLarge(`has a header of more than ${META_LIMIT} bytes`);
  // What these types say of a size is not followed by bytes.
  return "123456".includes(type) ? 0 : size;
}

/** Octal digits, or base 256 with the first bit set (GNU tar manual, "Extensions"), which no site's file needs. */
function readSize(field: Buffer): number | undefined {
  const text = field
    .toString("latin1")
    .replace(/[\0 ]+$/, "")
    .replace(/^ +/, "");
  return /^[0-7]{0,12}$/.test(text) ? Number.parseInt(text || "0", 8) : undefined;
}

function printableName(name: string): string {
  return name.replace(/[^\u0020-\u007e]/g, "?");
}

/** The error of an archive that cannot become a folder. */
export function invalidArchive(reason: string): SitefleetError {
  return new SitefleetError("hook/invalid-archive", `the folder cannot be unpacked: ${reason}`, {
    hint: "nothing was published; pack plain files and folders, for instance with `tar -C dist -czf site.tar.gz .`",
  });
}

/** The error of a folder of the bucket that cannot become one here; the reason stands by itself, as with archives. */
export function invalidPrefix(prefix: string, reason: string): SitefleetError {
  return new SitefleetError(
    "hook/invalid-archive",
    `what is below "${prefix}" cannot be published: ${reason}`,
    {
      hint: "nothing was published; look at what the hosting bucket has below this prefix, put plain files there and send the request again",
    },
  );
}

/** The error of an archive that would take more of this machine than it may; the reason continues "it …". */
export function archiveTooLarge(reason: string): SitefleetError {
  return new SitefleetError("hook/invalid-archive", `the folder cannot be unpacked: it ${reason}`, {
    hint: "nothing was published; send less, or start the endpoint with higher limits",
  });
}
