import { canonicalAddress } from "../../fastly/address.ts";
import type { Secret } from "../../lib/secret.ts";
import type { Environment } from "../../settings/environment.ts";
import type { AclContent, AclRule, DictionaryContent } from "./service-content.ts";

/** A value that only the edge may read. */
export interface PrivateItem {
  readonly dictionary: string;
  readonly key: string;
  readonly value: Secret;
}

/** The team's dictionaries; the items of private ones are in `privateItemsOf`. */
export function dictionariesOf({ fastly }: Environment): readonly DictionaryContent[] {
  return Object.entries(fastly.dictionaries ?? {}).map(([name, dictionary]) => {
    if ("private" in dictionary) return { name, write_only: true };
    const items = Object.entries(dictionary.items).map(([key, value]) => ({ key, value }));
    return { name, write_only: false, items };
  });
}

/**
 * Items of the team's private dictionaries, from the environment's variables.
 * @throws SitefleetError `settings/missing-secret`
 */
export function privateItemsOf({ fastly, secrets }: Environment): readonly PrivateItem[] {
  return Object.entries(fastly.dictionaries ?? {}).flatMap(([name, dictionary]) =>
    "private" in dictionary
      ? Object.entries(dictionary.items).map(([key, { env }]) => ({
          dictionary: name,
          key,
          value: secrets.named(env),
        }))
      : [],
  );
}

/** The team's ACLs; an entry that is there twice counts once. */
export function aclsOf({ fastly }: Environment): readonly AclContent[] {
  return Object.entries(fastly.acls ?? {}).map(([name, written]) => {
    const rules = written.map((entry) =>
      typeof entry === "string" ? parseRule(entry, "") : parseRule(entry.entry, entry.comment),
    );
    const byText = new Map(rules.map((rule) => [JSON.stringify({ ...rule, comment: "" }), rule]));
    return { name, entries: [...byText.values()] };
  });
}

function parseRule(text: string, comment: string): AclRule {
  const [ip = "", subnet] = text.replace(/^!/, "").split("/");
  return {
    ip: canonicalAddress(ip),
    subnet: subnet === undefined ? null : Number(subnet),
    negated: text.startsWith("!"),
    comment,
  };
}
