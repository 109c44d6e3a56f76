import { environmentOf } from "../../src/settings/environment.ts";
import type { Environment } from "../../src/settings/environment.ts";
import { localEnvironment } from "../../src/settings/local.ts";
import type { MirrorFile } from "../../src/settings/local.ts";
import { settingsSchema } from "../../src/settings/schema.ts";
import type { SettingsInput } from "../../src/settings/schema.ts";

/** A settings file with every feature in use, as a customer might write it. */
export const exampleSettings: SettingsInput = {
  environments: {
    test: {
      fastly: {
        serviceId: "SU1Z0isxPaozGVKXdv0eY",
        shield: "iad-va-us",
        domains: ["*.test.example-sites.com"],
      },
      s3: {
        region: "us-east-1",
        configBucket: "example-test-config",
        hostingBucket: "example-test-hosting",
        second: {
          region: "us-west-2",
          configBucket: "example-test-config-west",
          hostingBucket: "example-test-hosting-west",
        },
      },
      hostSuffixes: { ".staging.test.example-sites.com": "staging" },
      verify: { url: "https://verify.test.example-sites.com", hostSuffix: "verify.test.example-sites.com" },
    },
    production: {
      fastly: { serviceId: "5Rc1WuDLKKaqMQW4Oyt0eY", shield: "iad-va-us", domains: ["*.example-sites.com"] },
      s3: {
        region: "us-east-1",
        configBucket: "example-config",
        hostingBucket: "example-hosting",
        second: {
          region: "us-west-2",
          configBucket: "example-config-west",
          hostingBucket: "example-hosting-west",
        },
      },
      hostSuffixes: { ".staging.example-sites.com": "staging", ".preview.example-sites.com": "preview" },
      tlsRedirectStatus: 308,
    },
  },
};

/** One of the example's environments. */
export function exampleEnvironment(name: "test" | "production"): Environment {
  return environmentOf(settingsSchema.parse(exampleSettings), name, {});
}

/** What a mirror on the design's ports says of itself. */
export const exampleMirrorFile: MirrorFile = {
  pid: 1,
  edge: { http: "http://127.0.0.1:8080", https: "https://127.0.0.1:8443", ca: "/state/ca/ca.pem" },
  api: { url: "http://127.0.0.1:8081", token: "example-token" },
  s3: {
    url: "http://127.0.0.1:8082",
    region: "us-east-1",
    accessKeyId: "EXAMPLEPUBLISHER",
    secretAccessKey: "example-secret",
    edgeKey: "EXAMPLEREADER:example-secret",
  },
  configSegment: "example-segment",
};

/** The environment `local` of that mirror. */
export function exampleLocal(): Environment {
  return localEnvironment(exampleMirrorFile);
}
