import { gzipSync } from "node:zlib";

/** An entry as a test writes it; what is left out is that of an ordinary file. */
export interface TestEntry {
  readonly name: string | Uint8Array;
  readonly body?: string | Uint8Array;
  /** ustar's type flag. */
  readonly type?: string;
  readonly link?: string;
  /** Size in the header, when it is not that of the body. */
  readonly size?: number;
}

const BLOCK = 512;

/** A ustar archive, written here byte by byte so that it can be as wrong as a test wants. */
export function tar(entries: readonly TestEntry[], end = BLOCK * 2): Buffer {
  return Buffer.concat([...entries.flatMap((entry) => tarEntry(entry)), Buffer.alloc(end)]);
}

export function tarGz(entries: readonly TestEntry[]): Buffer {
  return gzipSync(tar(entries));
}

/** The records of an extended header (POSIX pax) before an entry. */
export function pax(records: Readonly<Record<string, string>>, type = "x"): TestEntry {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    let length = rest + 1;
    while (String(length).length + rest !== length) length = String(length).length + rest;
    return `${length} ${key}=${value}\n`;
  });
  return { name: "PaxHeader", type, body: lines.join("") };
}

function tarEntry({ name, body = "", type = "0", link = "", size }: TestEntry): readonly Buffer[] {
  const content = Buffer.from(body);
  const header = Buffer.alloc(BLOCK);
  header.set(Buffer.from(name).subarray(0, 100), 0);
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${(size ?? content.length).toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write(type, 156, "latin1");
  header.write(link, 157);
  header.write("ustar\u000000", 257, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return [header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)];
}
