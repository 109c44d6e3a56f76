const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Bytes in lower-case hex. */
export function toHex(buffer: ArrayBuffer): string {
  const bytes = new Uint8Array(buffer);
  let hex = "";
  // Fastly's engine has no compiler: an iterator would cost it ten times as much.
  for (let at = 0; at < bytes.length; at += 1) hex += DIGITS[bytes[at] ?? 0] ?? "";
  return hex;
}
