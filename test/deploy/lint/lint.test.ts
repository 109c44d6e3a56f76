import { describe, expect, it } from "vitest";
import { lintService } from "../../../src/deploy/lint/lint.ts";
import { formatFinding } from "../../../src/deploy/lint/finding.ts";
import { renderService } from "../../../src/render/render.ts";
import { desiredService } from "../../../src/deploy/service/desired.ts";
import type { DesiredService } from "../../../src/deploy/service/desired.ts";
import { desiredWith, environmentWith } from "../deploy-fixture.ts";

const SECOND = { region: "eu-west-1", configBucket: "fleet-config-eu", hostingBucket: "fleet-hosting-eu" };

function serviceWith(main: string, more: Partial<DesiredService["content"]> = {}): DesiredService {
  const desired = desiredWith();
  const vcls = [{ name: "main", content: main, main: true }];
  return { ...desired, content: { ...desired.content, vcls, ...more } };
}

/** What the checker alone finds: a service of one subroutine keeps no contract. */
function checked(service: DesiredService): readonly string[] {
  return lintService(service)
    .filter(({ rule }) => !rule.startsWith("sitefleet/"))
    .map(formatFinding);
}

describe("lintService", () => {
  it.each([
    ["one region", environmentWith()],
    ["two regions", environmentWith({ s3: { second: SECOND } })],
  ])("finds nothing in the rendered service with %s", (_, environment) => {
    const findings = lintService(desiredService(environment, renderService(environment)));
    expect(findings.map(formatFinding)).toEqual([]);
  });

  it("knows the service's backends, shields, dictionaries and ACLs", () => {
    const main = `sub vcl_recv {
#FASTLY recv
  set req.backend = fastly.try_select_shield(ssl_shield_iad_va_us, F_hosting);
  set req.http.X = table.lookup(sitefleet_private, "config_segment", "");
  if (client.ip ~ office) {
    set req.http.X = table.lookup(prices, "a", "");
  }
  return(lookup);
}
`;
    const acls = [{ name: "office", entries: [] }];
    const dictionaries = [...desiredWith().content.dictionaries, { name: "prices", write_only: false }];
    expect(checked(serviceWith(main, { acls, dictionaries }))).toEqual([]);
  });

  it.each([
    ["a backend that does not exist", "set req.backend = F_nowhere;"],
    ["a broken statement", "set req.http.X = ;"],
  ])("finds %s, with its file and line", (_, statement) => {
    const [finding] = lintService(serviceWith(`sub vcl_recv {\n#FASTLY recv\n  ${statement}\n}\n`));
    expect(finding?.severity).toBe("error");
    expect(finding && formatFinding(finding)).toMatch(/^main:3:/);
  });

  it("finds what is wrong in the snippets of the settings", () => {
    const snippets = [
      { name: "geo", type: "recv", content: "# ok\nset req.backend = F_nowhere;\n" },
    ] as const;
    const environment = environmentWith({ fastly: { snippets: [...snippets] } });
    const findings = lintService(desiredService(environment, renderService(environment)));
    expect(findings.filter(({ severity }) => severity === "error").map(formatFinding)).toEqual([
      expect.stringMatching(/^snippet "geo":2: error/),
    ]);
  });

  it("finds what is wrong in snippets, in the order that Fastly puts them", () => {
    const snippet = (name: string, priority: number, content: string) =>
      ({ name, type: "recv", dynamic: false, priority, content }) as const;
    const service = serviceWith("sub vcl_recv {\n#FASTLY recv\n  return(lookup);\n}\n", {
      snippets: [
        snippet("late", 200, 'set req.http.X-B = "é";\nset var.mine = "1";\n'),
        snippet("early", 10, "declare local var.mine STRING;\n# two\n"),
        { ...snippet("unused", 1, "set x = ;"), type: "none" },
      ],
    });
    expect(checked(service)).toEqual([]);
    const broken = serviceWith("sub vcl_recv {\n#FASTLY recv\n  return(lookup);\n}\n", {
      snippets: [
        snippet("early", 10, "# one\n# two\n"),
        snippet("late", 200, '# "é"\nset var.mine = "é";\n'),
      ],
    });
    const [finding] = checked(broken);
    expect(finding).toBe(
      [
        'snippet "late":2: error[local/undeclared]: var.mine is not declared before this',
        "  --> snippets in #FASTLY recv:4:5",
        "  |",
        '4 | set var.mine = "é";',
        "  |     ^^^^^^^^",
      ].join("\n"),
    );
  });
});
