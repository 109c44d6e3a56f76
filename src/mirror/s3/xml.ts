import { SaxesParser } from "saxes";
import { S3Error } from "./s3-error.ts";

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";
const MAX_DEPTH = 8;
const MAX_ELEMENTS = 100_000;

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&apos;"],
]);

/**
 * Text for an XML document. Control characters become character references, as S3 writes them: XML 1.0 cannot
 * hold most of them at all, which is what `encoding-type=url` is for.
 */
export function escapeXml(text: string): string {
  return text.replace(
    /[&<>"'\u0000-\u001f\u007f\ufffe\uffff]/g,
    (char) => ESCAPES.get(char) ?? `&#x${char.charCodeAt(0).toString(16)};`,
  );
}

/** `<name>value</name>` with the value escaped. */
export function xmlText(name: string, value: string | number | boolean): string {
  return `<${name}>${escapeXml(String(value))}</${name}>`;
}

/** `<name>…</name>` around text that is XML already. */
export function xmlElement(name: string, inner: string): string {
  return `<${name}>${inner}</${name}>`;
}

/** A whole result document in S3's namespace. */
export function xmlDocument(root: string, inner: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${inner}</${root}>`;
}

/** A whole error document; S3 sends these without a namespace. */
export function xmlErrorDocument(inner: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${inner}</Error>`;
}

/** One element of a parsed request document. */
export interface XmlElement {
  readonly name: string;
  /** Character data directly inside, as sent: keys may begin or end with spaces. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

interface OpenElement {
  readonly name: string;
  text: string;
  readonly children: XmlElement[];
}

/** Parses a request body. Throws `MalformedXML` for anything not well-formed, a DOCTYPE, or a document out of proportion. */
export function parseXml(source: Buffer): XmlElement {
  const root: OpenElement = { name: "", text: "", children: [] };
  const open: OpenElement[] = [root];
  let count = 0;
  const parser = new SaxesParser();
  parser.on("error", refuse);
  // A DTD can define entities that expand without end; no S3 request has one.
  parser.on("doctype", refuse);
  parser.on("opentag", (tag) => {
    if (open.length > MAX_DEPTH || ++count > MAX_ELEMENTS) refuse();
    open.push({ name: tag.name, text: "", children: [] });
  });
  parser.on("text", (text) => append(open, text));
  parser.on("cdata", (text) => append(open, text));
  parser.on("closetag", () => {
    const closed = open.pop();
    const parent = open.at(-1);
    if (closed !== undefined && parent !== undefined) parent.children.push(closed);
  });
  parser.write(decodeUtf8(source)).close();
  const document = root.children[0];
  if (document === undefined) return refuse();
  return document;
}

function append(open: readonly OpenElement[], text: string): void {
  const current = open.at(-1);
  if (current !== undefined) current.text += text;
}

function refuse(): never {
  throw new S3Error("MalformedXML");
}

function decodeUtf8(source: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(source);
  } catch {
    // Not UTF-8: the only way `decode` fails, and the same answer as for any other malformed document.
    return refuse();
  }
}

/** The text of the first child of that name, or `undefined`. */
export function childText(element: XmlElement, name: string): string | undefined {
  return element.children.find((child) => child.name === name)?.text;
}
