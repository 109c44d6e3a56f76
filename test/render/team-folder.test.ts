import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FEATURES, STAGES } from "../../src/render/features.ts";
import { originOf } from "../../src/render/line-map.ts";
import { TEMPLATES, renderService } from "../../src/render/render.ts";
import type { RenderedService } from "../../src/render/render.ts";
import { exampleEnvironment } from "../support/environments.ts";
import { withTeamFolder } from "../support/team-folder.ts";

const production = exampleEnvironment("production");
const plain = renderService(production);

async function renderWith(files: Readonly<Record<string, string>>): Promise<RenderedService> {
  return renderService(await withTeamFolder(production, files));
}

function mainOf(rendered: RenderedService): string {
  return rendered.files[0]?.content ?? "";
}

/** The order of the comments that name features in a subroutine's stages. */
function featuresIn(content: string): readonly string[] {
  return [...content.matchAll(/^ *# ([a-z-]+)$/gm)].map((match) => match[1] ?? "");
}

/** The template line of the first rendered line that has this text. */
function originOfText(rendered: RenderedService, text: string): string {
  const [file] = rendered.files;
  const line = (file?.content.split("\n") ?? []).findIndex((candidate) => candidate.includes(text)) + 1;
  const origin = file && originOf(file, line);
  return `${origin?.template}:${origin?.line}`;
}

describe("a team's folder", () => {
  it("changes nothing where it is empty, but for notes", async () => {
    expect(await renderWith({ "README.md": "our edge", ".gitkeep": "" })).toEqual(plain);
  });

  it("replaces a feature, whose lines come from there", async () => {
    const rendered = await renderWith({
      "hsts.vcl.njk": `{% macro deliver_edge() %}\nset resp.http.Strict-Transport-Security = "max-age=63072000";\n{% endmacro %}\n`,
    });
    expect(mainOf(rendered)).toContain('"max-age=63072000"');
    expect(mainOf(rendered)).not.toContain("SF-Config-H ~");
    expect(originOfText(rendered, "max-age=63072000")).toBe("edge/hsts.vcl.njk:2");
    expect(rendered.revision).not.toBe(plain.revision);
  });

  it("extends a feature: stages that it does not have come from the original", async () => {
    const rendered = await renderWith({
      "canonical-host.vcl.njk": [
        "{#- extends -#}",
        '{% import "sitefleet:canonical-host.vcl.njk" as original with context %}',
        "{% macro recv_page() %}",
        "# ours first",
        "{{ original.recv_page() }}",
        "{% endmacro %}",
      ].join("\n"),
      "edge-gate.vcl.njk": "{#- extends -#}\n{% macro hit() %}\n# seen\n{% endmacro %}\n",
    });
    const without = mainOf(rendered)
      .replace(/^ *# ours first\n/m, "")
      .replace(/^ *# edge-gate\n *# seen\n/m, "");
    const sameRevision = (text: string): string =>
      text.replace(/[0-9a-f]{16}/, "").replace(/SF-Revision = .*/, "");
    expect(sameRevision(without).replace(/\n+/g, "\n")).toBe(
      sameRevision(mainOf(plain)).replace(/\n+/g, "\n"),
    );
    expect(originOfText(rendered, "# ours first")).toBe("edge/canonical-host.vcl.njk:4");
    expect(originOfText(rendered, "unset req.http.SF-*")).toMatch(/^edge-gate\.vcl\.njk:\d+$/);
  });

  it("adds features at the places that they name, also beside each other", async () => {
    const stage = (name: string): string => `{% macro recv_page() %}\n# in ${name}\n{% endmacro %}\n`;
    const rendered = await renderWith({
      "b-two.vcl.njk": `{#- after: a-one -#}\n${stage("two")}`,
      "a-one.vcl.njk": `{#- after: canonical-host -#}\n${stage("one")}`,
      "c-three.vcl.njk": `{# before: force-tls #}\n${stage("three")}`,
    });
    const order = featuresIn(mainOf(rendered));
    const at = order.indexOf("a-one");
    expect(order.slice(at - 1, at + 4)).toEqual(["canonical-host", "a-one", "b-two", "c-three", "force-tls"]);
  });

  it("has templates that others import, and snippets for Fastly's macros", async () => {
    const rendered = await renderWith({
      "_shared.vcl.njk": "{% macro greet(name) %}\n# hello {{ name }}\n{% endmacro %}\n",
      "greeting.vcl.njk":
        '{#- before: log -#}\n{% import "_shared.vcl.njk" as shared %}\n{% macro log() %}\n{{ shared.greet("you") }}\n{% endmacro %}\n',
      "snippets/recv-countries.vcl": '# one\n\nset req.http.X-A = {"{{ not a template }}"};\n',
      "snippets/deliver-50-marks.vcl.njk": 'set resp.http.X-Env = "{{ environment.name }}";\n',
    });
    expect(originOfText(rendered, "# hello you")).toBe("edge/_shared.vcl.njk:2");
    expect(rendered.snippets).toEqual([
      {
        name: "deliver-50-marks",
        type: "deliver",
        priority: 50,
        content: 'set resp.http.X-Env = "production";\n',
        lines: [{ template: "edge/snippets/deliver-50-marks.vcl.njk", line: 1 }, null],
      },
      {
        name: "recv-countries",
        type: "recv",
        priority: 100,
        content: '# one\n\nset req.http.X-A = {"{{ not a template }}"};\n',
        lines: [
          { template: "edge/snippets/recv-countries.vcl", line: 1 },
          null,
          { template: "edge/snippets/recv-countries.vcl", line: 3 },
          null,
        ],
      },
    ]);
  });

  it("makes another revision with every change of a snippet", async () => {
    const one = await renderWith({ "snippets/recv-a.vcl": "# one\n" });
    const two = await renderWith({ "snippets/recv-a.vcl": "# two\n" });
    expect(new Set([plain.revision, one.revision, two.revision]).size).toBe(3);
  });

  it.each<[string, Readonly<Record<string, string>>, RegExp]>([
    [
      "a mistyped feature",
      { "force-tsl.vcl.njk": "" },
      /^edge\/force-tsl\.vcl\.njk:1: .*did you mean "force-tls"\?/,
    ],
    [
      "an unknown feature without a place",
      { "mine.vcl.njk": "\n" },
      /^edge\/mine\.vcl\.njk:1: .*no feature "mine"$/,
    ],
    ["a new feature that extends", { "mine.vcl.njk": "{#- extends -#}" }, /no feature "mine"/],
    [
      "a place beside nothing",
      { "mine.vcl.njk": "{#- after: hstss -#}" },
      /^edge\/mine.*"hstss".*did you mean "hsts"\?/,
    ],
    [
      "places beside each other only",
      { "a.vcl.njk": "{#- after: b -#}", "b.vcl.njk": "{#- after: a -#}" },
      /^edge\/a\.vcl\.njk:1: there is no feature "b" to be after/,
    ],
    [
      "a place for one of ours",
      { "hsts.vcl.njk": "{#- after: log -#}" },
      /^edge\/hsts\.vcl\.njk:1: .*place is fixed/,
    ],
    [
      "a mistyped stage",
      { "hsts.vcl.njk": "\n\n{% macro deliver_egde() %}{% endmacro %}" },
      /^edge\/hsts\.vcl\.njk:3: there is no stage "deliver_egde"; did you mean "deliver_edge"\?/,
    ],
    ["main.vcl.njk", { "main.vcl.njk": "" }, /^edge\/main\.vcl\.njk: .*cannot be replaced/],
    ["a file that is no template", { "hsts.vcl": "" }, /^edge\/hsts\.vcl: is no name of a template/],
    ["another folder", { "more/hsts.vcl.njk": "" }, /^edge\/more: is a folder/],
    ["a file called snippets", { snippets: "" }, /^edge\/snippets: is no folder/],
    [
      "a snippet without a place",
      { "snippets/countries.vcl": "" },
      /^edge\/snippets\/countries\.vcl: is no name/,
    ],
    ["a snippet for nothing", { "snippets/recieve-a.vcl": "" }, /no subroutine "recieve"/],
    ["a mistyped subroutine", { "snippets/rcv-a.vcl": "" }, /did you mean "recv"\?/],
    ["a folder of snippets in a folder", { "snippets/recv/a.vcl": "" }, /^edge\/snippets\/recv: is a folder/],
    [
      "an import of itself",
      { "hsts.vcl.njk": '\n{% import "hsts.vcl.njk" as o %}' },
      /^edge\/hsts\.vcl\.njk:2: imports itself/,
    ],
    [
      "an import from outside",
      { "hsts.vcl.njk": '{% include "../../package.json" %}' },
      /^edge\/hsts\.vcl\.njk:1: there is no template/,
    ],
    [
      "an absolute import",
      { "hsts.vcl.njk": '{% include "/etc/passwd" %}' },
      /^edge\/hsts\.vcl\.njk:1: there is no template/,
    ],
    [
      "an import past our own folder",
      { "hsts.vcl.njk": '{% include "sitefleet:../package.json" %}' },
      /there is no template "sitefleet:/,
    ],
    [
      "broken Nunjucks",
      { "hsts.vcl.njk": "a\n{% macro deliver_edge() %}\n{% iff x %}\n" },
      /^edge\/hsts\.vcl\.njk:3: .*unknown block tag/,
    ],
    [
      "a value that there is not, in a macro of another file",
      {
        "_words.vcl.njk":
          "{% macro fine() %}fine{% endmacro %}\n{% macro word(which) %}\n\n  {{ which.nothing.at.all }}\n{% endmacro %}",
        "hsts.vcl.njk":
          '{% import "_words.vcl.njk" as words %}\n{% macro deliver_edge() %}\n  {{ words.word("a") }}\n{% endmacro %}',
      },
      /^edge\/_words\.vcl\.njk:4: attempted to output null or undefined value; called from edge\/hsts\.vcl\.njk:3$/,
    ],
    [
      "a call of nothing behind a macro that has ended, in a condition",
      {
        "_words.vcl.njk": "{% macro fine() %}fine{% endmacro %}",
        "hsts.vcl.njk":
          '{% import "_words.vcl.njk" as words %}\n{% macro deliver_edge() %}\n\n{% if words.fine() and nothing() %}\nx\n{% endif %}\n{% endmacro %}',
      },
      /^edge\/hsts\.vcl\.njk:4: Unable to call `nothing`/,
    ],
    [
      "a value that there is not",
      { "hsts.vcl.njk": "{% macro deliver_edge() %}\n\n  {{ nothing }}\n{% endmacro %}" },
      /^edge\/hsts\.vcl\.njk:3: attempted to output null or undefined/,
    ],
    [
      "broken Nunjucks in a snippet",
      { "snippets/recv-a.vcl.njk": "\n{{ 1 + }}" },
      /^edge\/snippets\/recv-a\.vcl\.njk:2: /,
    ],
    ["a reserved character", { "hsts.vcl.njk": "\uFDD0" }, /U\+FDD0/],
  ])("is refused for %s", async (_, files, message) => {
    const environment = await withTeamFolder(production, files);
    expect(() => renderService(environment)).toThrow(
      expect.objectContaining({ code: "render/override", message: expect.stringMatching(message) }),
    );
  });

  it("is refused where it is not there", () => {
    const environment = { ...production, edge: { path: "/nowhere/edge", label: "edge" } };
    expect(() => renderService(environment)).toThrow("edge: is no folder");
  });

  it("is refused for links out of it, for bytes that are no text, and for too many of them", async () => {
    const linked = await withTeamFolder(production, {});
    await symlink("/etc/hostname", join(linked.edge?.path ?? "", "hsts.vcl.njk"));
    expect(() => renderService(linked)).toThrow("edge/hsts.vcl.njk: is a link out of the folder");
    const outside = await withTeamFolder(production, {});
    const folder = join(outside.edge?.path ?? "", "..", "elsewhere");
    await mkdir(folder);
    await writeFile(join(folder, "recv-a.vcl"), "# no");
    await symlink(folder, join(outside.edge?.path ?? "", "snippets"));
    expect(() => renderService(outside)).toThrow("edge/snippets/recv-a.vcl: is a link out of the folder");
    const binary = await withTeamFolder(production, {});
    await writeFile(join(binary.edge?.path ?? "", "hsts.vcl.njk"), Buffer.from([0xff, 0xfe, 0x00]));
    expect(() => renderService(binary)).toThrow("edge/hsts.vcl.njk: is not UTF-8");
    const large = await withTeamFolder(production, { "snippets/recv-a.vcl": "#".repeat(1_048_577) });
    expect(() => renderService(large)).toThrow(/more than the 1048576/);
  });
});

describe("the lists of features and stages", () => {
  it("are what main.vcl.njk and the folder of templates have", async () => {
    const main = await readFile(join(TEMPLATES, "main.vcl.njk"), "utf8");
    const called = new Set([...main.matchAll(/hook\("(\w+)"\)/g)].map((match) => match[1] ?? ""));
    expect([...called].toSorted()).toEqual(STAGES.toSorted());
    for (const feature of FEATURES) await readFile(join(TEMPLATES, `${feature}.vcl.njk`));
  });
});
