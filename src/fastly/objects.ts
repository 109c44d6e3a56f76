import type { z } from "zod";
import type { Secret } from "../lib/secret.ts";
import type { FormValue } from "./request-body.ts";
import { acl, backend, dictionary, domain, healthcheck, loggingEndpoint, snippet, vclFile } from "./wire.ts";
import type {
  Acl,
  Backend,
  Dictionary,
  Domain,
  Healthcheck,
  LoggingEndpoint,
  Snippet,
  VclFile,
} from "./wire.ts";

/** A kind of named object inside a version: where it lives and how it is read and written. */
export interface ObjectKind<
  Read extends { readonly name: string },
  Write extends { readonly name: string } = Read,
> {
  /** Part of the path: `/service/{id}/version/{n}/<path>[/<name>]`. */
  readonly path: string;
  readonly answer: z.ZodType<Read>;
  /** What is sent to create or replace it; booleans become 1 and 0. */
  toForm(object: Write): Readonly<Record<string, FormValue>>;
  /** Values in it that must not turn up in an error. */
  secretsOf?(object: Write): readonly Secret[];
}

/** reference/api/vcl-services/vcl; which file is the main one is a call of its own (`setMainVcl`). */
export const VCL: ObjectKind<VclFile, Pick<VclFile, "name" | "content">> = {
  path: "vcl",
  answer: vclFile,
  toForm: ({ name, content }) => ({ name, content }),
};

/** reference/api/services/domain */
export const DOMAIN: ObjectKind<Domain> = {
  path: "domain",
  answer: domain,
  toForm: (object) => ({ ...object }),
};

/** reference/api/services/backend; an empty text unsets the field. */
export const BACKEND: ObjectKind<Backend> = {
  path: "backend",
  answer: backend,
  toForm: (object) => ({ ...object }),
};

/** reference/api/services/healthcheck */
export const HEALTHCHECK: ObjectKind<Healthcheck> = {
  path: "healthcheck",
  answer: healthcheck,
  toForm: (object) => ({ ...object }),
};

/** reference/api/dictionaries/dictionary */
export const DICTIONARY: ObjectKind<Dictionary, Omit<Dictionary, "id">> = {
  path: "dictionary",
  answer: dictionary,
  toForm: ({ name, write_only }) => ({ name, write_only }),
};

/** reference/api/acls/acl; its entries have no version. */
export const ACL: ObjectKind<Acl, Pick<Acl, "name">> = {
  path: "acl",
  answer: acl,
  toForm: ({ name }) => ({ name }),
};

/** reference/api/vcl-services/snippet; whether one is dynamic is for life. */
export const SNIPPET: ObjectKind<Snippet> = {
  path: "snippet",
  answer: snippet,
  toForm: (object) => ({ ...object }),
};

/** A logging endpoint as it is written: every field with its value, secrets too. */
export interface WrittenLogging {
  readonly name: string;
  readonly fields: Readonly<Record<string, Secret | string>>;
}

/** reference/api/logging: each kind has a path of its own, and every one of its fields can be read again. */
export function loggingOf(kind: string): ObjectKind<LoggingEndpoint, WrittenLogging> {
  return {
    path: `logging/${kind}`,
    answer: loggingEndpoint,
    toForm: ({ name, fields }) => ({
      ...Object.fromEntries(
        Object.entries(fields).map(([field, value]) => [
          field,
          typeof value === "string" ? value : value.reveal(),
        ]),
      ),
      name,
    }),
    secretsOf: ({ fields }) => Object.values(fields).filter((value) => typeof value !== "string"),
  };
}
