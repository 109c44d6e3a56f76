/**
 * Text as it may go to a terminal: what a remote side, a file name or a header says may hold bytes that move the cursor,
 * recolour or reverse what is shown. Line ends and tabs stay; every other control character shows as U+FFFD.
 */
export function forTerminal(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, "\u{fffd}");
}
