import { redirectMetadata } from "../../site/object-metadata.ts";
import type { RedirectObject } from "../../site/redirect-plan.ts";
import type { ObjectHeaders } from "../../store/object-store.ts";
import { sha256Hex } from "../publish-deps.ts";
import type { ReleaseObject } from "./release-object.ts";

/** Headers that a redirect's object is stored with; the edge answers with its own. */
const REDIRECT_HEADERS: ObjectHeaders = {
  contentType: "text/plain; charset=utf-8",
  cacheControl: "public, max-age=0, must-revalidate",
};

/** Body of a redirect's object: the rule's text, for people who look at the bucket. */
export function redirectBody(text: string): string {
  return `${text}\n`;
}

/** The object that stands for a redirect. */
export function redirectObject(redirect: RedirectObject): ReleaseObject {
  const body = redirectBody(redirect.text);
  return {
    key: redirect.key,
    size: Buffer.byteLength(body),
    hash: sha256Hex(body),
    headers: REDIRECT_HEADERS,
    metadata: redirectMetadata(redirect),
  };
}
