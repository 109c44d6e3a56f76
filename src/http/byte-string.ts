/** The UTF-8 bytes of a text as a byte string, one char code each: what VCL and header lines hold. */
export function toByteString(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** The text that these bytes are the UTF-8 of. */
export function fromByteString(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}
