import { AREA_SLOTS } from "./metadata.ts";

/**
 * A part of a site that asks for a password. Only a salted verifier of the password is kept, so neither the config nor
 * whoever reads it knows the password.
 */
export interface ProtectedArea {
  /** Encoded path that begins and ends with `/`; `/` is the whole site. */
  readonly prefix: string;
  /** 32 hex digits, as text the key of the HMAC. */
  readonly salt: string;
  /** Hex HMAC-SHA-256 of the password's UTF-8 bytes, the salt's text being the key. */
  readonly verifier: string;
}

const AREA = /^([0-9a-f]{32}):([0-9a-f]{64}):(\/(?:(?:[A-Za-z0-9\-_.~]|%[0-9A-F]{2})+\/)*)$/;

/** Areas in the order in which the edge tries them: the longest prefix first. */
export function inAreaOrder(areas: readonly ProtectedArea[]): readonly ProtectedArea[] {
  return areas.toSorted((a, b) => b.prefix.length - a.prefix.length || (a.prefix < b.prefix ? -1 : 1));
}

/** Areas packed into one metadata value: `<slot>=<salt>:<verifier>:<prefix>` joined by `|`. */
export function packAreas(areas: readonly ProtectedArea[]): string {
  return inAreaOrder(areas)
    .map(({ prefix, salt, verifier }, index) => `${AREA_SLOTS.charAt(index)}=${salt}:${verifier}:${prefix}`)
    .join("|");
}

/** Reads a packed value; anything `packAreas` would not write is `undefined`. */
export function unpackAreas(text: string): readonly ProtectedArea[] | undefined {
  if (text === "") return [];
  const areas: ProtectedArea[] = [];
  for (const [index, part] of text.split("|").entries()) {
    const [, salt, verifier, prefix] = AREA.exec(part.slice(2)) ?? [];
    if (index >= AREA_SLOTS.length || !part.startsWith(`${AREA_SLOTS.charAt(index)}=`)) return undefined;
    if (salt === undefined || verifier === undefined || prefix === undefined) return undefined;
    areas.push({ prefix, salt, verifier });
  }
  return areasProblem(areas) === undefined && packAreas(areas) === text ? areas : undefined;
}

/** Why areas cannot stand together in a config, or `undefined`. */
export function areasProblem(areas: readonly ProtectedArea[]): string | undefined {
  if (areas.length > AREA_SLOTS.length) {
    return `has ${areas.length} protected areas, the limit is ${AREA_SLOTS.length}`;
  }
  if (new Set(areas.map(({ prefix }) => prefix)).size < areas.length) {
    return "protects the same path twice";
  }
  const bad = areas.find(({ prefix, salt, verifier }) => !AREA.test(`${salt}:${verifier}:${prefix}`));
  return (
    bad && `has a protected area with the path "${bad.prefix}", which is not an encoded path between slashes`
  );
}

/** The area that an encoded path lies in, or `undefined`; every spelling of a page's path lies in the same one. */
export function areaOf(areas: readonly ProtectedArea[], encodedPath: string): ProtectedArea | undefined {
  const stem = encodedPath.replace(/(?:\/|\/index\.html|\.html)$/, "");
  return inAreaOrder(areas).find(({ prefix }) => `${stem}/`.startsWith(prefix));
}
