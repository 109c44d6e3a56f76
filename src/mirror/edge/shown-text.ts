import { fromByteString } from "../../http/byte-string.ts";

/** Makes text for people of bytes that a request, a response or VCL holds. */
export type ShowText = (bytes: string) => string;

/** More than a page can usefully show. */
const MAX_TEXT = 2_000;
/** Shorter values stand in texts by chance, and hide nothing that could not be guessed. */
const MIN_SECRET = 8;
const COVER = "(private)";

/**
 * Bytes as what they are the UTF-8 of, cut to `max`, with every secret covered. A value such as `id:secret` is covered
 * whole and in its parts, since VCL may have taken it apart.
 */
export function textShower(secrets: readonly string[], max = MAX_TEXT): ShowText {
  const parts = secrets.flatMap((secret) => [secret, ...secret.split(":")]);
  const covered = [...new Set(parts)]
    .filter((part) => part.length >= MIN_SECRET)
    // A longer secret may contain a shorter one.
    .sort((a, b) => b.length - a.length);
  return (bytes) => {
    let text = bytes;
    for (const secret of covered) if (text.includes(secret)) text = text.replaceAll(secret, () => COVER);
    return fromByteString(text.length > max ? `${text.slice(0, max)}...` : text);
  };
}
